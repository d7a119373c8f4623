"""Calibration exercises among audits: past ones whose verdict a supervisor has confirmed, asked again.

An auditor who asks for the next thing to judge gets one instead of a real one, which waits as long. It
reaches no machine of audits and makes no label: what is learned is how well its auditor judges.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from handoff.audit import AuditItem, AuditorAnswers, AuditRecord
from handoff.errors import StorageError
from handoff.exercises import Serve
from handoff.policy import Policy
from handoff.ports import MachineRecord
from voice_hitl.call.exercise_bank import ExerciseBank
from voice_hitl.call.journal import Journal, Ticket
from voice_hitl.call.ports import WorkPort
from voice_hitl.clock import Clock

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

    @property
    def key(self) -> str:
        """Its id in the bank."""
        return self.record.item.audit_id

    def kept(self, wall: float) -> MachineRecord:
        """As it is stored."""
        return MachineRecord(
            machine=MACHINE,
            key=self.key,
            at=wall,
            state="kept",
            open=False,
            call_id=self.record.item.call_id,
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


@dataclass(slots=True)
class _Asked:
    operator_id: str
    item: AuditItem
    timer: asyncio.TimerHandle
    shown: bool = False


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
        """See `ExerciseBank`; `floor` is told who has one in hand."""
        self._lease = policy.audit.lease
        self._clock = clock
        self._journal = journal
        self._consoles = consoles
        self._floor = floor
        self._open: dict[str, _Asked] = {}
        self._bank = ExerciseBank(
            policy, key, kept, PastAudit.of, MACHINE, SERVED, clock, journal, minutes, on_scored
        )

    async def run(self) -> None:
        """Let what nobody answers lapse, until cancelled."""
        try:
            await asyncio.Event().wait()
        finally:
            for asked in self._open.values():
                asked.timer.cancel()

    def add(self, past: PastAudit) -> Ticket:
        """Take a past audit into the bank; once more with another verdict replaces it."""
        return self._bank.add(past)

    async def before(self, operator_id: str, *, real_waits: bool) -> bool:
        """Somebody asks for the next thing to judge; returns whether they got an exercise instead.

        `real_waits`: whether they would get a real one, for nothing else may look like one.
        """
        for asked in self._open.values():
            if asked.operator_id == operator_id:
                self._show(asked)
                return True
        if not real_waits:
            return False
        return any([await self._serve(serve) for serve in self._bank.drawn(operator_id)])

    def answered(self, event: AuditorAnswers) -> bool:
        """Take a verdict, if it is on an exercise; returns whether it was."""
        if not self._bank.is_exercise(event.audit_id):
            return False
        asked = self._open.get(event.audit_id)
        if asked is None or asked.operator_id != event.auditor_id:
            why = "lapsed" if asked is None else "not_yours"
            self._consoles.audit_over(event.auditor_id, event.audit_id, why)
        elif event.verdict == "unsure":  # says nothing about anybody
            self._lapse(event.audit_id, "answered")
        else:
            self._score(event)
        return True

    def left(self, operator_id: str) -> None:
        """Who is gone is asked nothing any more."""
        for item_id, asked in list(self._open.items()):
            if asked.operator_id == operator_id:
                self._lapse(item_id, "lapsed")

    # --- inside ---

    async def _serve(self, serve: Serve) -> bool:
        past, ticket = self._bank.serving(serve)
        item = replace(past.record.item, audit_id=serve.item_id, handled_by=())
        timer = asyncio.get_running_loop().call_later(
            self._lease, self._lapse, serve.item_id, "lapsed"
        )
        self._open[serve.item_id] = asked = _Asked(serve.operator_id, item, timer)  # at once
        stored = await self._journal.stored(ticket)  # who has seen what must be known
        if serve.item_id not in self._open:
            return True  # they have left meanwhile: there is nothing to show to anybody
        if not stored:
            self._lapse(serve.item_id, "lapsed")
            return False
        asked.shown = True
        self._floor.work_taken(serve.operator_id, serve.item_id, "audit")
        self._show(asked)
        return True

    def _show(self, asked: _Asked) -> None:
        seconds = max(0.0, asked.timer.when() - self._clock.now())
        self._consoles.audit_shown(asked.operator_id, asked.item, seconds)

    def _score(self, event: AuditorAnswers) -> None:
        scored = self._bank.score(event.audit_id, event.auditor_id, event.verdict)
        if scored is not None:
            self._close(event.audit_id, "exercise_right" if scored.right else "exercise_wrong")

    def _lapse(self, item_id: str, why: str) -> None:
        self._bank.lapse(item_id)
        self._close(item_id, why)

    def _close(self, item_id: str, why: str) -> None:
        asked = self._open.pop(item_id)
        asked.timer.cancel()
        if asked.shown:
            self._floor.work_done(asked.operator_id, item_id)
            self._consoles.audit_over(asked.operator_id, item_id, why)
