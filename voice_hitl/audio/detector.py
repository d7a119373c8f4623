"""Finds speech in one call's frames: energy gate, voice activity of what passes it, endpointing."""

from __future__ import annotations

import audioop
from collections import deque
from collections.abc import Callable
from typing import Protocol

from voice_hitl.audio.endpoint import Endpointer, SpeechEvent
from voice_hitl.audio.g711 import FRAME, RATE
from voice_hitl.audio.gate import EnergyGate
from voice_hitl.audio.silero import BEFORE, WINDOW
from voice_hitl.audio.vad import VadStream

KEPT = 50  # frames, 1 s: a pre-roll, and the longest time from an onset to its detection
_JUDGED = -(-(BEFORE + 5 * WINDOW) // FRAME)  # frames judged when the gate opens: 160 ms of windows


class Streams(Protocol):
    """Where a detector gets its stream: `audio.vad.VadBank`, or `call.vad_service.VadService`."""

    def stream(
        self, on_window: Callable[[float, float], None], on_error: Callable[[Exception], None]
    ) -> VadStream:
        """A stream whose windows are reported to `on_window(probability, audio time)`."""


class SpeechDetector:
    """One call's detector. `on_event` is called while the bank infers; `on_error` if that raises."""

    __slots__ = ("_endpointer", "_gate", "_on_event", "_open", "_recent", "_vad", "frames")

    def __init__(
        self,
        streams: Streams,
        on_event: Callable[[SpeechEvent], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self.frames = 0  # taken so far
        self._on_event = on_event
        self._gate = EnergyGate()
        self._endpointer = Endpointer()
        self._vad = streams.stream(self._on_window, on_error)
        self._recent: deque[bytes] = deque(maxlen=KEPT)
        self._open = False  # the gate, at the last frame

    @property
    def audio_now(self) -> float:
        """Audio time at the end of the last frame."""
        return self.frames * FRAME / RATE

    def frame(self, pcm: bytes) -> None:
        """Take 20 ms of int16 samples."""
        self._recent.append(pcm)
        self.frames += 1
        if self._gate.frame(audioop.rms(pcm, 2)):
            if self._open:
                self._vad.push(pcm)
            else:
                self._open = True
                self._open_gate()
        elif self._open:
            self._open = False
            event = self._endpointer.silence(self.audio_now)
            if event is not None:
                self._on_event(event)

    def since(self, at: float) -> bytes:
        """The int16 samples of the frames from audio time `at` on, of the last `KEPT` frames."""
        first = int(at * RATE) // FRAME
        count = min(len(self._recent), max(0, self.frames - first))
        return b"".join(list(self._recent)[-count:]) if count else b""

    def close_turn(self) -> None:
        """The next speech is a new `SpeechStarted`."""
        self._endpointer.close_turn()

    def close(self) -> None:
        """Nothing is reported any more. Idempotent."""
        self._on_event = _nobody
        self._vad.close()

    def _open_gate(self) -> None:
        """Let the model hear what came before, at most from where it left off."""
        recent = list(self._recent)
        missing = self.frames - self._vad.fed // FRAME
        if missing <= _JUDGED:
            self._vad.push(b"".join(recent[-missing:]))
            return
        recent = recent[-_JUDGED:]
        self._vad.restart(b"".join(recent), (self.frames - len(recent)) * FRAME)

    def _on_window(self, probability: float, at: float) -> None:
        self._gate.judged(probability)
        event = self._endpointer.feed(probability, at)
        if event is not None:
            self._on_event(event)


def _nobody(_event: SpeechEvent) -> None:
    """Whom a closed detector tells."""
