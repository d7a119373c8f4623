"""What the agent is about to say: templates filled, split into sentences, numbers of cards hidden."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from voice_hitl.agent.guard import mask
from voice_hitl.agent.protocol import Sentence
from voice_hitl.agent.wording import Wording, fill, sentences


class Speaker:
    """Collects the sentences of a reply and remembers the last one."""

    def __init__(self, forms: Callable[[], Mapping[str, str]]) -> None:
        """`forms` gives the values of placeholders as they are spoken."""
        self._forms = forms
        self._wording = Wording()
        self._outbox: list[Sentence] = []
        self._last: list[Sentence] = []

    def begin(self) -> None:
        """Start a reply; what was left of an older one is dropped."""
        self._outbox = []

    def say(self, key: str, texts: Sequence[str], kind: str, **values: str) -> None:
        """Say the next variant of a prompt."""
        self.add(self._wording.choose(key, texts), kind, **values)

    def add(self, text: str, kind: str, **values: str) -> None:
        """Say a text."""
        filled = fill(text, {**self._forms(), **values})
        self._outbox += [Sentence(_capital(mask(part)), kind) for part in sentences(filled)]

    def repeat(self) -> bool:
        """Say the last reply again; False when there is none."""
        self._outbox += self._last
        return bool(self._last)

    def flush(self) -> list[Sentence]:
        """The sentences so far; they count as said."""
        said, self._outbox = self._outbox, []
        if said:
            self._last = said
        return list(said)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
