"""The caller's audio on its way in: frames become speech events and the utterance's samples.

All of it is plain calls in the reader's task; nothing waits. Speech events come from the ticker's tick,
when the detector has judged the windows.
"""

from __future__ import annotations

import audioop
from collections import deque
from collections.abc import Callable

import numpy as np

from voice_hitl.audio.endpoint import Endpointer, SpeechEvent, SpeechStarted
from voice_hitl.audio.g711 import FRAME, RATE, Pcm
from voice_hitl.audio.gate import EnergyGate
from voice_hitl.audio.jitter import Jitter
from voice_hitl.audio.silero import BEFORE, WINDOW
from voice_hitl.call.vad_service import VadService
from voice_hitl.log import get_logger

log = get_logger(__name__)

PRE_ROLL = 0.3  # seconds of sound before the onset that belong to the utterance
_KEPT = 50  # frames, 1 s: the pre-roll, and the longest time from an onset to its detection
_VAD_PRE_ROLL = -(-(BEFORE + 5 * WINDOW) // FRAME)  # frames judged when the gate opens: 160 ms


def _nothing(_: object) -> None:
    """A listener that nobody has set."""


class Ingress:
    """One call's way in. Set `on_event` and `on_audio`; append to `taps`.

    - `on_event(SpeechStarted | SpeechPaused | SpeechResumed)`, times on the stream's audio clock.
    - `on_audio(pcm)`: int16, read-only; at `SpeechStarted` (after its `on_event`) all from `PRE_ROLL`
      before the onset up to now, then every frame until `close_turn`, pauses included.
    - `taps`: each is called with every 160-byte mu-law frame, gaps filled.
    - `on_failed(error)`: a listener raised within a tick, where no reader's task is there to see it.
    """

    def __init__(self, vad: VadService) -> None:
        self.on_event: Callable[[SpeechEvent], None] = _nothing
        self.on_audio: Callable[[Pcm], None] = _nothing
        self.on_failed: Callable[[Exception], None] = _log_failure
        self.taps: list[Callable[[bytes], None]] = []
        self.jitter = Jitter()
        self.frames = 0  # frames that came in or were filled
        self._gate = EnergyGate()
        self._endpointer = Endpointer()
        self._vad = vad.stream(self._on_window, self._fail)
        self._recent: deque[bytes] = deque(maxlen=_KEPT)
        self._rest = b""  # of a frame that was no multiple of 160 bytes
        self._open = False  # the gate, at the last frame
        self._utterance = False  # frames go to `on_audio`

    @property
    def audio_now(self) -> float:
        """Seconds of the stream so far: the audio time at the end of the last frame."""
        return self.frames * FRAME / RATE

    def media(self, payload: bytes, timestamp_ms: int) -> None:
        """Take the payload of a media message (mu-law, any length) and its timestamp."""
        for piece in self.jitter.push(payload, timestamp_ms):
            if len(piece) == FRAME and not self._rest:
                self._frame(piece)
            else:
                self._reframe(piece)

    def close_turn(self) -> None:
        """The turn is over: no more `on_audio`; the next speech is a new `SpeechStarted`."""
        self._utterance = False
        self._endpointer.close_turn()

    def close(self) -> None:
        """The stream is over. Idempotent; nothing is called any more."""
        self._utterance = False
        self._vad.close()
        self.taps.clear()

    def _reframe(self, piece: bytes) -> None:
        data = self._rest + piece
        whole = len(data) - len(data) % FRAME
        for start in range(0, whole, FRAME):
            self._frame(data[start : start + FRAME])
        self._rest = data[whole:]

    def _frame(self, ulaw: bytes) -> None:
        pcm = audioop.ulaw2lin(ulaw, 2)
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
            self._close_gate()
        if self._utterance:
            self.on_audio(np.frombuffer(pcm, np.int16))
        for tap in self.taps:
            tap(ulaw)

    def _open_gate(self) -> None:
        """Let the detector hear what came before, at most from where it left off."""
        stop = self.frames * FRAME
        missing = (stop - self._vad.fed) // FRAME
        if missing <= _VAD_PRE_ROLL:
            self._vad.push(b"".join(list(self._recent)[-missing:]))
            return
        recent = list(self._recent)[-_VAD_PRE_ROLL:]
        self._vad.restart(b"".join(recent), stop - len(recent) * FRAME)

    def _close_gate(self) -> None:
        event = self._endpointer.silence(self.audio_now)
        if event is not None:
            self.on_event(event)

    def _on_window(self, probability: float, at: float) -> None:
        self._gate.judged(probability)
        event = self._endpointer.feed(probability, at)
        if event is None:
            return
        self.on_event(event)
        if isinstance(event, SpeechStarted):
            self._utterance = True
            start = int((event.at - PRE_ROLL) * RATE) // FRAME
            wanted = min(len(self._recent), max(1, self.frames - start))
            self.on_audio(np.frombuffer(b"".join(list(self._recent)[-wanted:]), np.int16))

    def _fail(self, error: Exception) -> None:
        self.on_failed(error)


def _log_failure(error: Exception) -> None:
    log.error("a listener of the caller's audio failed", exc_info=error)
