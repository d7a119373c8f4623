"""The shell of operator care: what people work at goes in, what they are owed comes out and is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from handoff.care import (
    BreakEnded,
    BreakStarted,
    Care,
    CareCommand,
    CareEvent,
    CareRecord,
    KeepCare,
    RestDue,
    RestOver,
    WorkEnded,
    WorkStarted,
)
from handoff.events import DeadlinePassed, OperatorLeft, Presence
from handoff.policy import Policy
from handoff.ports import MachineRecord
from voice_hitl.call.journal import Journal
from voice_hitl.call.service import MachineService
from voice_hitl.clock import Clock
from voice_hitl.log import get_logger

log = get_logger(__name__)

MACHINE = "care"
KEPT_FOR = 12 * 3600.0  # seconds; whoever was heard of before that has rested since
_RECORDS = TypeAdapter(CareRecord)


class CareConsole(Protocol):
    """The operators' consoles, as care sees them. Methods never block and never raise."""

    def rest(self, operator_id: str, resting: bool, worked_minutes: float) -> None:
        """An operator must rest, or has rested."""


class CareService(MachineService[CareEvent, CareCommand]):
    """Owns the care machine; the desk asks the machine itself, between two of its events."""

    def __init__(
        self,
        care: Care,
        clock: Clock,
        journal: Journal,
        consoles: CareConsole,
        on_change: Callable[[], None],
    ) -> None:
        """`on_change` hears that someone may be offered what they could not before, or no longer."""
        super().__init__(care, clock, wake=DeadlinePassed())
        self.care = care
        self._journal = journal
        self._consoles = consoles
        self._on_change = on_change

    def work_started(self, operator_id: str, work_id: str, category: str | None) -> None:
        """An operator has something in hand."""
        self.post(WorkStarted(operator_id, work_id, category))

    def work_ended(self, operator_id: str, work_id: str) -> None:
        """They no longer have it."""
        self.post_always(WorkEnded(operator_id, work_id))

    def presence(self, operator_id: str, presence: Presence) -> None:
        """An operator asks for peace, or is back."""
        on_break = presence is Presence.BREAK
        self.post(BreakStarted(operator_id) if on_break else BreakEnded(operator_id))

    def left(self, operator_id: str) -> None:
        """An operator is gone."""
        self.post_always(OperatorLeft(operator_id))

    def _after(self) -> None:
        self._on_change()

    async def _carry_out(self, command: CareCommand) -> None:
        match command:
            case KeepCare(record):
                self._journal.put(self._kept(record))
            case RestDue():
                self._consoles.rest(command.operator_id, True, command.worked_minutes)
            case RestOver():
                self._consoles.rest(command.operator_id, False, 0.0)

    def _kept(self, record: CareRecord) -> MachineRecord:
        return MachineRecord(
            machine=MACHINE,
            key=record.operator_id,
            at=self._clock.wall(),
            state="known",
            detail=asdict(record),
        )


def reopened_care(policy: Policy, records: Iterable[MachineRecord], clock: Clock) -> Care:
    """Care as the last run of the server left it; a record that cannot be read is logged and left."""
    care = Care(policy)
    for record in records:
        try:
            known = _RECORDS.validate_python(dict(record.detail))
        except ValidationError:
            log.exception("what is known of an operator's work is unreadable", key=record.key)
            continue
        care.restore(known, max(0.0, clock.wall() - record.at), clock.now())
    return care
