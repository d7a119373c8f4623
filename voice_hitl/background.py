"""Tasks that run beside a block, and stop one after the other at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

Start = Callable[[Coroutine[Any, Any, None]], None]


@asynccontextmanager
async def background() -> AsyncIterator[Start]:
    """Tasks that run until the block ends, one that fails ends the block.

    They are stopped last first, and each only once the one before it has ended: what was started earlier is
    still there for whatever a later one has to say in its last moment.
    """
    tasks: list[asyncio.Task[None]] = []
    async with asyncio.TaskGroup() as group:
        try:
            yield lambda coroutine: tasks.append(group.create_task(coroutine))
        finally:
            for task in reversed(tasks):
                if not task.cancelling():  # one that has failed stops all others at once
                    task.cancel()
                await asyncio.wait([task])
