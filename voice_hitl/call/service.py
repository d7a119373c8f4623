"""The shell of a machine that all calls share: one inbox, one owner task, one timer.

The desk, the approval gate and the like decide without I/O; a `MachineService` feeds one of them and carries
out what it wants, in order.
"""

from __future__ import annotations

import asyncio
from typing import Generic, Protocol, TypeVar

from handoff.errors import HandoffError
from voice_hitl.clock import Clock
from voice_hitl.log import get_logger

log = get_logger(__name__)

INBOX_SIZE = 10_000

Event = TypeVar("Event")
Command = TypeVar("Command")
Event_contra = TypeVar("Event_contra", contravariant=True)


class Machine(Protocol[Event_contra, Command]):
    """What decides: sans-I/O, time is an argument."""

    def handle(self, event: Event_contra, now: float) -> None:
        """Take in one event."""

    def next_deadline(self) -> float | None:
        """When to send the deadline's event, or None."""

    def take_commands(self) -> list[Command]:
        """Hand out what has to be done since the last time, in order."""


class MachineService(Generic[Event, Command]):
    """Owns a machine. Events are handled one at a time, in the order they were posted.

    The inbox is bounded; posting to a full one raises `asyncio.QueueFull` at the poster, which fails
    that request or connection, never the machine.
    """

    def __init__(self, machine: Machine[Event, Command], clock: Clock, wake: Event) -> None:
        """`wake` is what the machine is told when its deadline has come."""
        self._machine = machine
        self._clock = clock
        self._wake = wake
        self._inbox: asyncio.Queue[Event] = asyncio.Queue(INBOX_SIZE)
        self._timer: asyncio.TimerHandle | None = None

    def post(self, event: Event) -> None:
        """Tell the machine something."""
        self._inbox.put_nowait(event)

    async def run(self) -> None:
        """Own the machine until cancelled."""
        try:
            await self._obey()  # what it wants after it was rebuilt
            while True:
                event = await self._inbox.get()
                await self._before(event)
                try:
                    self._machine.handle(event, self._clock.now())
                except HandoffError:
                    log.exception("an event was refused", kind=type(event).__name__)
                await self._obey()
        finally:
            if self._timer is not None:
                self._timer.cancel()

    async def _obey(self) -> None:
        for command in self._machine.take_commands():
            await self._carry_out(command)
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._machine.next_deadline()
        if due is not None:
            self._timer = asyncio.get_running_loop().call_at(due, self.post, self._wake)

    async def _before(self, event: Event) -> None:
        """What must be done before the machine hears of an event."""

    async def _carry_out(self, command: Command) -> None:
        """Do what the machine wants."""
        raise NotImplementedError
