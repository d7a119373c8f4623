"""How the conversation itself is going: repeats, rephrasings, refusals, stuck questions, length."""

from __future__ import annotations

from dataclasses import dataclass, field

from handoff.events import AgentSpoke, CallerSilent, CallerSpoke

LONG_CALL_TURNS = 12  # a routine call is over by then
STUCK_LIMIT = 3  # asked this often more than once is as stuck as it gets

# Words that carry no request; without them two wordings of one request look alike.
_FILLERS = """
    a an the i i'd i'm i've me my we you your it is are am was to of for in on at and or so that this
    please thanks thank yes no not yeah uh um er well okay ok just like would could can will do does
    want need have
"""
FILLERS = frozenset(_FILLERS.split())


@dataclass(slots=True)
class Dialogue:
    """Counters of one call; every update is O(length of the utterance)."""

    started: float
    turns: int = 0
    no_matches: int = 0  # in a row
    silences: int = 0  # in a row
    repeat: float = 0.0
    rephrase: float = 0.0
    negation: float = 0.0
    stuck: float = 0.0
    _last: frozenset[str] = field(default=frozenset())
    _served: bool = False  # the agent has answered the last turn
    _request: tuple[str | None, dict[str, str]] = field(default=(None, {}))

    def spoke(self, event: CallerSpoke) -> None:
        """Read a turn with words in it."""
        facts = event.dialogue
        self.turns += 1
        self.silences = 0
        self.no_matches = self.no_matches + 1 if facts.no_match else 0
        words = content_words(event.text)
        alike = overlap(words, self._last)
        self.repeat = 1.0 if facts.repeat or alike >= 0.9 else 0.0
        # Much the same words for the same request, which was not answered; a new detail or an answer in
        # between makes it another request.
        request = (event.intent.name, dict(event.slots))
        again = alike >= 0.5 and request == self._request and not self.repeat and not self._served
        self.rephrase = 1.0 if again else 0.0
        self._request = request
        self._served = False
        self.negation = 1.0 if facts.negation else 0.0
        self.stuck = min(max(facts.stuck_slot - 1, 0), STUCK_LIMIT) / STUCK_LIMIT
        self._last = words

    def replied(self, event: AgentSpoke) -> None:
        """Read the agent's reply."""
        self._served = event.pending is None and event.kind in ("answer", "confirmation", "notice")

    def silent(self, _event: CallerSilent) -> None:
        """Read a turn in which nothing was said."""
        self.turns += 1
        self.silences += 1
        self.repeat = self.rephrase = self.negation = 0.0

    def read(self, now: float) -> dict[str, float]:
        """Raw values: flags 0 or 1, counts, `minutes`."""
        return {
            "dialogue.turns": float(self.turns),
            "dialogue.minutes": max(0.0, now - self.started) / 60.0,
            "dialogue.no_matches": float(self.no_matches),
            "dialogue.silences": float(self.silences),
            "dialogue.repeat": self.repeat,
            "dialogue.rephrase": self.rephrase,
            "dialogue.negation": self.negation,
            "dialogue.stuck": self.stuck,
        }

    def long(self) -> float:
        """How far beyond a routine call's length this one is, 0 .. 1 (twice that length)."""
        return min(1.0, max(0, self.turns - LONG_CALL_TURNS) / LONG_CALL_TURNS)


def content_words(text: str) -> frozenset[str]:
    """The words of an utterance that carry its request, lower case."""
    words = (word.strip(".,!?;:'\"") for word in text.lower().split())
    return frozenset(word for word in words if word and word not in FILLERS)


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard similarity in [0, 1]; 0 unless both have two words or more (short answers repeat rightly)."""
    if len(one) < 2 or len(other) < 2:
        return 0.0
    return len(one & other) / len(one | other)
