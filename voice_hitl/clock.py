"""The server's one notion of time.

Decisions use monotonic seconds (the event loop's own clock, so that a test can run on virtual time);
records and the console use wall-clock seconds derived from it, so that the two never disagree.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Maps the running loop's monotonic time to wall-clock time.

    `epoch` is the Unix time, in seconds, at monotonic zero.
    """

    epoch: float

    @classmethod
    def of_running_loop(cls) -> Clock:
        """Bind the loop's clock to the present wall time; raise `RuntimeError` outside a loop."""
        return cls(epoch=time.time() - asyncio.get_running_loop().time())

    def now(self) -> float:
        """Monotonic seconds."""
        return asyncio.get_running_loop().time()

    def wall(self, now: float | None = None) -> float:
        """Unix seconds of a monotonic time, by default of this moment."""
        return self.epoch + (self.now() if now is None else now)
