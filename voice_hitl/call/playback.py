"""What the caller has really heard: by the marks, and between them by the clock."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from voice_hitl.audio.g711 import FRAME, FRAME_SECONDS

SECONDS_A_CHARACTER = 0.065  # 15 characters a second: usual speech, for a sentence still being made
MAX_DELAY = 0.5  # seconds; a mark that took longer says nothing about the line
_KEPT = 64  # sentences of a reply that are remembered


@dataclass(slots=True)
class Sentence:
    """A sentence on its way out; `clip` is mu-law, `sent` counts 20 ms frames."""

    id: int
    text: str
    clip: bytearray
    final: bool
    sent: int = 0
    done: bool = False

    def frames_waiting(self) -> int:
        """Frames that can be sent now; the last one of a finished sentence may be short."""
        frames, rest = divmod(len(self.clip), FRAME)
        return frames + (1 if rest and self.final else 0) - self.sent

    def frames(self) -> float:
        """All its frames; of an unfinished sentence, the estimate from its text."""
        known = len(self.clip) / FRAME
        if self.final:
            return known
        return max(known, len(self.text) * SECONDS_A_CHARACTER / FRAME_SECONDS)


@dataclass(frozen=True, slots=True)
class HeardSentence:
    """How much of a sentence was heard: words up to `text`; `complete` only when its mark came back."""

    sentence_id: int
    text: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of a reply that was cleared; `generation` is the one that ended."""

    generation: int
    sentences: tuple[HeardSentence, ...]

    @property
    def text(self) -> str:
        """All heard words."""
        return " ".join(sentence.text for sentence in self.sentences if sentence.text)


@dataclass(slots=True)
class Playback:
    """The sentences of one reply and how far the caller is.

    The line's delay (out, jitter buffer, and the mark's way back) is learnt from the marks, so that
    words which are still on their way do not count as heard.
    """

    delay: float = 0.06
    _sentences: list[Sentence] = field(default_factory=list)
    _over: int = 0  # sentences that belong to a former reply but still play

    def add(self, sentence: Sentence) -> None:
        """A sentence was queued behind the others."""
        self._sentences.append(sentence)
        if len(self._sentences) > _KEPT and self._sentences[0].done:
            del self._sentences[0]
            self._over = max(0, self._over - 1)

    def begin_reply(self, *, forget: bool = False) -> None:
        """The sentences so far belong to a former reply; `forget` those that still play, too."""
        self._sentences = (
            [] if forget else [sentence for sentence in self._sentences if not sentence.done]
        )
        self._over = len(self._sentences)

    def arrived(self, late: float) -> None:
        """A mark came back `late` seconds after its sentence's reckoned end."""
        if 0.0 <= late <= MAX_DELAY:
            self.delay += 0.3 * (late - self.delay)

    def heard(self, ahead: float) -> list[HeardSentence]:
        """How much was heard, when what was sent ends in `ahead` seconds (negative: has ended)."""
        unplayed = max(0, math.ceil((ahead + self.delay) / FRAME_SECONDS - 1e-6))
        result = []
        for sentence in reversed(self._sentences):
            if sentence.done:
                result.append(HeardSentence(sentence.id, sentence.text, complete=True))
                continue
            missing = min(sentence.sent, unplayed)
            unplayed -= missing
            share = (sentence.sent - missing) / max(sentence.frames(), 1.0)
            result.append(HeardSentence(sentence.id, cut(sentence.text, share), complete=False))
        result.reverse()
        return result[self._over :]


def cut(text: str, share: float) -> str:
    """The words of `text` that lie wholly within the given share of its length."""
    if share >= 1.0:
        return text
    end = int(max(0.0, share) * len(text))
    if end < len(text) and not text[end].isspace():
        end = max(text.rfind(mark, 0, end) for mark in (" ", "\n", "\t"))
    return text[: max(end, 0)].rstrip()
