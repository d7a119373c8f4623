"""The work board's values: columns, steps and the table of moves, cards, events and commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from handoff.errors import StorageError
from handoff.events import CallOver, DeadlinePassed

MOVES_SHOWN = 32


class Column(StrEnum):
    """Where a task stands."""

    QUEUED = "queued"
    PROCESSING = "processing"  # the AI works on it
    REVIEW = "review"  # a person decides, or may veto
    APPROVED = "approved"
    EXECUTED = "executed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    FAILED = "failed"


WITH_AI = (Column.QUEUED, Column.PROCESSING)
FINISHED = frozenset((Column.EXECUTED, Column.REJECTED, Column.EXPIRED, Column.FAILED))


class Step(StrEnum):
    """What moves a task."""

    START = "start"
    ASK = "ask"  # a person is asked
    RETURN = "return"  # back to the AI with a person's words
    APPROVE = "approve"  # by a person, or by policy out of the loop
    REJECT = "reject"
    EXPIRE = "expire"
    EXECUTE = "execute"
    FAIL = "fail"


STEPS: Mapping[tuple[Column, Step], Column] = {
    (Column.QUEUED, Step.START): Column.PROCESSING,
    (Column.QUEUED, Step.EXPIRE): Column.EXPIRED,
    (Column.PROCESSING, Step.ASK): Column.REVIEW,
    (Column.PROCESSING, Step.APPROVE): Column.APPROVED,
    (Column.PROCESSING, Step.REJECT): Column.REJECTED,
    (Column.PROCESSING, Step.EXPIRE): Column.EXPIRED,
    (Column.PROCESSING, Step.FAIL): Column.FAILED,
    (Column.REVIEW, Step.RETURN): Column.PROCESSING,
    (Column.REVIEW, Step.APPROVE): Column.APPROVED,
    (Column.REVIEW, Step.REJECT): Column.REJECTED,
    (Column.REVIEW, Step.EXPIRE): Column.EXPIRED,
    (Column.APPROVED, Step.EXECUTE): Column.EXECUTED,
    (Column.APPROVED, Step.REJECT): Column.REJECTED,
    (Column.APPROVED, Step.EXPIRE): Column.EXPIRED,
    (Column.APPROVED, Step.FAIL): Column.FAILED,
}

LEADS_TO = {step: target for (_, step), target in STEPS.items()}  # a step leads to one column

BY_APPROVAL: Mapping[str, Step | None] = {
    "open": Step.ASK,
    "escalated": None,
    "approved": Step.APPROVE,
    "executing": None,
    "executed": Step.EXECUTE,
    "failed": Step.FAIL,
    "unknown": Step.FAIL,
    "rejected": Step.REJECT,
    "responded": Step.RETURN,
    "expired": Step.EXPIRE,
    "lapsed": Step.EXPIRE,
    "withdrawn": Step.REJECT,
    "caller_gone": Step.EXPIRE,
    "taken_over": Step.REJECT,
    "draining": Step.EXPIRE,
    "interrupted": Step.EXPIRE,
}
"""The step that follows from a new status of a task's approval; None: it stays where it is."""


# --- events and records -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TaskAdded:
    """The AI has a task: an action that it means to do."""

    task_id: str
    call_id: str
    title: str  # one line for an operator
    by: str = "agent"


@dataclass(frozen=True, slots=True)
class TaskMoved:
    """A task goes on."""

    task_id: str
    step: Step
    by: str  # operator id, "agent", "policy", "deadline", ...
    note: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalChanged:
    """The approval of a task was kept; moves the task if that puts it into another column."""

    task_id: str
    status: str  # `ApprovalRecord.status`, a key of `BY_APPROVAL`
    by: str
    note: str = ""


BoardEvent = TaskAdded | TaskMoved | ApprovalChanged | CallOver | DeadlinePassed


@dataclass(frozen=True, slots=True)
class Move:
    """A task came to a column."""

    column: Column
    by: str
    at: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A task on the board, with how it came there. Key: `task_id`; a later one replaces an earlier one."""

    task_id: str
    call_id: str
    title: str
    moves: tuple[Move, ...]  # oldest first; the first and the last 31
    moved: int = 1  # how many there were

    @property
    def column(self) -> Column:
        """Where it stands."""
        return self.moves[-1].column

    @property
    def since(self) -> float:
        """When it came there."""
        return self.moves[-1].at

    @property
    def is_finished(self) -> bool:
        """Whether nothing can move it any more."""
        return self.column in FINISHED

    def shifted(self, seconds: float) -> Card:
        """The same on a clock that shows `seconds` more."""
        return replace(
            self, moves=tuple(replace(move, at=move.at + seconds) for move in self.moves)
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON values, for a store."""
        values: dict[str, Any] = _CARDS.dump_python(self, mode="json")
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Card:
        """Read what `as_dict` gave; raises `StorageError` for anything else."""
        try:
            card = _CARDS.validate_python(dict(values))
        except ValidationError as error:
            raise StorageError(f"a card cannot be read back: {error}") from error
        if not card.moves:
            raise StorageError(f"card {card.task_id} cannot be read back: it has no moves")
        return card


_CARDS = TypeAdapter(Card)


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A move that the table does not have; it was refused."""

    task_id: str
    column: Column | None  # None: no such task on the board
    step: Step | None  # None: it was added again
    by: str
    at: float


@dataclass(frozen=True, slots=True)
class KeepCard:
    """Store a task as it stands now."""

    card: Card


@dataclass(frozen=True, slots=True)
class KeepAnomaly:
    """Write a refused move to the audit log."""

    anomaly: Anomaly


BoardCommand = KeepCard | KeepAnomaly


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A column at a glance."""

    column: Column
    count: int
    oldest: float  # seconds that its oldest card has been there; 0 where there is none
    mean: float  # seconds, over its cards; 0 where there is none


def diagram() -> str:
    """Draw the table as a Mermaid diagram."""
    lines = ["stateDiagram-v2", "    direction LR", f"    [*] --> {Column.QUEUED}: TaskAdded"]
    lines += [f"    {column} --> {target}: {step}" for (column, step), target in STEPS.items()]
    return "\n".join(
        [*lines, *(f"    {column} --> [*]" for column in Column if column in FINISHED)]
    )
