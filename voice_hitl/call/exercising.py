"""Calibration exercises among approvals: past ones whose answer a supervisor has confirmed, asked again.

An exercise is shown right before a real approval, to the same operator and for as long. It holds nothing up,
reaches no gate and no call, and is never carried out; what is learned is how well its operator judges.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from handoff import approvals as said
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
from handoff.oversight import Mode
from handoff.policy import Policy
from handoff.ports import EventRecord, MachineRecord
from voice_hitl.call.journal import Journal, Ticket
from voice_hitl.clock import Clock
from voice_hitl.log import get_logger

log = get_logger(__name__)

MACHINE = "exercises"  # the bank
SERVED = "exercises_served"
SERVED_FOR = 180 * 86400.0  # seconds: who saw what is remembered as long
LEFT = ("away", "break", "gone", "in_call")  # presences of who answers nothing
APPROVE, OTHERWISE = "approve", "reject"  # known answers: as proposed, or anything else


class ExerciseConsole(Protocol):
    """The operators' consoles, as exercises see them. Methods never block and never raise."""

    def exercise_asked(self, ask: said.Show, seconds: float, caller: str) -> None:
        """Show what looks like any other approval, and expires in `seconds`."""

    def exercise_over(self, operator_id: str, approval_id: str, right: bool | None) -> None:
        """It was an exercise; whether the answer agrees with the known one, None: nobody answered."""

    def answer_refused(self, operator_id: str, approval_id: str, why: str) -> None:
        """An answer does not count; `why` is a code of `handoff.approvals` `WHY_NOT`."""


@dataclass(frozen=True, slots=True)
class Past:
    """An approval of the past with its known answer."""

    record: said.ApprovalRecord
    truth: str  # `APPROVE` or `OTHERWISE`
    caller: str

    def kept(self, wall: float) -> MachineRecord:
        """As it is stored."""
        return MachineRecord(
            machine=MACHINE,
            key=self.record.approval_id,
            at=wall,
            state="kept",
            call_id=self.record.call_id,
            detail={
                "record": self.record.as_dict(),
                "truth": self.truth,
                "caller": self.caller,
            },
        )

    @classmethod
    def of(cls, record: MachineRecord) -> Past:
        """Read what `kept` gave; raises `StorageError` for anything else."""
        detail = record.detail
        try:
            past = said.ApprovalRecord.from_dict(detail["record"])
            return cls(past, str(detail["truth"]), str(detail["caller"]))
        except (KeyError, TypeError) as error:
            raise StorageError(f"an exercise cannot be read back: {error}") from error


@dataclass(frozen=True, slots=True)
class _Asked:
    ask: said.Show
    timer: asyncio.TimerHandle


class ExerciseService:
    """Owns the exercises; `run` must be running while any are asked."""

    def __init__(
        self,
        policy: Policy,
        key: bytes,
        kept: Iterable[MachineRecord],
        clock: Clock,
        journal: Journal,
        consoles: ExerciseConsole,
        minutes: Callable[[str], float],
        on_scored: Callable[[str, float, bool], None],
    ) -> None:
        """`key` makes the draws unforeseeable; `kept` is what the last run left, of both machines;
        `minutes` tells how long an operator has worked without a break; `on_scored` hears whose answer
        counted, those minutes, and whether it was right."""
        self._clock = clock
        self._journal = journal
        self._consoles = consoles
        self._minutes = minutes
        self._bank: dict[str, Past] = {}
        self._open: dict[str, _Asked] = {}
        self._on_scored = on_scored
        seen = []
        for record in kept:
            try:
                if record.machine == MACHINE:
                    self._bank[record.key] = Past.of(record)
                else:
                    seen.append(served(record))
            except StorageError:
                log.exception("an exercise of the last run is unreadable", key=record.key)
        bank = [_exercise(past) for past in self._bank.values()]
        self._exercises = Exercises(policy, key, bank, seen)

    async def run(self) -> None:
        """Let what nobody answers lapse, until cancelled."""
        try:
            await asyncio.Event().wait()
        finally:
            for asked in self._open.values():
                asked.timer.cancel()

    def add(self, past: Past) -> Ticket:
        """Take a past approval into the bank; once more with another answer replaces it."""
        self._bank[past.record.approval_id] = past
        self._exercises.handle(BankAdded(_exercise(past)), self._clock.now())
        return self._journal.put(past.kept(self._clock.wall()))

    async def before(self, real: said.Show) -> None:
        """A real approval is about to be shown: an exercise may come first."""
        if real.second:
            return  # the first has let half the time pass: this one is in a hurry
        coming = ItemComing(real.operator_id, uuid.uuid4().hex)
        self._exercises.handle(coming, self._clock.now())
        for command in self._exercises.take_commands():
            if isinstance(command, Serve):
                await self._serve(command, real)

    def answered(self, event: said.Answered) -> bool:
        """Take an answer, if it is to an exercise; returns whether it was."""
        if not self._exercises.is_exercise(event.approval_id):
            return False
        asked = self._open.get(event.approval_id)
        if asked is None or asked.ask.operator_id != event.operator_id:
            why = "late" if asked is None else "not_yours"
            self._consoles.answer_refused(event.operator_id, event.approval_id, why)
        elif event.digest != asked.ask.record.digest:
            self._consoles.answer_refused(event.operator_id, event.approval_id, "stale_digest")
        else:
            self._score(event)
        return True

    def presence(self, operator_id: str, presence: str) -> None:
        """Who is no longer there to answer is asked nothing."""
        if presence in LEFT:
            for approval_id, asked in list(self._open.items()):
                if asked.ask.operator_id == operator_id:
                    self._lapse(approval_id)

    # --- inside ---

    async def _serve(self, serve: Serve, real: said.Show) -> None:
        past = self._bank[serve.exercise.exercise_id]
        ticket = self._journal.put(
            MachineRecord(
                machine=SERVED,
                key=serve.item_id,
                at=self._clock.wall(),
                state="served",
                open=False,
                detail={
                    "operator_id": serve.operator_id,
                    "exercise_id": serve.exercise.exercise_id,
                },
            )
        )
        if not await self._journal.stored(ticket):  # who has seen what must be known
            self._exercises.handle(ExerciseLapsed(serve.item_id), self._clock.now())
            return
        record = _as_new(past.record, serve.item_id, real.record)
        ask = said.Show(serve.item_id, serve.operator_id, record, second=False)
        seconds = max(0.0, record.deadline - self._clock.now())
        timer = asyncio.get_running_loop().call_later(seconds, self._lapse, serve.item_id)
        self._open[serve.item_id] = _Asked(ask, timer)
        self._consoles.exercise_asked(ask, seconds, past.caller)

    def _score(self, event: said.Answered) -> None:
        answer = APPROVE if isinstance(event.answer, said.Approve) else OTHERWISE
        minutes = self._minutes(event.operator_id)
        told = ExerciseAnswered(event.approval_id, event.operator_id, answer, minutes)
        self._exercises.handle(told, self._clock.now())
        self._close(event.approval_id)
        for command in self._exercises.take_commands():
            if isinstance(command, Scored):
                wall = self._clock.wall()
                self._journal.put(answer_logged(command, wall), answer_kept(command, wall))
                self._on_scored(command.operator_id, command.minutes, command.right)
                self._consoles.exercise_over(command.operator_id, command.item_id, command.right)

    def _lapse(self, approval_id: str) -> None:
        self._exercises.handle(ExerciseLapsed(approval_id), self._clock.now())
        asked = self._close(approval_id)
        self._consoles.exercise_over(asked.ask.operator_id, approval_id, None)

    def _close(self, approval_id: str) -> _Asked:
        asked = self._open.pop(approval_id)
        asked.timer.cancel()
        return asked


def answer_kept(scored: Scored, wall: float, machine: str = SERVED) -> MachineRecord:
    """Who saw what, and now what they said to it."""
    return MachineRecord(
        machine=machine,
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


def answer_logged(scored: Scored, wall: float) -> EventRecord:
    """The same for the audit log."""
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


def _exercise(past: Past) -> Exercise:
    return Exercise(past.record.approval_id, past.truth)


def served(record: MachineRecord) -> Serve:
    """Who saw what in an earlier run, where nothing waits for an answer; raises `StorageError`."""
    exercise_id, operator_id = record.detail.get("exercise_id"), record.detail.get("operator_id")
    if not isinstance(exercise_id, str) or not isinstance(operator_id, str):
        raise StorageError("it does not say who saw what")
    return Serve(record.key, operator_id, Exercise(exercise_id, OTHERWISE))


def answered(record: MachineRecord) -> tuple[str, float, bool] | None:
    """Of a kept exercise that was answered: by whom, how many minutes into their shift, whether rightly."""
    match record.detail:
        case {"operator_id": str() as by, "minutes": float() as minutes, "right": bool() as right}:
            return by, minutes, right
        case _:
            return None


def _as_new(
    past: said.ApprovalRecord, approval_id: str, real: said.ApprovalRecord
) -> said.ApprovalRecord:
    """A past approval as it was first asked, with the times of a real one."""
    proposal = past.proposal
    return replace(
        past,
        approval_id=approval_id,
        arguments=dict(proposal.arguments),
        digest=said.digest(proposal.name, proposal.arguments),
        asked_at=real.asked_at,
        escalate_at=real.escalate_at,
        deadline=real.deadline,
        due_at=real.due_at,
        silence_consents=past.mode is Mode.ON,
        state=said.State.OPEN,
        outcome=None,
        by="",
        decided_at=None,
        closed_at=None,
        words="",
        follow_up=False,
        followed_up_by="",
    )
