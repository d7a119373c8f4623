"""One clock for all simulated callers of a process: every caller is due each 20 ms, at its own phase."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

PERIOD = 0.02  # seconds
SLOTS = 4  # phases of 5 ms: real callers do not all send in the same instant


class Ticked(Protocol):
    """What the ticker drives."""

    def tick(self, due: float, now: float) -> None:
        """Do what was due at `due`; `now` is when that really is. Seconds; must not block."""


class Ticker:
    """Calls `tick` of everything that joined, on an absolute clock that never drifts.

    `rate` above 1 makes time run faster, for tests against servers that keep no time themselves.
    """

    def __init__(self, rate: float = 1.0) -> None:
        if rate <= 0:
            raise ValueError(f"rate {rate} must be > 0")
        self._loop = asyncio.get_running_loop()
        self._rate = rate
        self._start = time.monotonic()
        self._slots: tuple[list[Ticked], ...] = tuple([] for _ in range(SLOTS))

    def now(self) -> float:
        """Seconds on the simulation's clock; at rate 1 the monotonic clock that event loops show too.

        Read from the system, because uvloop's own time stands still while a callback runs.
        """
        return self._start + (time.monotonic() - self._start) * self._rate

    async def sleep(self, seconds: float) -> None:
        """Sleep on the simulation's clock."""
        await asyncio.sleep(max(0.0, seconds) / self._rate)

    def join(self, ticked: Ticked) -> None:
        """Drive one more, in the phase that has the fewest."""
        min(self._slots, key=len).append(ticked)

    def leave(self, ticked: Ticked) -> None:
        """Drive it no longer; fine if it never joined."""
        for slot in self._slots:
            if ticked in slot:
                slot.remove(ticked)

    async def run(self) -> None:
        """Drive for ever; run it in a TaskGroup and cancel it."""
        wake = asyncio.Event()
        step = PERIOD / SLOTS
        turn = 0
        while True:
            # After a stall only the last turn of each slot is made up: callers catch up themselves.
            turn = max(turn + 1, int((self.now() - self._start) / step) - SLOTS + 1)
            turn += next((n for n in range(SLOTS) if self._slots[(turn + n) % SLOTS]), SLOTS)
            wake.clear()
            handle = self._loop.call_at(self._start + turn * step / self._rate, wake.set)
            try:
                await wake.wait()
            finally:
                handle.cancel()
            due = self._start + turn * step
            for ticked in tuple(self._slots[turn % SLOTS]):
                ticked.tick(due, self.now())
