"""The caller's audio on its way in: frames become speech events and the utterance's samples.

All of it is plain calls in the reader's task; nothing waits. Speech events mostly come from the ticker's
tick, when the model has judged the windows.
"""

from __future__ import annotations

import audioop
from collections.abc import Callable

import numpy as np

from voice_hitl.audio.detector import SpeechDetector, Streams
from voice_hitl.audio.endpoint import SpeechEvent, SpeechStarted
from voice_hitl.audio.g711 import FRAME, Pcm
from voice_hitl.audio.jitter import Jitter
from voice_hitl.log import get_logger

log = get_logger(__name__)

PRE_ROLL = 0.3  # seconds of sound before the onset that belong to the utterance


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

    def __init__(self, vad: Streams) -> None:
        self.on_event: Callable[[SpeechEvent], None] = _nothing
        self.on_audio: Callable[[Pcm], None] = _nothing
        self.on_failed: Callable[[Exception], None] = _log_failure
        self.taps: list[Callable[[bytes], None]] = []
        self.jitter = Jitter()
        self._detector = SpeechDetector(vad, self._event, self._fail)
        self._rest = b""  # of a frame that was no multiple of 160 bytes
        self._utterance = False  # frames go to `on_audio`

    @property
    def audio_now(self) -> float:
        """Seconds of the stream so far: the audio time at the end of the last frame."""
        return self._detector.audio_now

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
        self._detector.close_turn()

    def close(self) -> None:
        """The stream is over. Idempotent; nothing is called any more."""
        self._utterance = False
        self.on_event = self.on_audio = _nothing
        self._detector.close()
        self.taps.clear()

    def _reframe(self, piece: bytes) -> None:
        data = self._rest + piece
        whole = len(data) - len(data) % FRAME
        self._rest = data[whole:]
        for start in range(0, whole, FRAME):
            self._frame(data[start : start + FRAME])

    def _frame(self, ulaw: bytes) -> None:
        pcm = audioop.ulaw2lin(ulaw, 2)
        utterance = self._utterance
        self._detector.frame(pcm)
        if utterance:
            self.on_audio(np.frombuffer(pcm, np.int16))
        for tap in self.taps:
            tap(ulaw)

    def _event(self, event: SpeechEvent) -> None:
        self.on_event(event)
        if isinstance(event, SpeechStarted):
            self._utterance = True
            spoken = self._detector.since(event.at - PRE_ROLL)
            self.on_audio(np.frombuffer(spoken, np.int16))

    def _fail(self, error: Exception) -> None:
        self.on_failed(error)


def _log_failure(error: Exception) -> None:
    log.error("a listener of the caller's audio failed", exc_info=error)
