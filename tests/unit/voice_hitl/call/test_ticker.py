from __future__ import annotations

import asyncio
import itertools

import pytest

from tests.support import virtual
from voice_hitl.call.ticker import Ticker


def test_members_are_called_until_they_leave() -> None:
    ticker, seen = Ticker(), list[float]()

    def once(now: float) -> None:
        seen.append(now)
        ticker.discard(once)

    ticker.add(once)
    ticker.add(once)
    ticker.tick(1.0)
    ticker.tick(2.0)
    assert seen == [1.0]


def test_one_may_put_another_out_within_a_tick() -> None:
    ticker, seen = Ticker(), list[str]()

    def second(now: float) -> None:
        seen.append("second")

    def first(now: float) -> None:
        seen.append("first")
        ticker.discard(second)

    ticker.add(first)
    ticker.add(second)
    ticker.tick(0.0)
    assert seen == ["first"]


def broken(now: float) -> None:
    raise RuntimeError("no")


def test_a_fault_is_told_to_its_owner_and_stops_nobody_else() -> None:
    ticker, faults, seen = Ticker(), list[Exception](), list[float]()
    ticker.add(broken, faults.append)
    ticker.add(seen.append)
    ticker.tick(1.0)
    ticker.tick(2.0)
    assert [str(fault) for fault in faults] == ["no"]
    assert seen == [1.0, 2.0]


def test_ticks_are_on_an_absolute_grid() -> None:
    ticker, seen = Ticker(), list[float]()

    async def main() -> None:
        ticker.add(seen.append)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(ticker.run())
            await asyncio.sleep(10.0)
            running.cancel()

    virtual.run(main())
    assert len(seen) in (500, 501)
    assert all(abs(now / 0.02 - round(now / 0.02)) < 0.01 for now in seen)
    assert len(ticker.lateness) == len(seen)
    assert 0.0 <= max(ticker.lateness) < 0.001


def test_missed_ticks_are_not_made_up_for() -> None:
    ticker, seen = Ticker(), list[float]()

    def blocked(now: float) -> None:
        seen.append(now)
        if len(seen) == 3:
            asyncio.get_running_loop()._virtual.now += 0.35  # type: ignore[attr-defined]

    async def main() -> None:
        ticker.add(blocked)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(ticker.run())
            await asyncio.sleep(1.0)
            running.cancel()

    virtual.run(main())
    steps = [round(b - a, 2) for a, b in itertools.pairwise(seen)]
    assert set(steps) <= {0.02, 0.36}
    assert steps.count(0.36) == 1


def test_without_members_it_sleeps() -> None:
    ticker, seen = Ticker(), list[float]()

    def once(now: float) -> None:
        seen.append(now)
        ticker.discard(once)

    async def main() -> None:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(ticker.run())
            for _ in range(2):
                ticker.add(once)
                await asyncio.sleep(60.0)
            running.cancel()

    virtual.run(main())
    assert len(seen) == 2
    assert len(ticker.lateness) == 2


def test_a_fault_that_nobody_hears_of_ends_the_run() -> None:
    ticker = Ticker()
    ticker.add(broken)
    with pytest.raises(RuntimeError, match="no"):
        virtual.run(ticker.run())
