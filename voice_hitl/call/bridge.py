"""One operator's audio leg: frames between a browser's socket and the caller's stream.

The browser sends and receives 20 ms frames: a little-endian uint32 sequence number and 160 int16
samples at 8 kHz. Caller audio waits for the browser in a buffer bounded in audio age; when the browser
is slow the oldest frames are dropped, because late speech is worth less than present speech.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable

from voice_hitl.audio import g711
from voice_hitl.call.egress import Egress
from voice_hitl.call.ingress import Ingress

FRAME_BYTES = 4 + 320
FRAME_SECONDS = 0.02
MAX_AGE_SECONDS = 0.2

_SEQUENCE = struct.Struct("<I")


class OperatorLeg:
    """The audio of one operator in one call.

    `play` takes a 20 ms mu-law frame for the caller. A leg is opened by the server's socket handler with
    `attach`, and stays for the whole bridge even if the socket is replaced by a reconnecting browser.
    Sockets are numbered: only the newest one hears and speaks, since two would halve what each hears.
    """

    def __init__(
        self,
        call_id: str,
        operator_id: str,
        epoch: int,
        play: Callable[[bytes], None],
        on_attached: Callable[[], None],
        on_detached: Callable[[], None],
        on_first_frame: Callable[[], None],
    ) -> None:
        self.call_id = call_id
        self.operator_id = operator_id
        self.epoch = epoch
        self.dropped = 0
        self.closed = False
        self._play = play
        self._on_attached = on_attached
        self._on_detached = on_detached
        self._on_first_frame = on_first_frame
        self._waiting: deque[tuple[float, bytes]] = deque(
            maxlen=round(MAX_AGE_SECONDS / FRAME_SECONDS)
        )
        self._ready = asyncio.Event()
        self._sequence = 0
        self._sockets = 0
        self._attached = False
        self._first = True
        self.ages_in: deque[float] = deque(maxlen=50 * 60)

    def attach(self) -> int:
        """A socket is connected and takes the place of an older one; returns its number."""
        self._sockets += 1
        self._waiting.clear()
        self._ready.set()  # the older one's writer has to see that it was replaced
        if not self._attached:
            self._attached = True
            self._on_attached()
        return self._sockets

    def detach(self, number: int | None = None) -> None:
        """A socket (by default the newest) is gone; the call is told unless a newer one is there."""
        if not self._attached or (number is not None and number != self._sockets):
            return
        self._attached = False
        if not self.closed:
            self._on_detached()

    def close(self) -> None:
        """The bridge is over; wakes the socket's writer."""
        self.closed = True
        self._ready.set()

    def from_operator(self, message: bytes, number: int | None = None) -> bool:
        """Play one frame to the caller; return False for a frame of the wrong size.

        A frame of a socket (by default the newest) that was replaced is not played.
        """
        if len(message) != FRAME_BYTES:
            return False
        if self.closed or number not in (None, self._sockets):
            return True
        self._play(g711.encode_bytes(message[4:]))
        if self._first:
            self._first = False
            self._on_first_frame()
        return True

    def from_caller(self, frame: bytes) -> None:
        """Queue one 160-byte mu-law frame of the caller for the operator."""
        if not self._attached or self.closed:
            return
        if len(self._waiting) == self._waiting.maxlen:
            self.dropped += 1
        self._waiting.append((asyncio.get_running_loop().time(), frame))
        self._ready.set()

    async def to_operator(self, number: int) -> list[bytes]:
        """Wait for frames to send to a socket; an empty list: the leg is closed or the socket replaced."""
        while number == self._sockets and not self._waiting and not self.closed:
            self._ready.clear()
            await self._ready.wait()
        if number != self._sockets:
            return []
        now = asyncio.get_running_loop().time()
        messages = []
        while self._waiting:
            received, frame = self._waiting.popleft()
            self.ages_in.append(now - received)
            messages.append(_SEQUENCE.pack(self._sequence) + g711.decode_bytes(frame))
            self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        return messages


class Bridge:
    """The operator's leg of one call, if there is one, and how long it may be without a socket.

    The `on_…` listeners are told the leg's epoch; `reconnect_seconds` is what a browser has to come back.
    """

    def __init__(self, ingress: Ingress, egress: Egress, reconnect_seconds: float) -> None:
        self.leg: OperatorLeg | None = None
        self.on_attached: Callable[[int], None] = _nothing
        self.on_detached: Callable[[int], None] = _nothing
        self.on_first_frame: Callable[[int], None] = _nothing
        self._ingress = ingress
        self._egress = egress
        self._reconnect_seconds = reconnect_seconds
        self._gone_at: float | None = None

    def open(self, call_id: str, operator_id: str, epoch: int) -> None:
        """Make the leg of an operator; an older one is closed."""
        self.close()
        self.leg = OperatorLeg(
            call_id,
            operator_id,
            epoch,
            play=self._egress.play_live,
            on_attached=lambda: self.on_attached(epoch),
            on_detached=lambda: self.on_detached(epoch),
            on_first_frame=lambda: self.on_first_frame(epoch),
        )
        self._ingress.taps.append(self.leg.from_caller)

    def close(self) -> None:
        """The operator no longer has the call. Idempotent."""
        leg, self.leg = self.leg, None
        self._gone_at = None
        if leg is not None:
            if leg.from_caller in self._ingress.taps:  # the stream's end has cut all taps already
                self._ingress.taps.remove(leg.from_caller)
            leg.close()

    def present(self, epoch: int) -> OperatorLeg | None:
        """The leg, if it still is the one of this epoch."""
        return self.leg if self.leg is not None and self.leg.epoch == epoch else None

    def connected(self) -> None:
        """The leg has a socket."""
        self._gone_at = None

    def disconnected(self, now: float) -> None:
        """The leg has lost its socket; the clock runs."""
        self._gone_at = now

    def deadline(self) -> float | None:
        """When an operator without a socket counts as lost."""
        return None if self._gone_at is None else self._gone_at + self._reconnect_seconds


def _nothing(_: int) -> None:
    """A listener that nobody has set."""
