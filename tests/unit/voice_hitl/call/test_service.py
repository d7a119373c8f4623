from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

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


class Alarm(Echo):
    """Due at a moment; breaks at its wake as often as `broken` says, then its deadline is over."""

    def __init__(self, due: float, broken: int = 0) -> None:
        super().__init__()
        self.due: float | None = due
        self.broken = broken
        self.told: list[float] = []  # of its wakes

    def handle(self, event: str, now: float) -> None:
        if event != "wake":
            super().handle(event, now)
        elif self.due is not None and now >= self.due:
            self.told.append(now)
            if len(self.told) <= self.broken:
                raise ZeroDivisionError
            self.due = None

    def next_deadline(self) -> float | None:
        return self.due


class Watch(Shell):
    def __init__(self, echo: Alarm) -> None:
        super().__init__()
        MachineService.__init__(self, echo, Clock(epoch=0.0), wake="wake")
        self.alarm = self.echo = echo


def now() -> float:
    return asyncio.get_running_loop().time()


def test_a_wake_needs_no_room_in_the_inbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INBOX_SIZE", 2)

    async def main() -> None:
        lost: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))
        alarm = Alarm(due=now() + 1.0)
        shell = Watch(alarm)
        release = asyncio.Event()

        async def held(command: str) -> None:
            await release.wait()

        monkeypatch.setattr(shell, "_carry_out", held)
        async with running(shell):
            shell.post("holds up")
            await asyncio.sleep(0.5)
            shell.post("first")
            shell.post("second")
            await asyncio.sleep(1.0)  # due while the inbox is full
            release.set()
            await asyncio.sleep(0.01)
        assert lost == []
        assert len(alarm.told) == 1

    virtual.run(main())


def test_one_wake_waits_at_most() -> None:
    async def main() -> None:
        alarm = Alarm(due=now() - 1.0, broken=100)
        shell = Watch(alarm)
        for _ in range(5):
            shell.wake()
        async with running(shell):
            for _ in range(20):
                shell.post("event")
            await asyncio.sleep(0.01)
        assert len(alarm.told) == 1
        assert alarm.heard == ["event"] * 20

    virtual.run(main())


def test_a_machine_that_breaks_at_its_deadline_is_woken_more_and_more_rarely() -> None:
    async def main() -> None:
        begun = now()
        alarm = Alarm(due=begun + 1.0, broken=10_000)
        shell = Watch(alarm)
        async with running(shell):
            await asyncio.sleep(600.0)
            shell.post("event")
            await asyncio.sleep(0.01)
            assert alarm.heard == ["event"]  # it hears of everything else as ever
            gaps = [round(b - a, 3) for a, b in pairwise(alarm.told)]
            assert gaps[:4] == [0.1, 0.2, 0.4, 0.8]
            assert set(gaps[10:]) == {30.0}
            alarm.broken = 0
            await asyncio.sleep(30.0)
            assert alarm.due is None
            alarm.due, alarm.broken = now() + 1.0, 10_000  # another time: from the start again
            shell.post("event")
            before = len(alarm.told)
            await asyncio.sleep(1.5)
            assert len(alarm.told) - before == 3

    with capture_logs() as logged:
        virtual.run(main())
    said = [line["event"] for line in logged]
    assert len(said) == 4, "one trace and one line each time that it gets stuck"
    assert said.count("a shared machine is stuck at its deadline") == 2


def test_what_is_due_after_a_machine_was_stuck_is_not_late() -> None:
    async def main() -> None:
        alarm = Alarm(due=now(), broken=10_000)
        shell = Watch(alarm)
        async with running(shell):
            await asyncio.sleep(60.0)
            alarm.due, alarm.broken = now() + 0.5, 0
            shell.post("another deadline")
            due = alarm.due
            await asyncio.sleep(1.0)
        assert alarm.told[-1] == pytest.approx(due)

    virtual.run(main())


def test_others_who_wake_a_stuck_machine_do_not_lengthen_its_pause() -> None:
    async def main() -> None:
        alarm = Alarm(due=now(), broken=10_000)
        shell = Watch(alarm)
        async with running(shell):
            await asyncio.sleep(0.01)
            for _ in range(8):
                shell.wake()
                await asyncio.sleep(0.01)
            others = len(alarm.told)
            await asyncio.sleep(0.3)
        assert [round(b - a, 2) for a, b in pairwise(alarm.told[others - 1 :])] == [0.02, 0.2]

    virtual.run(main())


def test_a_machine_that_cannot_tell_when_it_is_due_goes_on() -> None:
    async def main() -> None:
        alarm = Alarm(due=now() + 1.0)
        shell = Watch(alarm)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(alarm, "next_deadline", lambda: 1 / 0)
            async with running(shell):
                shell.post("event")
                await asyncio.sleep(0.01)
                patch.undo()
                await asyncio.sleep(module.LONGEST_PAUSE)
        assert alarm.heard == ["event"]
        assert len(alarm.told) == 1

    virtual.run(main())
