from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support import virtual
from voice_hitl.call import service as module
from voice_hitl.call.service import MachineService
from voice_hitl.clock import Clock


class Echo:
    """Wants to have done what it is told; breaks on `handle`."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._commands: list[str] = []

    def handle(self, event: str, now: float) -> None:
        self.heard.append(event)
        if event == "handle":
            raise ZeroDivisionError(event)
        self._commands.append(event)

    def next_deadline(self) -> float | None:
        return None

    def take_commands(self) -> list[str]:
        commands, self._commands = self._commands, []
        return commands


class Shell(MachineService[str, str]):
    """Breaks wherever an event says so."""

    def __init__(self) -> None:
        self.echo = Echo()
        super().__init__(self.echo, Clock(epoch=0.0), wake="wake")
        self.done: list[str] = []
        self.rounds = 0

    async def _before(self, event: str) -> str:
        if event == "before":
            raise KeyError(event)
        return event.lower()

    async def _carry_out(self, command: str) -> None:
        if command == "carry out":
            raise ValueError(command)
        self.done.append(command)

    def _after(self) -> None:
        self.rounds += 1
        if self.done[-1:] == ["after"]:
            raise TypeError("after")


@asynccontextmanager
async def running(shell: Shell) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(shell.run())
        try:
            yield
        finally:
            task.cancel()


@pytest.mark.parametrize("where", ["before", "handle", "carry out", "after"])
def test_what_goes_wrong_with_one_event_does_not_touch_the_next(where: str) -> None:
    async def main() -> None:
        shell = Shell()
        async with running(shell):
            shell.post(where)
            shell.post("next")
            await asyncio.sleep(0.01)
        assert shell.done[-1] == "next"
        assert shell.echo.heard == [where, "next"]  # it hears of what could not be prepared, too
        assert shell.rounds == 3

    virtual.run(main())


def test_the_machine_hears_what_was_made_of_an_event_before_it() -> None:
    async def main() -> None:
        shell = Shell()
        async with running(shell):
            shell.post("LOUD")
            await asyncio.sleep(0.01)
        assert shell.echo.heard == ["loud"]

    virtual.run(main())


def test_a_full_inbox_takes_ends_and_drops_what_can_be_done_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "INBOX_SIZE", 2)

    async def main() -> None:
        shell = Shell()
        shell.post("first")
        shell.post("second")
        with pytest.raises(asyncio.QueueFull):
            shell.post("third")
        shell.post_or_drop("fourth")
        shell.post_always("over")
        async with running(shell):
            await asyncio.sleep(0.01)
        assert shell.done == ["first", "second", "over"]

    virtual.run(main())
