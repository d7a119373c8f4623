"""The approval gate's shell: keeps its records, asks operators, answers calls.

What the gate wants is carried out in order, and a record is stored before anything that follows from it: an
answer that somebody was told of survives the death of this process.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from handoff import approvals as said
from handoff.errors import StorageError
from handoff.events import DeadlinePassed
from handoff.labels import Label, of_approval
from handoff.learning import answer_of
from handoff.oversight import Proposal, Verdict
from handoff.policy import Policy
from handoff.ports import EventRecord, MachineRecord
from voice_hitl.call.inbox import GateSaid
from voice_hitl.call.journal import Journal, Ticket
from voice_hitl.call.masking import masked_approval, masked_values, unmasked_values
from voice_hitl.call.ports import Told, WorkPort
from voice_hitl.call.proposals import not_begun
from voice_hitl.call.service import MachineService
from voice_hitl.clock import Clock
from voice_hitl.log import get_logger

log = get_logger(__name__)

MACHINE = "approvals"
SEEN_TO_WITHIN = 5.0  # seconds that whoever reports a follow-up done waits for the gate
UNSTAFFED = (
    5.0  # seconds for somebody to come free where nobody is: a caller does not wait for no one
)

REFUSALS = (said.Outcome.REJECTED, said.Outcome.RESPONDED)
"""Answers that end an approval: they are thanked for and passed on once they are stored."""

ENDS = (said.ExecutionFinished, said.ProposalWithdrawn, said.CallTakenOver)
"""What a call tells at the end of a proposal: the gate must not miss it."""


class ApprovalConsole(Protocol):
    """The operators' consoles, as the gate sees them. Methods never block and never raise."""

    def approval_asked(self, ask: said.Show, seconds: float) -> None:
        """Show an approval that expires in `seconds`."""

    def approval_over(self, operator_id: str, approval_id: str, why: str) -> None:
        """An approval is no longer theirs to answer; `why` is its status, or left."""

    def answer_taken(self, operator_id: str, approval_id: str, status: str) -> None:
        """Their answer counts."""

    def answer_refused(self, operator_id: str, approval_id: str, why: str) -> None:
        """Their answer does not count; `why` is a code of `handoff.approvals` `WHY_NOT`."""


class ExercisePort(Protocol):
    """Exercises among approvals, as the gate's shell sees them."""

    async def before(self, real: said.Show) -> None:
        """A real approval is about to be shown."""

    def answered(self, event: said.Answered) -> bool:
        """Take an answer, if it is to an exercise; returns whether it was."""


class ApprovalService(MachineService[said.ApprovalEvent, said.ApprovalCommand]):
    """Owns the gate."""

    def __init__(
        self,
        gate: said.Gate,
        clock: Clock,
        journal: Journal,
        consoles: ApprovalConsole,
        find_call: Callable[[str], Told[GateSaid] | None],
        floor: WorkPort,
        exercises: ExercisePort,
        on_kept: Callable[[said.ApprovalRecord], None],
    ) -> None:
        """`floor` names who may be asked and is told who has what in hand; `on_kept` hears of each record."""
        super().__init__(gate, clock, wake=DeadlinePassed())
        self.gate = gate
        self._journal = journal
        self._consoles = consoles
        self._find_call = find_call
        self._floor = floor
        self._exercises = exercises
        self._on_kept = on_kept
        self._turns: dict[str, int] = {}  # of approvals that nobody has answered
        self._unkept: set[str] = set()  # nothing of these may be done, passed on or thanked for
        self._withheld: set[str] = set()  # those that stay so: `NotKept` is on its way
        self._seen_to: dict[str, asyncio.Future[bool]] = {}  # follow-ups that somebody reports done

    def post(self, event: said.ApprovalEvent) -> None:
        """Tell the gate something; it never hears of answers to exercises."""
        if not (isinstance(event, said.Answered) and self._exercises.answered(event)):
            if isinstance(event, ENDS):
                self.post_always(event)
            else:
                super().post(event)

    # --- for calls ---

    def ask(self, proposal: Proposal, verdict: Verdict, turn: int) -> str:
        """Ask for an approval; returns its id. The answer comes to the call as `GateSaid`.

        `turn` is the caller's turn that the proposal answers, for the labels that are drawn from the answer.
        """
        approval_id = uuid.uuid4().hex
        self._turns[approval_id] = turn
        self.post(said.ApprovalAsked(approval_id, proposal, verdict))
        return approval_id

    def presence(self, operator_id: str, presence: str) -> None:
        """An operator came, went or took a call: whoever is free now may be asked."""
        if presence in ("away", "break", "gone", "in_call"):
            self.post(said.ReviewerLeft(operator_id))
        for record in self.gate.live():
            self.post(said.CandidatesChanged(record.approval_id, ()))

    # --- for who sees to what is left ---

    async def followed_up(self, approval_id: str, by: str) -> bool:
        """Somebody has seen to what was left of an approval; returns whether that is stored, in a few
        seconds."""
        self.post(said.FollowUpDone(approval_id, by))
        stored = self._seen_to.setdefault(approval_id, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(SEEN_TO_WITHIN):
                return await asyncio.shield(stored)
        except TimeoutError:
            return False
        finally:
            self._seen_to.pop(approval_id, None)

    # --- carrying out ---

    async def _before(self, event: said.ApprovalEvent) -> said.ApprovalEvent:
        """Say who may be asked: those who are there when the gate hears of it, not when it was posted; and
        what an answer means by numbers that its operator was shown hidden."""
        if isinstance(event, said.Answered):
            return self._as_meant(event)
        if not isinstance(event, said.ApprovalAsked | said.CandidatesChanged):
            return event
        candidates = self._floor.free()
        if isinstance(event, said.CandidatesChanged):
            return replace(event, candidates=candidates)
        seconds = event.verdict.seconds if candidates else min(event.verdict.seconds, UNSTAFFED)
        verdict = replace(event.verdict, seconds=seconds)
        return replace(event, verdict=verdict, candidates=candidates)

    def _as_meant(self, event: said.Answered) -> said.Answered:
        known = self.gate.record(event.approval_id)
        if known is None or not isinstance(event.answer, said.ApproveEdited):
            return event
        sensitive = known.proposal.sensitive
        meant = unmasked_values(event.answer.arguments, known.arguments, sensitive)
        return replace(event, answer=said.ApproveEdited(meant))

    async def _carry_out(self, command: said.ApprovalCommand) -> None:
        match command:
            case said.Keep(record):
                ticket = self._journal.put(self._kept(record))
                self._journal.put(*self._labels(record))
                self._on_kept(record)
                await self._see_whether_stored(record, ticket)
            case said.Audit():
                self._journal.put(self._logged(command))
            case said.Show(record=record):
                await self._exercises.before(command)
                self._consoles.approval_asked(command, record.deadline - self._clock.now())
                self._floor.work_taken(command.operator_id, command.approval_id, "approval")
            case said.Hide():
                self._floor.work_done(command.operator_id, command.approval_id)
                self._consoles.approval_over(command.operator_id, command.approval_id, command.why)
            case said.Acknowledge() if command.approval_id in self._unkept:
                self._floor.work_done(command.operator_id, command.approval_id)
                interrupted = said.Outcome.INTERRUPTED.value
                self._consoles.approval_over(command.operator_id, command.approval_id, interrupted)
                known = self.gate.record(command.approval_id)
                if known is None or known.state is said.State.CLOSED:  # a no: all of it is told
                    self._unkept.discard(command.approval_id)
            case said.Acknowledge():  # whoever decided is not told that it is over, but thanked
                self._floor.work_done(command.operator_id, command.approval_id)
                self._consoles.answer_taken(
                    command.operator_id, command.approval_id, command.status
                )
            case said.RefuseAnswer():
                self._consoles.answer_refused(command.operator_id, command.approval_id, command.why)
            case said.Permit() | said.Execute() if command.approval_id in self._unkept:
                self._withheld.add(command.approval_id)
                self.post_always(said.NotKept(command.approval_id))
            case said.TellAgent() if command.approval_id in self._unkept:
                call = self._find_call(command.call_id)
                if call is not None:
                    interrupted_too = replace(command, outcome=said.Outcome.INTERRUPTED, words="")
                    call.post(GateSaid(interrupted_too))
            case said.Permit() | said.Execute() | said.TellAgent() | said.TellCaller():
                call = self._find_call(command.call_id)
                if call is not None:
                    call.post(GateSaid(command))
                elif isinstance(command, said.Execute):
                    for event in not_begun(command):
                        self.post_always(event)
            case said.RefuseClaim(approval_id=approval_id):
                known = self.gate.record(approval_id)
                call = self._find_call(known.call_id) if known else None
                if call is not None:
                    call.post(GateSaid(command))
            case said.FollowUp():
                pass  # kept with its record; consoles read the list

    async def _see_whether_stored(self, record: said.ApprovalRecord, ticket: Ticket) -> None:
        approval_id = record.approval_id
        stored = await self._journal.stored(ticket)
        seen_to = self._seen_to.get(approval_id)
        if record.followed_up_by and seen_to is not None and not seen_to.done():
            seen_to.set_result(stored)
        if record.state is said.State.CLOSED:
            self._withheld.discard(approval_id)
            if record.outcome in REFUSALS and not stored:
                self._unkept.add(approval_id)  # until its operator is told
            else:
                self._unkept.discard(approval_id)
        elif not stored:
            self._unkept.add(approval_id)
        elif approval_id not in self._withheld:
            self._unkept.discard(approval_id)

    def _kept(self, record: said.ApprovalRecord) -> MachineRecord:
        wall = self._clock.wall()
        needed = record.state is not said.State.CLOSED or record.needs_follow_up
        kept = masked_approval(record)
        return MachineRecord(
            machine=MACHINE,
            key=record.approval_id,
            at=wall,
            state=record.status,
            open=needed,
            call_id=record.call_id,
            detail=kept.shifted(wall - self._clock.now()).as_dict(),
        )

    def _labels(self, record: said.ApprovalRecord) -> tuple[Label, ...]:
        """What a person's answer says of the AI's work, once; time-outs say nothing."""
        if not record.by and record.state is not said.State.CLOSED:
            return ()
        turn = self._turns.pop(record.approval_id, None)
        answer = None if turn is None else answer_of(record, turn, self._clock.wall())
        return () if answer is None else of_approval(answer)

    def _logged(self, audit: said.Audit) -> EventRecord:
        known = self.gate.record(audit.approval_id)
        sensitive = () if known is None else known.proposal.sensitive
        detail: Mapping[str, Any] = {
            "approval_id": audit.approval_id,
            "counted": audit.counted,
            "why": audit.why,
            "digest": audit.digest,
            **masked_values(audit.detail, sensitive),
        }
        return EventRecord(
            event_id=uuid.uuid4().hex,
            at=self._clock.wall(),
            actor=audit.actor,
            action=f"approval.{audit.action}",
            call_id=audit.call_id,
            detail=detail,
        )


def reopened_gate(policy: Policy, records: Iterable[MachineRecord], clock: Clock) -> said.Gate:
    """The gate as the last run of the server left it; a record that cannot be read is logged and left."""
    shift = clock.now() - clock.wall()
    kept = []
    for record in records:
        try:
            kept.append(said.ApprovalRecord.from_dict(record.detail).shifted(shift))
        except StorageError:
            log.exception("an approval of the last run is unreadable", key=record.key)
    return said.Gate.reopened(policy, kept, clock.now())
