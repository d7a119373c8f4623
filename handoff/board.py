"""The work board: where every task of the AI stands, who moved it there, and when.

Sans-I/O. Which step leads from which column where is in `STEPS`; a step that the table does not have is
refused and kept as an anomaly. Bounded: what is finished leaves the board after `keep_seconds` or behind
`keep_finished` newer ones, what has not moved for `stale_seconds` expires, and a card shows its first move
and the last 31.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from handoff.errors import ProtocolError, StorageError
from handoff.events import CallOver, DeadlinePassed

MOVES_SHOWN = 32
ANOMALIES_SHOWN = 200


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


_WITH_AI = (Column.QUEUED, Column.PROCESSING)
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

_LEADS_TO = {step: target for (_, step), target in STEPS.items()}  # a step leads to one column

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


# --- the machine ------------------------------------------------------------------------------


class Board:
    """All tasks of a server; `now` is monotonic seconds, the same clock in every method."""

    __slots__ = (
        "_anomalies",
        "_commands",
        "_finished",
        "_keep_finished",
        "_keep_seconds",
        "_live",
        "_stale_seconds",
    )

    def __init__(
        self,
        *,
        keep_finished: int = 1000,
        keep_seconds: float = 3600.0,
        stale_seconds: float = 3600.0,
    ) -> None:
        self._keep_finished = keep_finished
        self._keep_seconds = keep_seconds
        self._stale_seconds = stale_seconds
        # both with the card that moved last at the end, so that what is due is in front
        self._live: OrderedDict[str, Card] = OrderedDict()
        self._finished: OrderedDict[str, Card] = OrderedDict()
        self._anomalies: deque[Anomaly] = deque(maxlen=ANOMALIES_SHOWN)
        self._commands: list[BoardCommand] = []

    @classmethod
    def reopened(cls, cards: Iterable[Card], now: float, **limits: Any) -> Board:
        """Rebuild from what was kept, in order; of one task the last card counts.

        `limits` as in `Board(...)`. Send `CallOver` for every call that did not survive.
        """
        board = cls(**limits)
        latest = {card.task_id: card for card in cards}.values()
        for card in sorted(latest, key=lambda card: card.since):
            (board._finished if card.is_finished else board._live)[card.task_id] = card
        board._tidy(now)
        return board

    def handle(self, event: BoardEvent, now: float) -> None:
        """Take in one event; raises `ProtocolError` for an unknown type."""
        self._tidy(now)
        match event:
            case TaskAdded():
                self._add(event, now)
            case TaskMoved():
                self._move(event, now)
            case ApprovalChanged():
                self._follow(event, now)
            case CallOver():
                for card in list(self._live.values()):
                    # in the other columns a person or whoever acts has it: they say how it ends
                    if card.call_id == event.call_id and card.column in _WITH_AI:
                        self._move(TaskMoved(card.task_id, Step.EXPIRE, "caller"), now)
            case DeadlinePassed():
                pass  # whatever is due has just been tidied away
            case _:
                raise ProtocolError(f"the board does not know {type(event).__name__}")

    def next_deadline(self) -> float | None:
        """When to send `DeadlinePassed`, or None."""
        times = []
        if self._live:
            times.append(next(iter(self._live.values())).since + self._stale_seconds)
        if self._finished:
            times.append(next(iter(self._finished.values())).since + self._keep_seconds)
        return min(times, default=None)

    def take_commands(self) -> list[BoardCommand]:
        """Hand out what has to be kept since the last time, in order."""
        commands, self._commands = self._commands, []
        return commands

    # --- views ------------------------------------------------------------------------------

    def card(self, task_id: str) -> Card | None:
        """A task; None if it never was on the board or has left it."""
        return self._live.get(task_id) or self._finished.get(task_id)

    def cards(self, column: Column) -> tuple[Card, ...]:
        """What stands in a column, the longest there first."""
        where = self._finished if column in FINISHED else self._live
        return tuple(card for card in where.values() if card.column is column)

    def columns(self, now: float) -> tuple[ColumnView, ...]:
        """Every column, from left to right."""
        views = []
        for column in Column:
            ages = [max(0.0, now - card.since) for card in self.cards(column)]
            mean = sum(ages) / len(ages) if ages else 0.0
            views.append(ColumnView(column, len(ages), max(ages, default=0.0), mean))
        return tuple(views)

    def anomalies(self) -> tuple[Anomaly, ...]:
        """The last refused moves, oldest first."""
        return tuple(self._anomalies)

    # --- what the events share --------------------------------------------------------------

    def _add(self, event: TaskAdded, now: float) -> None:
        known = self.card(event.task_id)
        if known is not None:
            self._refuse(Anomaly(event.task_id, known.column, None, event.by, now))
            return
        first = Move(Column.QUEUED, event.by, now)
        self._keep(Card(event.task_id, event.call_id, event.title, (first,)))

    def _move(self, event: TaskMoved, now: float) -> None:
        card = self.card(event.task_id)
        target = STEPS.get((card.column, event.step)) if card else None
        if card is None or target is None:
            column = card.column if card else None
            self._refuse(Anomaly(event.task_id, column, event.step, event.by, now))
            return
        moves = (*card.moves, Move(target, event.by, now, event.note))
        if len(moves) > MOVES_SHOWN:
            moves = (moves[0], *moves[2:])
        self._keep(replace(card, moves=moves, moved=card.moved + 1))

    def _follow(self, event: ApprovalChanged, now: float) -> None:
        if event.status not in BY_APPROVAL:
            raise ProtocolError(f"the board does not know an approval that is {event.status!r}")
        step = BY_APPROVAL[event.status]
        card = self.card(event.task_id)
        # kept again without a move: the same status, or something that has left the board
        if step is None or card is None or card.column is _LEADS_TO[step]:
            return
        self._move(TaskMoved(event.task_id, step, event.by, event.note), now)

    def _keep(self, card: Card) -> None:
        self._live.pop(card.task_id, None)
        (self._finished if card.is_finished else self._live)[card.task_id] = card
        if len(self._finished) > self._keep_finished:
            self._finished.popitem(last=False)
        self._commands.append(KeepCard(card))

    def _refuse(self, anomaly: Anomaly) -> None:
        self._anomalies.append(anomaly)
        self._commands.append(KeepAnomaly(anomaly))

    def _tidy(self, now: float) -> None:
        while self._live:
            card = next(iter(self._live.values()))
            if card.since + self._stale_seconds > now:
                break
            self._move(TaskMoved(card.task_id, Step.EXPIRE, "deadline"), now)
        while self._finished:
            card = next(iter(self._finished.values()))
            if card.since + self._keep_seconds > now:
                break
            self._finished.popitem(last=False)


def diagram() -> str:
    """Draw the table as a Mermaid diagram."""
    lines = ["stateDiagram-v2", "    direction LR", f"    [*] --> {Column.QUEUED}: TaskAdded"]
    lines += [f"    {column} --> {target}: {step}" for (column, step), target in STEPS.items()]
    return "\n".join(
        [*lines, *(f"    {column} --> [*]" for column in Column if column in FINISHED)]
    )
