from __future__ import annotations

import asyncio
import time

import pytest

from voice_hitl.clock import Clock


async def test_wall_time_follows_the_loop() -> None:
    clock = Clock.of_running_loop()
    assert clock.wall() == pytest.approx(time.time(), abs=0.5)
    now = asyncio.get_running_loop().time()
    assert clock.wall(now + 5) - clock.wall(now) == pytest.approx(5)


def test_a_clock_needs_a_loop() -> None:
    with pytest.raises(RuntimeError):
        Clock.of_running_loop()
