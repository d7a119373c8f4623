"""What audits are told, what they want done, and the record that is kept of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from handoff.errors import StorageError
from handoff.events import DeadlinePassed

AuditVerdict = Literal["right", "wrong", "unsure"]


class AuditState(StrEnum):
    """Where an automated item stands."""

    PASSED = "passed"  # not drawn
    QUEUED = "queued"
    SHOWN = "shown"  # to an auditor
    DONE = "done"
    SKIPPED = "skipped"  # too many were open: it had no chance, and no estimate speaks for it


@dataclass(frozen=True, slots=True)
class AuditItem:
    """Something that was automated."""

    audit_id: str  # unique for ever: what the draw hangs on
    kind: str  # decision | action | call | line
    call_id: str
    turn: int
    path: str  # automatic | vetoable | approved | handed_off
    category: str
    risk: float  # 0..1, when it was automated
    summary: str  # what an auditor needs to judge it
    handled_by: tuple[str, ...] = ()  # operators who had a part in the call


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An item as it is kept; the newest of its id counts."""

    item: AuditItem
    state: AuditState
    propensity: float  # P(drawn), exactly as used; 0 for skipped
    seen: int  # of the sampler, after this item
    mean_risk: float  # the same
    auditor: str | None = None
    verdict: AuditVerdict | None = None
    note: str = ""
    referred: bool = False  # drawn elsewhere, among items that have no record here

    def as_dict(self) -> dict[str, Any]:
        """JSON values, for a store."""
        values: dict[str, Any] = _RECORDS.dump_python(self, mode="json")
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AuditRecord:
        """Read what `as_dict` gave; raises `StorageError` for anything else."""
        try:
            return _RECORDS.validate_python(dict(values))
        except ValidationError as error:
            raise StorageError(f"an audit cannot be read back: {error}") from error


_RECORDS = TypeAdapter(AuditRecord)


# --- events -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Automated:
    """Something was decided, done or said without a person."""

    item: AuditItem


@dataclass(frozen=True, slots=True)
class Referred:
    """Something was drawn elsewhere (a moderated line), with this probability in (0, 1]."""

    item: AuditItem
    propensity: float


@dataclass(frozen=True, slots=True)
class AuditorAsks:
    """A person wants something to audit."""

    auditor_id: str


@dataclass(frozen=True, slots=True)
class AuditorAnswers:
    """An auditor has judged."""

    audit_id: str
    auditor_id: str
    verdict: AuditVerdict
    note: str = ""


@dataclass(frozen=True, slots=True)
class AuditorLeft:
    """An auditor went away: what they were shown is for others."""

    auditor_id: str


@dataclass(frozen=True, slots=True)
class CallHandledBy:
    """An operator had a part in a call (owned it, coached, approved): they may not audit it."""

    call_id: str
    operator_id: str


AuditEvent = (
    Automated
    | Referred
    | AuditorAsks
    | AuditorAnswers
    | AuditorLeft
    | CallHandledBy
    | DeadlinePassed
)

# --- commands ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShowAudit:
    """Show an item to an auditor, who has it until `deadline`."""

    auditor_id: str
    item: AuditItem
    deadline: float


@dataclass(frozen=True, slots=True)
class WithdrawAudit:
    """Show it no longer; reason is lapsed or own."""

    audit_id: str
    auditor_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class NothingToAudit:
    """There is nothing that this person may audit."""

    auditor_id: str


@dataclass(frozen=True, slots=True)
class RefuseAudit:
    """A verdict has no effect: it is over, or shown to somebody else or nobody (not_yours)."""

    audit_id: str
    auditor_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class KeepAudit:
    """Store the newest state of an item."""

    record: AuditRecord


AuditCommand = ShowAudit | WithdrawAudit | NothingToAudit | RefuseAudit | KeepAudit
