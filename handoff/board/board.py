"""The machine of the work board.

Which step leads from which column where is in `STEPS`; a step that the table does not have is refused and
kept as an anomaly. Bounded: what is finished leaves the board after `keep_seconds` or behind `KEEP_FINISHED`
newer ones, what has not moved for `STALE_SECONDS` expires, a card shows its first move and the last 31.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import replace

from handoff.board.cards import (
    BY_APPROVAL,
    FINISHED,
    LEADS_TO,
    MOVES_SHOWN,
    STEPS,
    WITH_AI,
    Anomaly,
    ApprovalChanged,
    BoardCommand,
    BoardEvent,
    Card,
    Column,
    ColumnView,
    KeepAnomaly,
    KeepCard,
    Move,
    Step,
    TaskAdded,
    TaskMoved,
)
from handoff.errors import ProtocolError
from handoff.events import CallOver, DeadlinePassed

ANOMALIES_SHOWN = 200
KEEP_FINISHED = 1000  # cards
STALE_SECONDS = 3600.0


class Board:
    """All tasks of a server; `now` is monotonic seconds, the same clock in every method."""

    __slots__ = ("_anomalies", "_commands", "_finished", "_keep_seconds", "_live")

    def __init__(self, *, keep_seconds: float = 3600.0) -> None:
        self._keep_seconds = keep_seconds
        # both with the card that moved last at the end, so that what is due is in front
        self._live: OrderedDict[str, Card] = OrderedDict()
        self._finished: OrderedDict[str, Card] = OrderedDict()
        self._anomalies: deque[Anomaly] = deque(maxlen=ANOMALIES_SHOWN)
        self._commands: list[BoardCommand] = []

    @classmethod
    def reopened(cls, cards: Iterable[Card], now: float, *, keep_seconds: float = 3600.0) -> Board:
        """Rebuild from what was kept, in order; of one task the last card counts.

        Send `CallOver` for every call that did not survive.
        """
        board = cls(keep_seconds=keep_seconds)
        latest = {card.task_id: card for card in cards}.values()
        for card in sorted(latest, key=lambda card: card.since):
            (board._finished if card.is_finished else board._live)[card.task_id] = card
        board._tidy(now)
        return board

    def handle(self, event: BoardEvent, now: float) -> None:
        """Take in one event; raises `ProtocolError` for an unknown type."""
        self._tidy(now)
        self._take(event, now)
        self._forget(now)

    def _take(self, event: BoardEvent, now: float) -> None:
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
                    if card.call_id == event.call_id and card.column in WITH_AI:
                        self._move(TaskMoved(card.task_id, Step.EXPIRE, "caller"), now)
            case DeadlinePassed():
                pass  # whatever is due has just been tidied away
            case _:
                raise ProtocolError(f"the board does not know {type(event).__name__}")

    def next_deadline(self) -> float | None:
        """When to send `DeadlinePassed`, or None."""
        times = []
        if self._live:
            times.append(next(iter(self._live.values())).since + STALE_SECONDS)
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
        if step is None or card is None or card.column is LEADS_TO[step]:
            return
        self._move(TaskMoved(event.task_id, step, event.by, event.note), now)

    def _keep(self, card: Card) -> None:
        self._live.pop(card.task_id, None)
        (self._finished if card.is_finished else self._live)[card.task_id] = card
        self._commands.append(KeepCard(card))

    def _refuse(self, anomaly: Anomaly) -> None:
        self._anomalies.append(anomaly)
        self._commands.append(KeepAnomaly(anomaly))

    def _tidy(self, now: float) -> None:
        while self._live:
            card = next(iter(self._live.values()))
            if card.since + STALE_SECONDS > now:
                break
            self._move(TaskMoved(card.task_id, Step.EXPIRE, "deadline"), now)
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._finished:
            card = next(iter(self._finished.values()))
            too_many = len(self._finished) > KEEP_FINISHED
            if not too_many and card.since + self._keep_seconds > now:
                break
            self._finished.popitem(last=False)
