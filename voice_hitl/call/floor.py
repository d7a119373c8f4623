"""The floor's shell: one inbox and one owner task around `handoff.desk.Desk`.

What the desk wants is carried out in order. A decision is stored before it rings, an accepted offer before
anybody is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from handoff import commands as core
from handoff import events as facts
from handoff.desk import Desk
from handoff.wiring import desk_event
from voice_hitl.call.inbox import FloorSaid
from voice_hitl.call.journal import Journal
from voice_hitl.call.ports import ConsolePort
from voice_hitl.call.service import MachineService
from voice_hitl.clock import Clock
from voice_hitl.log import get_logger

log = get_logger(__name__)

STORED_WITHIN = 1.0  # seconds


class FloorCall(Protocol):
    """What the floor needs of a live call."""

    def post(self, event: FloorSaid) -> None:
        """Tell the call's owner something."""

    def offered(self, operator_id: str) -> None:
        """An offer for this call was put on a console."""

    def accepted(self, operator_id: str, epoch: int) -> None:
        """An operator accepted; to be stored before they are told."""


class FloorService(MachineService[facts.DeskEvent, core.DeskCommand]):
    """Owns the desk."""

    def __init__(
        self,
        desk: Desk,
        clock: Clock,
        journal: Journal,
        consoles: ConsolePort,
        find_call: Callable[[str], FloorCall | None],
    ) -> None:
        super().__init__(desk, clock, wake=facts.DeadlinePassed())
        self.desk = desk
        self._journal = journal
        self._consoles = consoles
        self._find_call = find_call
        self.on_presence: Callable[[str, str], None] = lambda operator_id, presence: None

    def free(self) -> tuple[str, ...]:
        """Who could look at something now, who has waited longest first."""
        free = [operator for operator in self.desk.operators() if operator.free]
        return tuple(o.operator_id for o in sorted(free, key=lambda o: (o.idle_since, o.name)))

    def tell(
        self,
        command: core.RequestOperator
        | core.RequestTakeover
        | core.WithdrawRequest
        | core.DisconnectOperator,
    ) -> None:
        """Pass a call's command on to the desk."""
        event = desk_event(command)
        if event is not None:
            self.post(event)

    def call_over(self, call_id: str) -> None:
        """A call has ended, however it ended."""
        self.post(facts.CallOver(call_id))

    async def _before(self, event: facts.DeskEvent) -> None:
        if isinstance(event, facts.HandoffRequested):
            await self._stored()

    async def _stored(self) -> None:
        """Wait until what is about to be shown is stored; a sick disk must not keep people from callers."""
        try:
            async with asyncio.timeout(STORED_WITHIN):
                await self._journal.flush()
        except TimeoutError:
            log.error("the store is slow; going on before it has caught up")

    async def _carry_out(self, command: core.DeskCommand) -> None:
        match command:
            case core.Ring():
                call = self._find_call(command.call_id)
                if call is None:
                    return  # the end of the call is in the inbox and withdraws the request
                self._consoles.ring(command, command.deadline - self._clock.now())
                call.offered(command.operator_id)
            case core.StopRinging():
                self._consoles.offer_over(
                    command.operator_id, command.offer_id, command.call_id, command.reason
                )
            case core.RefuseAccept():
                self._consoles.offer_over(
                    command.operator_id, command.offer_id, command.call_id, command.reason
                )
            case core.Assign():
                await self._assign(command)
            case core.GiveUp():
                call = self._find_call(command.call_id)
                if call is not None:
                    call.post(
                        FloorSaid(
                            facts.NobodyAvailable(command.tried, command.request, command.reason)
                        )
                    )
            case core.PresenceChanged():
                self._consoles.presence(command.operator_id, command.presence, command.busy_with)
                self.on_presence(command.operator_id, command.presence)

    async def _assign(self, command: core.Assign) -> None:
        call = self._find_call(command.call_id)
        if call is not None:
            call.accepted(command.operator_id, command.epoch)
            await self._stored()
        if call is None or self._find_call(command.call_id) is not call:
            self.post(facts.CallReleased(command.call_id, command.operator_id, command.epoch))
            self._consoles.offer_over(
                command.operator_id, command.offer_id, command.call_id, "caller_gone"
            )
            return
        self._consoles.offer_over(
            command.operator_id, command.offer_id, command.call_id, "accepted"
        )
        call.post(
            FloorSaid(
                facts.OperatorAssigned(command.operator_id, command.operator_name, command.epoch)
            )
        )
