from __future__ import annotations

import asyncio

import pytest

from voice_hitl.main_loop import run_main


async def failing(*errors: Exception) -> None:
    async def fail(error: Exception) -> None:
        raise error

    async with asyncio.TaskGroup() as group:
        for error in errors:
            group.create_task(fail(error))


def test_what_the_main_coroutine_returns_is_returned() -> None:
    assert run_main(asyncio.sleep(0, "done")) == "done"


def test_a_lone_error_comes_out_of_its_groups_as_itself() -> None:
    with pytest.raises(ValueError, match="no"):
        run_main(failing(ValueError("no")))


def test_errors_of_several_kinds_stay_together() -> None:
    with pytest.raises(ExceptionGroup):
        run_main(failing(ValueError("no"), KeyError("neither")))
