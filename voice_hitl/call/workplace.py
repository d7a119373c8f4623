"""Where people work: the floor, the approval gate and whatever else all calls share with people.

Each part is a machine of `handoff` in a shell of its own; here they are put together and told of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from handoff.desk import Desk
from handoff.events import CallOver, ServerDraining
from handoff.policy import Policy
from handoff.ports import MachineRecord, Store
from voice_hitl.call import approving
from voice_hitl.call.approving import ApprovalConsole, ApprovalService
from voice_hitl.call.floor import FloorService
from voice_hitl.call.journal import Journal
from voice_hitl.call.ports import ConsolePort
from voice_hitl.call.runner import CallRunner
from voice_hitl.clock import Clock


class Consoles(ConsolePort, ApprovalConsole, Protocol):
    """The operators' consoles, as all of these see them."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What an earlier run of the server left to go on with."""

    last_epoch: int = 0
    approvals: tuple[MachineRecord, ...] = ()

    @classmethod
    async def of(cls, store: Store) -> Kept:
        """Read it from the store."""
        return cls(
            last_epoch=await store.last_epoch(),
            approvals=tuple(await store.machine_records(approving.MACHINE, open_only=True)),
        )


class Workplace:
    """All that people work at."""

    def __init__(
        self,
        policy: Policy,
        clock: Clock,
        journal: Journal,
        consoles: Consoles,
        find_call: Callable[[str], CallRunner | None],
        kept: Kept = Kept(),
    ) -> None:
        desk = Desk(policy, last_epoch=kept.last_epoch)
        self.floor = FloorService(desk, clock, journal, consoles, find_call)
        gate = approving.reopened_gate(policy, kept.approvals, clock)
        self.approvals = ApprovalService(gate, clock, journal, consoles, find_call, self.floor.free)
        self.floor.on_presence = self.approvals.presence
        for record in gate.live():  # no call survives the end of its server
            self.approvals.post(CallOver(record.call_id))

    def services(self) -> list[Coroutine[Any, Any, None]]:
        """What must run beside the calls, each in a task of its own; stop them in reverse."""
        return [self.approvals.run(), self.floor.run()]

    def call_over(self, call_id: str) -> None:
        """A call has ended, however it ended."""
        self.floor.call_over(call_id)
        self.approvals.post(CallOver(call_id))

    def drain(self) -> None:
        """The server is stopping: nobody is called or asked any more."""
        self.floor.post(ServerDraining())
        self.approvals.post(ServerDraining())
