from __future__ import annotations

import asyncio

import pytest

from tests.support import virtual
from voice_hitl.background import background


async def part(name: str, log: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        log.append(f"{name} stops")
        await asyncio.sleep(1.0)
        log.append(f"{name} stopped")


def test_parts_stop_last_first_one_after_the_other() -> None:
    log: list[str] = []

    async def main() -> None:
        async with background() as start:
            for name in ("journal", "floor", "calls"):
                start(part(name, log))
            await asyncio.sleep(0.01)

    virtual.run(main())
    assert log == [
        f"{name} {what}" for name in ("calls", "floor", "journal") for what in ("stops", "stopped")
    ]


def test_a_part_that_fails_ends_the_block_and_all_others() -> None:
    log: list[str] = []

    async def broken() -> None:
        await asyncio.sleep(0.1)
        raise ZeroDivisionError("a bug")

    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            async with background() as start:
                start(part("floor", log))
                start(broken())
                await asyncio.Event().wait()
        assert caught.group_contains(ZeroDivisionError)
        assert log == ["floor stops", "floor stopped"]

    virtual.run(main())
