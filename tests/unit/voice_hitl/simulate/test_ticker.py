from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import pytest

from voice_hitl.simulate.ticker import PERIOD, SLOTS, Ticker


class Counter:
    """Stops the clock after so many ticks."""

    def __init__(self, ticks: int, stall_at: int = -1) -> None:
        self.left = ticks
        self.stall_at = stall_at
        self.dues: list[float] = []
        self.nows: list[float] = []
        self.done = asyncio.Event()

    def tick(self, due: float, now: float) -> None:
        self.dues.append(due)
        self.nows.append(now)
        if len(self.dues) == self.stall_at:
            time.sleep(0.03)
        if len(self.dues) == self.left:
            self.done.set()


async def drive(ticker: Ticker, *counters: Counter) -> None:
    async with asyncio.TaskGroup() as tasks:
        beat = tasks.create_task(ticker.run())
        for counter in counters:
            await counter.done.wait()
        beat.cancel()


async def test_ticks_are_due_on_a_grid_of_20_ms_and_never_early() -> None:
    ticker, counter = Ticker(rate=10), Counter(50)
    ticker.join(counter)
    await drive(ticker, counter)
    grid = [(due - counter.dues[0]) / PERIOD for due in counter.dues]
    assert grid == pytest.approx([round(place) for place in grid], abs=1e-6)
    assert all(later > earlier for earlier, later in pairwise(grid))
    assert all(now >= due - 0.002 for due, now in zip(counter.dues, counter.nows, strict=True))


async def test_callers_are_spread_over_the_phases() -> None:
    ticker, counters = Ticker(rate=10), [Counter(3) for _ in range(2 * SLOTS)]
    for counter in counters:
        ticker.join(counter)
    await drive(ticker, *counters)
    phases = [round(counter.dues[0] % PERIOD / (PERIOD / SLOTS), 3) % SLOTS for counter in counters]
    assert len({round(phase) % SLOTS for phase in phases}) == SLOTS


async def test_after_a_stall_no_phase_is_lost_and_no_turn_is_made_up_twice() -> None:
    ticker = Ticker(rate=10)  # the stall of 30 ms is 0.3 s here: 15 frames
    counters = [Counter(20, stall_at=5 if n == 0 else -1) for n in range(SLOTS)]
    for counter in counters:
        ticker.join(counter)
    await drive(ticker, *counters)
    for counter in counters:
        steps = [b - a for a, b in pairwise(counter.dues)]
        assert all(step / PERIOD == pytest.approx(round(step / PERIOD)) for step in steps)
        assert any(step > 10 * PERIOD for step in steps)


async def test_who_has_left_is_not_driven() -> None:
    ticker, stays, leaves = Ticker(rate=10), Counter(5), Counter(1)
    ticker.join(stays)
    ticker.join(leaves)
    ticker.leave(leaves)
    ticker.leave(leaves)
    async with asyncio.TaskGroup() as tasks:
        beat = tasks.create_task(ticker.run())
        await stays.done.wait()
        beat.cancel()
    assert leaves.dues == []


async def test_sleep_follows_the_simulations_clock() -> None:
    ticker = Ticker(rate=50)
    before = ticker.now()
    await ticker.sleep(1.0)
    assert 0.99 < ticker.now() - before < 20.0
    await ticker.sleep(-5.0)


async def test_time_cannot_stand_still() -> None:
    with pytest.raises(ValueError, match="rate"):
        Ticker(rate=0)
