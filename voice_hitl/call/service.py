"""The shell of a machine that all calls share: one inbox, one owner task, one timer.

The desk, the approval gate and the like decide without I/O; a `MachineService` feeds one of them and carries
out what it wants, in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from voice_hitl.clock import Clock
from voice_hitl.log import get_logger

log = get_logger(__name__)

INBOX_SIZE = 10_000
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0  # seconds before a machine that stays due is woken again

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
    that request or connection, never the machine. One event or command that cannot be handled is logged and
    left: the machine serves all calls, and no other of them may pay for it.

    A machine that is still due at a moment it was woken for, because it breaks there, is woken again for that
    moment after a pause that doubles from `FIRST_PAUSE` to `LONGEST_PAUSE`; that is logged once. Meanwhile it
    hears of everything else as ever, and is woken in time for any other moment.
    """

    def __init__(self, machine: Machine[Event, Command], clock: Clock, wake: Event) -> None:
        """`wake` is what the machine is told when its deadline has come."""
        self._machine = machine
        self._clock = clock
        self._wake = wake
        self._inbox: asyncio.Queue[Event] = asyncio.Queue()  # bounded by `post`
        self._timer: asyncio.TimerHandle | None = None
        self._woken = False  # a wake-up is in the inbox
        self._stuck_at: float | None = None  # a deadline that the machine breaks at
        self._pause = 0.0  # seconds; above zero while it is stuck
        self._not_before = float("-inf")  # the end of that pause

    def wake(self) -> None:
        """Let the machine see what is due. Needs no room: at most one of these waits."""
        if not self._woken:
            self._woken = True
            self._inbox.put_nowait(self._wake)

    def post(self, event: Event) -> None:
        """Tell the machine something; raises `asyncio.QueueFull` where too much waits already."""
        if self._inbox.qsize() >= INBOX_SIZE:
            raise asyncio.QueueFull
        self._inbox.put_nowait(event)

    def post_always(self, event: Event) -> None:
        """Tell the machine that something is over, however much waits: it must not go on without an end.

        There are never more of these than of what has begun.
        """
        self._inbox.put_nowait(event)

    def post_or_drop(self, event: Event) -> bool:
        """Tell the machine something that its poster can do without; returns whether, logged where too much
        waits."""
        if self._inbox.qsize() >= INBOX_SIZE:
            log.error("an inbox is full; an event is dropped", kind=type(event).__name__)
            return False
        self._inbox.put_nowait(event)
        return True

    async def run(self) -> None:
        """Own the machine until cancelled."""
        try:
            await self._obey()  # what it wants after it was rebuilt
            while True:
                await self._tell(await self._inbox.get())
                await self._obey()
        finally:
            if self._timer is not None:
                self._timer.cancel()

    async def _tell(self, event: Event) -> None:
        is_wake = event is self._wake
        quietly = is_wake and self._pause > 0
        with _surviving(event, quietly):
            event = await self._before(event)
        now = self._clock.now()
        with _surviving(event, quietly):
            self._machine.handle(event, now)
        if is_wake:
            self._woken = False
            self._see_whether_stuck(now)

    def _see_whether_stuck(self, now: float) -> None:
        due = self._deadline()
        if due is None or due > now:
            return
        if due == self._stuck_at and now < self._not_before:
            return  # woken by somebody else meanwhile
        if self._stuck_at is None:
            log.error("a shared machine is stuck at its deadline", kind=type(self).__name__)
        self._stuck_at = due
        self._pause = min(2 * self._pause or FIRST_PAUSE, LONGEST_PAUSE)
        self._not_before = now + self._pause

    async def _obey(self) -> None:
        for command in self._machine.take_commands():
            with _surviving(command):
                await self._carry_out(command)
        with _surviving(self):
            self._after()
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._deadline()
        if due != self._stuck_at:
            self._stuck_at, self._pause, self._not_before = None, 0.0, float("-inf")
        if due is not None and not self._woken:
            moment = max(due, self._not_before)
            self._timer = asyncio.get_running_loop().call_at(moment, self.wake)

    def _deadline(self) -> float | None:
        """When the machine is due; long from now where it cannot even tell."""
        with _surviving(self._machine):
            return self._machine.next_deadline()
        return self._clock.now() + LONGEST_PAUSE

    async def _before(self, event: Event) -> Event:
        """What must be done before the machine hears of an event; returns what it hears."""
        return event

    async def _carry_out(self, command: Command) -> None:
        """Do what the machine wants."""
        raise NotImplementedError

    def _after(self) -> None:
        """What follows once all that it wanted is done."""


@contextmanager
def _surviving(subject: object, quietly: bool = False) -> Iterator[None]:
    """Log what goes wrong with one event or command, unless `quietly`, and go on.

    The one place that catches everything. An error of any kind in the task of a shared machine would end the
    server and with it every live call; here it costs what it concerns.
    """
    try:
        yield
    except Exception:
        if not quietly:
            log.exception(
                "a shared machine could not go on with one thing", kind=type(subject).__name__
            )
