"""All live calls: who may come in, who owns each one, and what becomes of a call that breaks.

Every call is one supervised task of one `TaskGroup`. An error that nobody foresaw fails that one call:
it is stored as failed, its stream is closed, and the carrier, asking what comes next, is sent to the
fallback (a person's phone), while every other call goes on.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from voice_hitl.call.inbox import Draining, InboxOverflow
from voice_hitl.call.runner import CallRunner
from voice_hitl.call.transcript import Line
from voice_hitl.log import get_logger

log = get_logger(__name__)

REMEMBERED_OUTCOMES = 10_000


class Calls:
    """The registry and supervisor. `on_end` is told each ended call's id and outcome."""

    def __init__(self, max_calls: int, on_end: Callable[[str, str], None]) -> None:
        self._max_calls = max_calls
        self._on_end = on_end
        self._live: dict[str, CallRunner] = {}
        self._outcomes: OrderedDict[str, str] = OrderedDict()
        self._tasks: asyncio.TaskGroup | None = None
        self._draining = False
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._live)

    def get(self, call_id: str) -> CallRunner | None:
        """A live call; None also for one that is only waiting for its last action to end."""
        call = self._live.get(call_id)
        return None if call is None or call.over else call

    def knows(self, call_id: str) -> bool:
        """Whether there is, or was a while ago, a call of this id."""
        return call_id in self._live or call_id in self._outcomes

    def lines(self, call_id: str) -> tuple[Line, ...]:
        """The transcript of a live call; empty when it is gone."""
        call = self._live.get(call_id)
        return () if call is None else call.book.lines

    def has_room(self) -> bool:
        """Whether a further call is taken."""
        return not self._draining and len(self._live) < self._max_calls

    def unserved(self, call_id: str) -> bool:
        """Whether a call whose stream is over still needs the fallback: it failed, or never began."""
        if call_id in self._live:
            return False
        return self._outcomes.get(call_id, "failed") == "failed"

    def start(self, call: CallRunner) -> None:
        """Give a call its owner task. The caller has checked `has_room`."""
        assert self._tasks is not None, "run() must be running"
        self._live[call.book.call_id] = call
        self._empty.clear()
        self._tasks.create_task(self._own(call), name=f"call {call.book.call_id}")

    async def run(self) -> None:
        """Host the calls until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            await asyncio.Event().wait()

    async def drain(self, seconds: float) -> None:
        """Take no further calls, let the live ones end well, and give up after `seconds`."""
        self._draining = True
        for call in list(self._live.values()):
            call.post(Draining())
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            log.warning("calls were cut off by the end of the drain", calls=len(self._live))

    async def _own(self, call: CallRunner) -> None:
        try:
            await call.run()
        except* InboxOverflow as group:
            log.error(
                "call fell behind and was given up", call_id=call.book.call_id, error=str(group)
            )
            call.book.fail("the server fell behind")
        except* Exception:
            log.exception("call broke", call_id=call.book.call_id)
            call.book.fail("an unexpected error")
        finally:
            if call.book.outcome is None:
                call.book.fail("the server stopped")
            outcome = call.book.outcome or "failed"
            del self._live[call.book.call_id]
            self._outcomes[call.book.call_id] = outcome
            while len(self._outcomes) > REMEMBERED_OUTCOMES:
                self._outcomes.popitem(last=False)
            if not self._live:
                self._empty.set()
            self._tell_of_end(call.book.call_id, outcome)

    def _tell_of_end(self, call_id: str, outcome: str) -> None:
        """Whoever cannot hear of it must not end the task that hosts all calls."""
        try:
            self._on_end(call_id, outcome)
        except Exception:
            log.exception("not all parts heard of the end of a call", call_id=call_id)
