"""One clock for everything that is due every 20 ms: outbound audio of all calls, and their voice activity.

Members are there only while they have something to do; without members the ticker sleeps, so an idle
server does not wake up at all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from voice_hitl.audio.g711 import FRAME_SECONDS
from voice_hitl.log import get_logger

log = get_logger(__name__)

Tick = Callable[[float], None]


class Ticker:
    """Calls its members on a grid of absolute times, multiples of `period` on the loop's clock.

    `run` belongs in the application's `TaskGroup`. Ticks that a late loop missed are not made up for:
    members reckon with absolute times. `lateness` holds the seconds by which the last ticks came late.
    """

    def __init__(self, period: float = FRAME_SECONDS) -> None:
        self.period = period
        self.lateness: deque[float] = deque(maxlen=6000)
        self._members: dict[Tick, Callable[[Exception], None] | None] = {}
        self._wanted = asyncio.Event()

    def add(self, tick: Tick, on_error: Callable[[Exception], None] | None = None) -> None:
        """Call `tick(now)` at every tick from the next on, until `discard`. Idempotent.

        A member that raises is removed and told by `on_error`; without one the error ends `run`.
        """
        self._members[tick] = on_error
        self._wanted.set()

    def discard(self, tick: Tick) -> None:
        """Call it no more. Idempotent, and allowed from within a tick."""
        self._members.pop(tick, None)

    async def run(self) -> None:
        """Tick until cancelled."""
        loop = asyncio.get_running_loop()
        period = self.period
        while True:
            if not self._members:
                self._wanted.clear()
                await self._wanted.wait()
            due = (loop.time() // period + 1) * period
            await asyncio.sleep(due - loop.time())
            now = loop.time()
            self.lateness.append(now - due)
            self.tick(now)

    def tick(self, now: float) -> None:
        """Call all members once."""
        for member, on_error in list(self._members.items()):
            if member not in self._members:
                continue
            try:
                member(now)
            except Exception as error:  # one call's fault must not stop all calls
                self.discard(member)
                if on_error is None:
                    raise
                log.exception("a call's clock failed", exc_info=error)
                on_error(error)
