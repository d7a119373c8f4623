"""The caller's frames in the order of their timestamps, with what is missing filled by silence.

Media Streams run over TCP: frames hardly ever overtake each other, but losses on the telephone's side
show as jumps of the timestamp. A frame from the future is held back for at most `REORDER` frames; then the
gap before it is filled. Late and repeated frames are dropped.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence

from voice_hitl.audio.g711 import FRAME, RATE, SILENT_FRAME, silence

SAMPLES_PER_MS = RATE // 1000
TOLERANCE = FRAME  # samples; timestamps that waver by less are taken as contiguous
REORDER = 2  # frames held back before a gap is believed
MAX_FILL = 10 * RATE  # samples of silence for one gap; a jump beyond that (or back) is a new clock


class Jitter:
    """Orders one stream's mu-law. Counters: `filled` samples, `late` frames, `resyncs`."""

    __slots__ = ("_held", "_next", "filled", "late", "resyncs")

    def __init__(self) -> None:
        self.filled = 0
        self.late = 0
        self.resyncs = 0
        self._next: int | None = None  # sample number that comes next, on the peer's clock
        self._held: list[tuple[int, bytes]] = []

    def push(self, payload: bytes, timestamp_ms: int) -> Sequence[bytes]:
        """Take a frame (any length) and return what can be played now, in order, silence included.

        `timestamp_ms` is that of the first sample.
        """
        start = timestamp_ms * SAMPLES_PER_MS
        expected = self._next
        if expected is None:
            self._next = start + len(payload)
            return (payload,)
        gap = start - expected
        if -TOLERANCE < gap < TOLERANCE:
            self._next = expected + len(payload)
            return (payload, *self._follow()) if self._held else (payload,)
        if gap < 0:
            if gap > -MAX_FILL:
                self.late += 1
                return ()
            return self._resync(payload, start)
        if all(start != held for held, _ in self._held):
            insort(self._held, (start, payload))
        else:
            self.late += 1
        return self._bridge() if len(self._held) > REORDER else ()

    def flush(self) -> Sequence[bytes]:
        """The stream is over: all that was held back."""
        played: list[bytes] = []
        while self._held:
            played += self._bridge()
        return played

    def _follow(self) -> list[bytes]:
        """Held frames whose turn has come."""
        played = []
        while self._held and self._next is not None:
            gap = self._held[0][0] - self._next
            if gap >= TOLERANCE:
                break
            _, payload = self._held.pop(0)
            if gap <= -TOLERANCE:
                self.late += 1
                continue
            self._next += len(payload)
            played.append(payload)
        return played

    def _bridge(self) -> list[bytes]:
        """Fill the gap before the earliest held frame and play on."""
        start, payload = self._held.pop(0)
        gap = start - (self._next or 0)
        fill = min(gap, MAX_FILL)
        if gap > MAX_FILL:
            self.resyncs += 1
        self.filled += fill
        self._next = start + len(payload)
        played = [SILENT_FRAME] * (fill // FRAME)
        if fill % FRAME:
            played.append(silence(fill % FRAME))
        return [*played, payload, *self._follow()]

    def _resync(self, payload: bytes, start: int) -> list[bytes]:
        """The peer's clock was set back: go on from where it is now."""
        self.resyncs += 1
        played = [held for _, held in self._held]
        self._held.clear()
        self._next = start + len(payload)
        return [*played, payload]
