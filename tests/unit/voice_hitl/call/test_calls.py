from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest

from tests.support import virtual
from tests.support.booking import Desk
from voice_hitl.call import calls as module
from voice_hitl.call.book import CallBook
from voice_hitl.call.calls import Calls
from voice_hitl.call.inbox import Draining, InboxOverflow
from voice_hitl.call.runner import CallRunner


@dataclass
class Talk:
    """Stands in for a call's owner, with a real book: runs until the test ends or breaks it."""

    desk: Desk
    error: BaseException | None = None
    lingers: bool = False  # it does not end when it is asked to
    told: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._end = asyncio.Event()

    @property
    def over(self) -> bool:
        return self._end.is_set()

    @property
    def book(self) -> CallBook:
        return self.desk.book

    def post(self, event: object) -> None:
        self.told.append(event)
        if isinstance(event, Draining) and not self.lingers:
            self.ends("automated")

    def ends(self, outcome: str) -> None:
        self.book.ending(outcome, "done")
        self._end.set()

    def breaks(self, error: BaseException) -> None:
        self.error = error
        self._end.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup():
            await self._end.wait()
            if self.error is not None:
                raise self.error


class World:
    def __init__(self, max_calls: int = 2) -> None:
        self.ended: list[str] = []
        self.calls = Calls(max_calls, on_end=lambda _, outcome: self.ended.append(outcome))
        self.services: list[asyncio.Task[None]] = []

    def starts(self, call_id: str, *, lingers: bool = False) -> Talk:
        call = Talk(Desk(call_id), lingers=lingers)
        self.calls.start(cast(CallRunner, call))
        return call

    async def until(self, happened: Callable[[], bool]) -> None:
        end = asyncio.get_running_loop().time() + 60.0
        while not happened():
            assert asyncio.get_running_loop().time() < end, "it did not happen in time"
            await asyncio.sleep(0.005)


@asynccontextmanager
async def hosting(world: World) -> AsyncIterator[World]:
    async with asyncio.TaskGroup() as tasks:
        world.services.append(tasks.create_task(world.calls.run()))
        await asyncio.sleep(0)
        try:
            yield world
        finally:
            world.services[0].cancel()


def test_calls_are_found_while_they_live() -> None:
    async def main() -> None:
        async with hosting(World()) as world:
            call = world.starts("CA1")
            call.book.agent_says("Hello.")
            assert len(world.calls) == 1
            assert world.calls.get("CA1") is call  # type: ignore[comparison-overlap]
            assert [line.text for line in world.calls.lines("CA1")] == ["Hello."]
            call.ends("automated")
            await world.until(lambda: len(world.calls) == 0)
            assert world.calls.get("CA1") is None
            assert world.calls.lines("CA1") == ()
            assert world.ended == ["automated"]

    virtual.run(main())


def test_there_is_room_for_so_many_and_again_when_one_has_ended() -> None:
    async def main() -> None:
        async with hosting(World(max_calls=2)) as world:
            first = world.starts("CA1")
            assert world.calls.has_room()
            world.starts("CA2")
            assert not world.calls.has_room()
            first.ends("abandoned")
            await world.until(world.calls.has_room)

    virtual.run(main())


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ZeroDivisionError("a bug"), "an unexpected error"),
        (InboxOverflow("1024 events wait"), "the server fell behind"),
    ],
)
def test_a_call_that_breaks_is_failed_and_the_others_go_on(error: Exception, why: str) -> None:
    async def main() -> None:
        async with hosting(World()) as world:
            bad, good = world.starts("CA1"), world.starts("CA2")
            bad.breaks(error)
            await world.until(lambda: len(world.calls) == 1)
            assert bad.book.outcome == "failed"
            call = await (await bad.desk.stored()).call("CA1")
            assert call is not None
            assert call.reason == why
            assert world.ended == ["failed"]
            assert world.calls.get("CA2") is good  # type: ignore[comparison-overlap]
            good.ends("automated")
            await world.until(lambda: len(world.calls) == 0)
        assert world.ended == ["failed", "automated"]

    virtual.run(main())


def test_whoever_cannot_hear_of_an_end_breaks_no_other_call() -> None:
    def full(call_id: str, outcome: str) -> None:
        raise asyncio.QueueFull

    async def main() -> None:
        world = World()
        world.calls = Calls(2, on_end=full)
        async with hosting(world):
            first, second = world.starts("CA1"), world.starts("CA2")
            first.ends("automated")
            await world.until(lambda: len(world.calls) == 1)
            second.ends("handed_off")
            await world.until(lambda: len(world.calls) == 0)
            assert second.book.outcome == "handed_off"

    virtual.run(main())


def test_an_outcome_that_was_told_is_not_taken_back() -> None:
    async def main() -> None:
        async with hosting(World()) as world:
            call = world.starts("CA1")
            call.book.ending("handed_off", "operator_ended")
            call.breaks(ZeroDivisionError("in the last words"))
            await world.until(lambda: len(world.calls) == 0)
            assert world.ended == ["handed_off"]

    virtual.run(main())


def test_calls_that_the_server_stops_are_failed() -> None:
    async def main() -> None:
        world = World()
        async with hosting(world):
            call = world.starts("CA1")
            await asyncio.sleep(0.01)
        assert call.book.outcome == "failed"
        assert world.ended == ["failed"]
        assert len(world.calls) == 0

    virtual.run(main())


def test_the_fallback_is_for_calls_that_failed_or_never_began() -> None:
    async def main() -> None:
        async with hosting(World(max_calls=9)) as world:
            assert world.calls.unserved("CA9")
            for outcome in ("automated", "handed_off", "abandoned", "failed"):
                call = world.starts(outcome)
                assert not world.calls.unserved(outcome)
                call.ends(outcome)
            await world.until(lambda: len(world.calls) == 0)
            unserved = [one for one in set(world.ended) if world.calls.unserved(one)]
            assert unserved == ["failed"]

    virtual.run(main())


def test_only_so_many_outcomes_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED_OUTCOMES", 2)

    async def main() -> None:
        async with hosting(World()) as world:
            for call_id in ("CA1", "CA2", "CA3"):
                world.starts(call_id).ends("automated")
                await world.until(lambda: len(world.calls) == 0)
            assert [world.calls.unserved(f"CA{n}") for n in (1, 2, 3)] == [True, False, False]

    virtual.run(main())


def test_a_drain_takes_no_more_calls_and_waits_for_the_live_ones() -> None:
    async def main() -> None:
        async with hosting(World()) as world:
            call = world.starts("CA1")
            await world.calls.drain(60.0)
            assert call.told == [Draining()]
            assert world.ended == ["automated"]
            assert not world.calls.has_room()

    virtual.run(main())


def test_a_drain_gives_up_after_its_time() -> None:
    async def main() -> None:
        async with hosting(World()) as world:
            world.starts("CA1", lingers=True)
            start = asyncio.get_running_loop().time()
            await world.calls.drain(5.0)
            assert asyncio.get_running_loop().time() - start == pytest.approx(5.0, abs=0.01)
            assert len(world.calls) == 1

    virtual.run(main())


def test_an_idle_server_drains_at_once() -> None:
    async def main() -> None:
        async with hosting(World()) as world:
            start = asyncio.get_running_loop().time()
            await world.calls.drain(60.0)
            assert asyncio.get_running_loop().time() - start < 0.01

    virtual.run(main())
