"""Calibration exercises among audits: past ones whose verdict a supervisor has confirmed, asked again.

An auditor who asks for the next thing to judge gets one instead of a real one, which waits as long. It
reaches no machine of audits and makes no label: what is learned is how well its auditor judges.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from handoff.audit import AuditItem, AuditorAnswers, AuditRecord
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
from handoff.ports import MachineRecord
from voice_hitl.call.exercising import answer_kept, answer_logged, served
from voice_hitl.call.journal import Journal, Ticket
from voice_hitl.call.ports import WorkPort
from voice_hitl.clock import Clock
from voice_hitl.log import get_logger

log = get_logger(__name__)

MACHINE = "audit_exercises"  # the bank
SERVED = "audit_exercises_served"
Truth = Literal["right", "wrong"]


class AuditExerciseConsole(Protocol):
    """The operators' consoles, as these exercises see them. Methods never block and never raise."""

    def audit_shown(self, operator_id: str, item: AuditItem | None, seconds: float) -> None:
        """What looks like any other thing to judge, and lapses in `seconds`."""

    def audit_over(self, operator_id: str, audit_id: str, reason: str) -> None:
        """It needs nothing from them; `reason` is exercise_right, exercise_wrong, lapsed or not_yours."""


@dataclass(frozen=True, slots=True)
class PastAudit:
    """An audit of the past with the verdict that was right."""

    record: AuditRecord
    truth: Truth

    def kept(self, wall: float) -> MachineRecord:
        """As it is stored."""
        item = self.record.item
        return MachineRecord(
            machine=MACHINE,
            key=item.audit_id,
            at=wall,
            state="kept",
            open=False,
            call_id=item.call_id,
            detail={"record": self.record.as_dict(), "truth": self.truth},
        )

    @classmethod
    def of(cls, record: MachineRecord) -> PastAudit:
        """Read what `kept` gave; raises `StorageError` for anything else."""
        match record.detail:
            case {"truth": "right" | "wrong" as truth, "record": dict() as values}:
                return cls(AuditRecord.from_dict(values), truth)
            case _:
                raise StorageError("an exercise among audits cannot be read back")

    def is_known_to(self, operator_id: str) -> bool:
        """Whether they judged it themselves, or had a part in its call."""
        return operator_id in (self.record.auditor, *self.record.item.handled_by)


@dataclass(frozen=True, slots=True)
class _Shown:
    operator_id: str
    item: AuditItem
    timer: asyncio.TimerHandle


class AuditExercises:
    """Owns the exercises among audits; `run` must be running while any are shown."""

    def __init__(
        self,
        policy: Policy,
        key: bytes,
        kept: Iterable[MachineRecord],
        clock: Clock,
        journal: Journal,
        consoles: AuditExerciseConsole,
        floor: WorkPort,
        minutes: Callable[[str], float],
        on_scored: Callable[[str, float, bool], None],
    ) -> None:
        """See `ExerciseService`; `floor` is told who has one in hand."""
        self._lease = policy.audit.lease
        self._clock = clock
        self._journal = journal
        self._consoles = consoles
        self._floor = floor
        self._minutes = minutes
        self._on_scored = on_scored
        self._bank: dict[str, PastAudit] = {}
        self._shown: dict[str, _Shown] = {}
        seen = []
        for record in kept:
            try:
                if record.machine == MACHINE:
                    self._bank[record.key] = PastAudit.of(record)
                else:
                    seen.append(served(record))
            except StorageError:
                log.exception("an exercise of the last run is unreadable", key=record.key)
        bank = [Exercise(key, past.truth) for key, past in self._bank.items()]
        self._exercises = Exercises(policy, key, bank, seen)

    async def run(self) -> None:
        """Let what nobody answers lapse, until cancelled."""
        try:
            await asyncio.Event().wait()
        finally:
            for shown in self._shown.values():
                shown.timer.cancel()

    def add(self, past: PastAudit) -> Ticket:
        """Take a past audit into the bank; once more with another verdict replaces it."""
        key = past.record.item.audit_id
        self._bank[key] = past
        self._exercises.handle(BankAdded(Exercise(key, past.truth)), self._clock.now())
        return self._journal.put(past.kept(self._clock.wall()))

    async def before(self, operator_id: str, *, real_waits: bool) -> bool:
        """Somebody asks for the next thing to judge; returns whether they got an exercise instead.

        `real_waits`: whether they would get a real one, for nothing else may look like one.
        """
        for shown in self._shown.values():
            if shown.operator_id == operator_id:
                self._show(shown)
                return True
        if not real_waits:
            return False
        self._exercises.handle(ItemComing(operator_id, uuid.uuid4().hex), self._clock.now())
        commands = [each for each in self._exercises.take_commands() if isinstance(each, Serve)]
        return any([await self._serve(command) for command in commands])

    def answered(self, event: AuditorAnswers) -> bool:
        """Take a verdict, if it is on an exercise; returns whether it was."""
        if not self._exercises.is_exercise(event.audit_id):
            return False
        shown = self._shown.get(event.audit_id)
        if shown is None or shown.operator_id != event.auditor_id:
            why = "lapsed" if shown is None else "not_yours"
            self._consoles.audit_over(event.auditor_id, event.audit_id, why)
        elif event.verdict == "unsure":  # says nothing about anybody
            self._lapse(event.audit_id, "answered")
        else:
            self._score(event)
        return True

    def left(self, operator_id: str) -> None:
        """Who is gone is asked nothing any more."""
        for item_id, shown in list(self._shown.items()):
            if shown.operator_id == operator_id:
                self._lapse(item_id, "lapsed")

    # --- inside ---

    async def _serve(self, serve: Serve) -> bool:
        past = self._bank[serve.exercise.exercise_id]
        detail = {"operator_id": serve.operator_id, "exercise_id": serve.exercise.exercise_id}
        ticket = self._journal.put(
            MachineRecord(
                SERVED, serve.item_id, self._clock.wall(), "served", open=False, detail=detail
            )
        )
        if past.is_known_to(serve.operator_id) or not await self._journal.stored(ticket):
            self._exercises.handle(ExerciseLapsed(serve.item_id), self._clock.now())
            return False
        item = replace(past.record.item, audit_id=serve.item_id, handled_by=())
        timer = asyncio.get_running_loop().call_later(
            self._lease, self._lapse, serve.item_id, "lapsed"
        )
        self._shown[serve.item_id] = shown = _Shown(serve.operator_id, item, timer)
        self._floor.work_taken(serve.operator_id, serve.item_id, "audit")
        self._show(shown)
        return True

    def _show(self, shown: _Shown) -> None:
        seconds = max(0.0, shown.timer.when() - self._clock.now())
        self._consoles.audit_shown(shown.operator_id, shown.item, seconds)

    def _score(self, event: AuditorAnswers) -> None:
        minutes, now = self._minutes(event.auditor_id), self._clock.now()
        told = ExerciseAnswered(event.audit_id, event.auditor_id, event.verdict, minutes)
        self._exercises.handle(told, now)
        for command in self._exercises.take_commands():
            if isinstance(command, Scored):
                wall = self._clock.wall()
                self._journal.put(answer_logged(command, wall), answer_kept(command, wall, SERVED))
                self._on_scored(command.operator_id, command.minutes, command.right)
                self._close(event.audit_id, "exercise_right" if command.right else "exercise_wrong")

    def _lapse(self, item_id: str, why: str) -> None:
        self._exercises.handle(ExerciseLapsed(item_id), self._clock.now())
        self._close(item_id, why)

    def _close(self, item_id: str, why: str) -> None:
        shown = self._shown.pop(item_id)
        shown.timer.cancel()
        self._floor.work_done(shown.operator_id, item_id)
        self._consoles.audit_over(shown.operator_id, item_id, why)
