"""A call that hears itself: the caller's audio through the whole chain and back, no agent.

The first thing everyone checks with a new phone number, and what the benchmarks drive.
"""

from __future__ import annotations

from collections.abc import Callable

from voice_hitl.audio.endpoint import SpeechEvent, SpeechPaused, SpeechStarted
from voice_hitl.call.egress import Egress, Encoder
from voice_hitl.call.ingress import Ingress
from voice_hitl.call.ticker import Ticker
from voice_hitl.call.vad_service import VadService
from voice_hitl.log import get_logger

log = get_logger(__name__)

TURN_OVER = 0.7  # seconds of silence; there is no agent to judge by the words


class LoopbackCall:
    """One caller's echo: every frame that comes in goes out again, and speech is told apart from silence."""

    def __init__(
        self,
        call_sid: str,
        encoder: Encoder,
        send: Callable[[str], None],
        vad: VadService,
        ticker: Ticker,
        clock: Callable[[], float],
    ) -> None:
        self.utterances = 0
        self.ingress = Ingress(vad)
        self.egress = Egress(encoder, send, ticker, clock)
        self._log = log.bind(call_sid=call_sid)
        self._paused_at: float | None = None
        self.ingress.on_event = self._on_event
        self.ingress.taps.append(self._frame)
        self.ingress.taps.append(self.egress.play_live)

    def media(self, payload: bytes, timestamp_ms: int) -> None:
        """Take a frame of the caller."""
        self.ingress.media(payload, timestamp_ms)

    def close(self) -> None:
        """The caller has hung up. Idempotent."""
        self.ingress.close()
        self.egress.close()

    def _on_event(self, event: SpeechEvent) -> None:
        if isinstance(event, SpeechStarted):
            self.utterances += 1
        self._paused_at = event.at if isinstance(event, SpeechPaused) else None
        self._log.debug("speech", what=type(event).__name__, at=round(event.at, 3))

    def _frame(self, _: bytes) -> None:
        if self._paused_at is not None and self.ingress.audio_now - self._paused_at > TURN_OVER:
            self._paused_at = None
            self.ingress.close_turn()
