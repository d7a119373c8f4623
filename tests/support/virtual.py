"""An event loop on virtual time: waiting costs nothing, and a turn of the loop takes a microsecond."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

Result = TypeVar("Result")


class _NoSelector(selectors.SelectSelector):
    """Instead of waiting for sockets, moves the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("the test waits for something that nothing will bring about")
        self.now += max(timeout, 1e-6)  # running takes time too: no clock stands still
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` advances only when every task waits. Real sockets and threads do not work on it."""

    def __init__(self) -> None:
        self._virtual = _NoSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


class InlineExecutor(Executor):
    """Runs at once, in the caller: a thread pool for virtual time."""

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        future: Future[Result] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as a thread pool does
            future.set_exception(error)
        return future


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a whole test on virtual time; fail it if it leaves a task behind."""
    loop = VirtualLoop()
    try:
        result = loop.run_until_complete(main)
        left = asyncio.all_tasks(loop)
        assert not left, f"tasks left behind: {left}"
        return result
    finally:
        loop.close()
