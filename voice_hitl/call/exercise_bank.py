"""The bank that exercises are drawn from, among approvals as among audits, and how their answers are kept.

What `handoff.exercises` decides is written down here: which past items there are, who has seen which, and
how well they judged.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

from handoff.errors import StorageError
from handoff.exercises import (
    BankAdded,
    Exercise,
    ExerciseAnswered,
    ExerciseLapsed,
    Exercises,
    ItemComing,
    Scored,
    Serve,
)
from handoff.policy import Policy
from handoff.ports import EventRecord, MachineRecord
from voice_hitl.call.journal import Journal, Ticket
from voice_hitl.clock import Clock
from voice_hitl.log import get_logger

log = get_logger(__name__)

SERVED_FOR = 180 * 86400.0  # seconds: who saw what is remembered as long


class PastItem(Protocol):
    """Something of the past whose right answer is known."""

    @property
    def key(self) -> str:
        """Its id in the bank."""

    @property
    def truth(self) -> str:
        """The right answer."""

    def is_known_to(self, operator_id: str) -> bool:
        """Whether they know it already, from when it was real."""

    def kept(self, wall: float) -> MachineRecord:
        """As it is stored."""


Item = TypeVar("Item", bound=PastItem)


class ExerciseBank(Generic[Item]):
    """The past items of one kind, whom they were served to, and their answers."""

    def __init__(
        self,
        policy: Policy,
        key: bytes,
        kept: Iterable[MachineRecord],
        read: Callable[[MachineRecord], Item],
        machine: str,
        served: str,
        clock: Clock,
        journal: Journal,
        minutes: Callable[[str], float],
        on_scored: Callable[[str, float, bool], None],
    ) -> None:
        """`key` makes the draws unforeseeable; `kept` is what the last run left: items, which are records of
        `machine` that `read` reads (it may raise `StorageError`), and whom they went to, records of `served`;
        `minutes` tells how long an operator has worked without a break; `on_scored` hears whose answer
        counted, those minutes, and whether it was right."""
        self._served = served
        self._clock = clock
        self._journal = journal
        self._minutes = minutes
        self._on_scored = on_scored
        self._past: dict[str, Item] = {}
        seen = []
        for record in kept:
            try:
                if record.machine == machine:
                    self._past[record.key] = read(record)
                else:
                    seen.append(_served(record))
            except StorageError:
                log.exception("an exercise of the last run is unreadable", key=record.key)
        bank = [Exercise(name, past.truth) for name, past in self._past.items()]
        self._exercises = Exercises(policy, key, bank, seen)

    def add(self, past: Item) -> Ticket:
        """Take an item in; once more with another answer replaces it."""
        self._past[past.key] = past
        self._exercises.handle(BankAdded(Exercise(past.key, past.truth)), self._clock.now())
        return self._journal.put(past.kept(self._clock.wall()))

    def drawn(self, operator_id: str) -> list[Serve]:
        """A real item is about to be shown to an operator: what comes first, if anything."""
        known = {name for name, past in self._past.items() if past.is_known_to(operator_id)}
        coming = ItemComing(operator_id, uuid.uuid4().hex, frozenset(known))
        self._exercises.handle(coming, self._clock.now())
        return [each for each in self._exercises.take_commands() if isinstance(each, Serve)]

    def serving(self, serve: Serve) -> tuple[Item, Ticket]:
        """The item to show, once it is stored who sees it."""
        record = MachineRecord(
            machine=self._served,
            key=serve.item_id,
            at=self._clock.wall(),
            state="served",
            open=False,
            detail={
                "operator_id": serve.operator_id,
                "exercise_id": serve.exercise.exercise_id,
            },
        )
        return self._past[serve.exercise.exercise_id], self._journal.put(record)

    def is_exercise(self, item_id: str) -> bool:
        """Whether something that was shown is one."""
        return self._exercises.is_exercise(item_id)

    def lapse(self, item_id: str) -> None:
        """Nobody answers it."""
        self._exercises.handle(ExerciseLapsed(item_id), self._clock.now())

    def score(self, item_id: str, operator_id: str, answer: str) -> Scored | None:
        """Keep an answer and what it is worth; None if it does not count."""
        told = ExerciseAnswered(item_id, operator_id, answer, self._minutes(operator_id))
        self._exercises.handle(told, self._clock.now())
        for command in self._exercises.take_commands():
            if isinstance(command, Scored):
                wall = self._clock.wall()
                self._journal.put(_answer_logged(command, wall), self._answer_kept(command, wall))
                self._on_scored(command.operator_id, command.minutes, command.right)
                return command
        return None

    def _answer_kept(self, scored: Scored, wall: float) -> MachineRecord:
        """Who saw what, and now what they said to it."""
        return MachineRecord(
            machine=self._served,
            key=scored.item_id,
            at=wall,
            state="answered",
            open=False,
            detail={
                "operator_id": scored.operator_id,
                "exercise_id": scored.exercise.exercise_id,
                "minutes": scored.minutes,
                "right": scored.right,
            },
        )


def answered(record: MachineRecord) -> tuple[str, float, bool] | None:
    """Of a kept exercise that was answered: by whom, how many minutes into their shift, whether rightly."""
    match record.detail:
        case {"operator_id": str() as by, "minutes": float() as minutes, "right": bool() as right}:
            return by, minutes, right
        case _:
            return None


def _answer_logged(scored: Scored, wall: float) -> EventRecord:
    """An answer for the audit log."""
    return EventRecord(
        event_id=uuid.uuid4().hex,
        at=wall,
        actor=scored.operator_id,
        action="exercise.answered",
        detail={
            "exercise_id": scored.exercise.exercise_id,
            "answer": scored.answer,
            "right": scored.right,
            "minutes": scored.minutes,
        },
    )


def _served(record: MachineRecord) -> Serve:
    """Who saw what in an earlier run, where nothing waits for an answer; raises `StorageError`."""
    exercise_id, operator_id = record.detail.get("exercise_id"), record.detail.get("operator_id")
    if not isinstance(exercise_id, str) or not isinstance(operator_id, str):
        raise StorageError("it does not say who saw what")
    return Serve(record.key, operator_id, Exercise(exercise_id, ""))
