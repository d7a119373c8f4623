"""From speech probabilities to speech events: started, paused, resumed.

The endpointer does not decide that a turn is over: `call.turns` does, by what was said. It only says that
the caller has begun, has fallen silent, has gone on.

Start: evidence is summed over windows, each giving its probability (at most `CAP`) less `BASE`; doubtful
windows count little, improbable ones take evidence back. Two sure windows (64 ms) or four doubtful ones
start speech; one loud click never does. Pause: `PAUSE_WINDOWS` windows in a row below `SPEECH`.
The constants were chosen on `barista` recordings with and without noise; `scripts/bench/vad` measures
what they do.
"""

from __future__ import annotations

from dataclasses import dataclass

from voice_hitl.audio.vad import WINDOW_SECONDS

BASE = 0.2
CAP = 0.8
START_EVIDENCE = 0.8  # two windows at 0.6 and above, four at 0.4
RESUME_EVIDENCE = 0.6  # a caller who spoke a moment ago is believed sooner
SPEECH = 0.35  # below it a window is silence, once speech has begun
PAUSE_WINDOWS = 3  # 96 ms; shorter gaps are stops within words
_EARLIER = (
    WINDOW_SECONDS / 2
)  # speech begins on average in the middle of the first window that tells


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller speaks since audio time `at` (back-dated), in a turn that was silent so far."""

    at: float


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The caller fell silent at audio time `at` (back-dated)."""

    at: float


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """The caller went on at audio time `at` (back-dated) after a pause of the same turn."""

    at: float


SpeechEvent = SpeechStarted | SpeechPaused | SpeechResumed


class Endpointer:
    """One call's speech events. Feed windows in order of time."""

    __slots__ = ("_evidence", "_first", "_in_turn", "_quiet", "_since", "speaking")

    def __init__(self) -> None:
        self.speaking = False
        self._in_turn = False  # a `SpeechStarted` was given and the turn is not closed
        self._evidence = 0.0
        self._first = 0.0  # where the evidence begins
        self._quiet = 0  # windows of silence in a row
        self._since = 0.0  # end of the last window with speech

    def feed(self, probability: float, at: float) -> SpeechEvent | None:
        """Take the probability of speech in the window that ends at audio time `at`."""
        if self.speaking:
            return self._while_speaking(probability, at)
        gain = min(probability, CAP) - BASE
        if gain <= 0.0:
            self._evidence = max(0.0, self._evidence + gain)
            return None
        if self._evidence <= 0.0:
            self._first = at - WINDOW_SECONDS
        self._evidence += gain
        if self._evidence < (RESUME_EVIDENCE if self._in_turn else START_EVIDENCE):
            return None
        self.speaking = True
        self._quiet = 0
        self._evidence = 0.0
        begun = max(self._since, self._first - _EARLIER, 0.0)
        self._since = at
        if self._in_turn:
            return SpeechResumed(begun)
        self._in_turn = True
        return SpeechStarted(begun)

    def silence(self, at: float) -> SpeechEvent | None:
        """The gate has closed at audio time `at`: no windows come until it opens."""
        self._evidence = 0.0
        if not self.speaking:
            return None
        self.speaking = False
        return SpeechPaused(min(self._since, at))

    def close_turn(self) -> None:
        """The turn is over: the next speech is a new `SpeechStarted`."""
        self.speaking = False
        self._in_turn = False
        self._evidence = 0.0

    def _while_speaking(self, probability: float, at: float) -> SpeechEvent | None:
        if probability >= SPEECH:
            self._quiet = 0
            self._since = at
            return None
        self._quiet += 1
        if self._quiet < PAUSE_WINDOWS:
            return None
        self.speaking = False
        return SpeechPaused(self._since)
