"""What a conversation remembers of its turns, to notice when the caller goes round in circles."""

from __future__ import annotations

from collections import deque

from voice_hitl.agent.reading import Reading
from voice_hitl.agent.table import Act, State
from voice_hitl.agent.text import LIGHT, Tokens, likeness

_ALIKE = 0.75  # share of common words from which two turns say the same
_SHORT = 2  # content words; shorter turns repeat without meaning anything by it
_LOOK_BACK = 3  # turns


class TurnMemory:
    """The caller's last turns and how often in a row something went wrong."""

    def __init__(self) -> None:
        self._said: deque[Tokens] = deque(maxlen=_LOOK_BACK)
        self.no_matches = 0  # in a row
        self.silences = 0  # in a row

    def copy(self) -> TurnMemory:
        """One that changes apart from this."""
        twin = TurnMemory()
        twin._said.extend(self._said)
        twin.no_matches, twin.silences = self.no_matches, self.silences
        return twin

    def note(self, reading: Reading) -> None:
        """Take in a turn that has been understood."""
        self.no_matches = self.no_matches + 1 if reading.act is Act.NO_MATCH else 0
        self.silences = self.silences + 1 if reading.act is Act.SILENCE else 0
        if reading.words:
            self._said.append(_content(reading.words))

    def repeats(self, reading: Reading, running: str | None) -> bool:
        """Whether the caller says the same again: alike in words, or asking for what is under way."""
        if reading.intent is not None and reading.intent == running:
            return True
        words = _content(reading.words)
        if len(words) < _SHORT or reading.act in (Act.AFFIRM, Act.DENY, Act.THANKS, Act.GOODBYE):
            return False
        return any(likeness(words, former) >= _ALIKE for former in self._said)


def _content(words: Tokens) -> Tokens:
    return tuple(word for word in words if word not in LIGHT)


def negates(reading: Reading, state: State) -> bool:
    """Whether the caller refused or corrected what the agent made of their words."""
    if reading.act is Act.CORRECT:
        return True
    if reading.act is Act.DENY:
        return state in (State.CONFIRMING, State.CLARIFYING)
    return reading.act is Act.INFORM and reading.corrects
