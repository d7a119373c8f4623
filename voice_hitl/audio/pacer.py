"""When outbound audio may be sent: on an absolute clock, a bounded time ahead of what the caller hears."""

from __future__ import annotations

from voice_hitl.audio.g711 import FRAME_SECONDS

LEAD = (
    0.2  # seconds sent ahead: what a late server or network may cost before the caller hears a gap
)
_ROUNDING = 1e-6  # seconds; sums of 20 ms are not exact


class Pacer:
    """Keeps the time at which the caller will have heard all that was sent.

    The far end plays in real time from the moment the first frame arrives; when it runs dry, it waits.
    Times are monotonic seconds.
    """

    __slots__ = ("end", "lead")

    def __init__(self, lead: float = LEAD) -> None:
        self.lead = lead
        self.end = 0.0

    def ahead(self, now: float) -> float:
        """Seconds of audio that were sent and not heard yet."""
        return self.end - now if self.end > now else 0.0

    def room(self, now: float) -> int:
        """How many 20 ms frames may be sent now."""
        return max(0, int((self.lead - self.ahead(now) + _ROUNDING) / FRAME_SECONDS))

    def sent(self, now: float, frames: int) -> float:
        """Note that frames were sent; return when the first of them starts to play."""
        start = max(self.end, now)
        self.end = start + frames * FRAME_SECONDS
        return start

    def cleared(self, now: float) -> None:
        """The far end has dropped what it had."""
        self.end = min(self.end, now)
