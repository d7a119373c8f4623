"""Where people work: the floor, the approval gate and whatever else all calls share with people.

Each part is a machine of `handoff` in a shell of its own; here they are put together and told of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from handoff.approvals import ApprovalRecord
from handoff.audit import AuditItem, AuditorLeft
from handoff.commands import AuditCleared
from handoff.desk import Desk
from handoff.events import CallOver, HandoffRequested, ServerDraining
from handoff.policy import Policy
from handoff.ports import MachineRecord, Store
from handoff.supervision import FloorSeen, Supervision
from voice_hitl.call import (
    approving,
    auditing,
    board,
    caring,
    costs,
    exercise_bank,
    exercising,
    exercising_audits,
    floor,
    promising,
    reviewing,
)
from voice_hitl.call.approving import ApprovalConsole, ApprovalService
from voice_hitl.call.auditing import AuditConsole, AuditService
from voice_hitl.call.board import BoardService
from voice_hitl.call.caring import CareConsole, CareService
from voice_hitl.call.costs import CostService
from voice_hitl.call.exercising import ExerciseConsole, ExerciseService
from voice_hitl.call.exercising_audits import AuditExercises
from voice_hitl.call.floor import FloorService
from voice_hitl.call.journal import Journal
from voice_hitl.call.ports import ConsolePort
from voice_hitl.call.reviewing import ReviewConsole, ReviewService
from voice_hitl.call.runner import CallRunner
from voice_hitl.call.supervising import FiguresConsole, FiguresService
from voice_hitl.clock import Clock


@dataclass(frozen=True, slots=True)
class Screens:
    """What each of these shows on the operators' consoles."""

    floor: ConsolePort
    care: CareConsole
    approvals: ApprovalConsole
    exercises: ExerciseConsole
    reviews: ReviewConsole
    audits: AuditConsole
    figures: FiguresConsole


@dataclass(frozen=True, slots=True)
class Kept:
    """What an earlier run of the server left to go on with."""

    last_epoch: int = 0
    approvals: tuple[MachineRecord, ...] = ()
    reviews: tuple[MachineRecord, ...] = ()
    audits: tuple[MachineRecord, ...] = ()
    board: tuple[MachineRecord, ...] = ()
    callbacks: tuple[MachineRecord, ...] = ()
    care: tuple[MachineRecord, ...] = ()
    budget: tuple[MachineRecord, ...] = ()
    exercises: tuple[MachineRecord, ...] = ()
    audit_exercises: tuple[MachineRecord, ...] = ()

    @classmethod
    async def of(cls, store: Store, wall: float) -> Kept:
        """Read it from the store; `wall` is the time in Unix seconds."""
        last = await store.machine_records(auditing.LAST)
        lately = await store.machine_records(board.MACHINE, since=wall - board.KEEP_SECONDS)
        epochs = await store.machine_records(floor.MACHINE)
        care = await store.machine_records(caring.MACHINE, since=wall - caring.KEPT_FOR)
        seen_since = wall - exercise_bank.SERVED_FOR
        served = await store.machine_records(exercising.SERVED, since=seen_since)
        audits_bank = await store.machine_records(exercising_audits.MACHINE)
        audits_served = await store.machine_records(exercising_audits.SERVED, since=seen_since)
        return cls(
            last_epoch=max(await store.last_epoch(), floor.last_epoch(epochs)),
            approvals=tuple(await store.machine_records(approving.MACHINE, open_only=True)),
            reviews=tuple(await store.machine_records(reviewing.MACHINE, open_only=True)),
            audits=(*last, *await store.machine_records(auditing.MACHINE, open_only=True)),
            board=(*await store.machine_records(board.MACHINE, open_only=True), *lately),
            callbacks=tuple(await store.machine_records(promising.MACHINE, open_only=True)),
            care=tuple(care),
            budget=tuple(await store.machine_records(costs.MACHINE)),
            exercises=(*await store.machine_records(exercising.MACHINE), *served),
            audit_exercises=(*audits_bank, *audits_served),
        )


class Workplace:
    """All that people work at.

    The floor and the parts beside it each need the other: where the floor has news for them it tells the
    workplace, which knows them all.
    """

    def __init__(
        self,
        policy: Policy,
        clock: Clock,
        journal: Journal,
        screens: Screens,
        find_call: Callable[[str], CallRunner | None],
        key: bytes,
        intents: Mapping[str, str],
        kept: Kept = Kept(),
    ) -> None:
        """`key`: secret bytes that decide what is sampled. `intents`: what callers come for, with a label."""
        self._policy, self._clock = policy, clock
        care = caring.reopened_care(policy, kept.care, clock)
        desk = Desk(
            policy,
            clock.now(),
            last_epoch=kept.last_epoch,
            care=care,
            callbacks=promising.reopened_callbacks(kept.callbacks, clock),
            sample_key=key,
        )
        self.care = CareService(care, clock, journal, screens.care, self._care_changed)
        budget = costs.reopened_budget(policy, kept.budget)
        self.costs = CostService(policy, desk, budget, clock, journal, find_call)
        self.floor = FloorService(
            desk,
            clock,
            journal,
            screens.floor,
            find_call,
            self.care,
            self.costs,
            self._presence_changed,
            self._cleared,
        )
        self.board = BoardService(board.reopened_board(kept.board, clock), clock, journal)
        reviews = reviewing.reopened_reviews(policy, key, kept.reviews, clock)
        self.reviews = ReviewService(
            reviews, clock, journal, screens.reviews, find_call, self.floor, intents
        )
        self.figures = FiguresService(
            Supervision(policy, clock.now()),
            clock,
            journal,
            screens.figures,
            self._floor_seen,
            self.costs.tell_budget,
        )
        journal.on_put = self.figures.kept
        self.audit_exercises = AuditExercises(
            policy,
            key,
            kept.audit_exercises,
            clock,
            journal,
            screens.audits,
            self.floor,
            self._minutes_on_shift,
            self.figures.scored,
        )
        audits = auditing.reopened_audits(policy, key, kept.audits)
        self.audits = AuditService(
            audits,
            clock,
            journal,
            screens.audits,
            lambda call_id: find_call(call_id) is not None,
            self.floor,
            self.audit_exercises,
        )
        self.exercises = ExerciseService(
            policy,
            key,
            kept.exercises,
            clock,
            journal,
            screens.exercises,
            self._minutes_on_shift,
            self.figures.scored,
        )
        gate = approving.reopened_gate(policy, kept.approvals, clock)
        self.approvals = ApprovalService(
            gate,
            clock,
            journal,
            screens.approvals,
            find_call,
            self.floor,
            self.exercises,
            self.approval_kept,
        )
        for event in board.of_the_last_run(self.board.board, (r.key for r in kept.approvals)):
            self.board.post(event)
        for record in gate.live():  # no call survives the end of its server
            self.approvals.post(CallOver(record.call_id))

    def services(self) -> list[Coroutine[Any, Any, None]]:
        """What must run beside the calls, each in a task of its own; stop them in reverse."""
        return [
            self.figures.run(),
            self.exercises.run(),
            self.audit_exercises.run(),
            self.board.run(),
            self.reviews.run(),
            self.audits.run(),
            self.approvals.run(),
            self.costs.run(),
            self.care.run(),
            self.floor.run(),
        ]

    def _care_changed(self) -> None:
        self.floor.wake()

    def _presence_changed(self, operator_id: str, presence: str) -> None:
        self.approvals.presence(operator_id, presence)
        self.figures.presence(operator_id, presence)
        self.exercises.presence(operator_id, presence)
        if presence == "gone":
            self.audit_exercises.left(operator_id)
            self.audits.post_always(AuditorLeft(operator_id))

    def _minutes_on_shift(self, operator_id: str) -> float:
        return self.care.care.minutes_on_shift(operator_id, self._clock.now())

    def _cleared(self, drawn: AuditCleared, request: HandoffRequested) -> None:
        """What triage left to the AI is looked at as what the AI decided alone is."""
        item = AuditItem(
            audit_id=f"{drawn.call_id}:cleared:{drawn.request}",
            kind="decision",
            call_id=drawn.call_id,
            turn=request.decision.turn,
            path="automatic",
            category=request.category,
            risk=request.decision.risk,
            summary=f"Triage left this to the AI, score {drawn.score:.0f}: {request.brief.why}",
        )
        self.audits.referred(item, drawn.propensity)

    def _floor_seen(self) -> FloorSeen:
        rules = self._policy.care
        overdue = [
            operator
            for operator in self.floor.desk.operators()
            if operator.call_id is not None
            and self._minutes_on_shift(operator.operator_id) >= rules.work_minutes
        ]
        waiting = sum(waiting.is_call for waiting in self.floor.desk.waiting())
        return FloorSeen(waiting, len(overdue) if rules.enabled else 0)

    def approval_kept(self, record: ApprovalRecord) -> None:
        """An approval stands differently."""
        self.board.approval_kept(record)
        if record.by:
            self.audits.handled_by(record.call_id, record.by)

    def call_over(self, call_id: str) -> None:
        """A call has ended, however it ended."""
        self.floor.call_over(call_id)
        over = CallOver(call_id)
        self.approvals.post_always(over)
        self.reviews.post_always(over)
        self.audits.call_over(call_id)
        self.board.post_always(over)

    def drain(self) -> None:
        """The server is stopping: nobody is called or asked any more."""
        self.floor.post_always(ServerDraining())
        self.approvals.post_always(ServerDraining())
        self.reviews.post_always(ServerDraining())
