"""The approvals of a whole server: finds whom an event concerns, keeps time, remembers what is over."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace

from handoff.approvals.approval import Approval
from handoff.approvals.messages import (
    Answered,
    ApprovalAsked,
    ApprovalCommand,
    ApprovalEvent,
    Audit,
    CallTakenOver,
    CandidatesChanged,
    ExecutionClaimed,
    ExecutionFinished,
    FollowUpDone,
    NotKept,
    ProposalWithdrawn,
    RefuseAnswer,
    RefuseClaim,
    ReviewerLeft,
    audit_of,
)
from handoff.approvals.table import step
from handoff.approvals.values import ApprovalRecord, Outcome, State, digest
from handoff.errors import ProtocolError
from handoff.events import CallOver, DeadlinePassed, ServerDraining
from handoff.oversight import Mode
from handoff.policy import Policy


class Gate:
    """All approvals; `now` is monotonic seconds, the same clock in every method."""

    __slots__ = ("_commands", "_done", "_draining", "_live", "_policy", "_undone")

    def __init__(self, policy: Policy) -> None:
        self._policy = policy.approvals
        self._live: dict[str, Approval] = {}
        self._done: OrderedDict[str, ApprovalRecord] = OrderedDict()
        self._undone: OrderedDict[str, ApprovalRecord] = OrderedDict()  # over, to be followed up
        self._commands: list[ApprovalCommand] = []
        self._draining = False

    @classmethod
    def reopened(cls, policy: Policy, records: Iterable[ApprovalRecord], now: float) -> Gate:
        """Rebuild after a stop from what was kept, in order; of one approval the last record counts.

        What was approved and not claimed was not done and will not be; what was claimed may have been done
        and is not done again. Both are left to a person. What is open stays open until its deadline, for
        anybody until candidates are sent, but silence consents to nothing: nobody could veto while the
        server was down. Send `CallOver` for every call that did not survive. Times are on the new clock:
        see `shifted`.
        """
        gate = cls(policy)
        for record in {record.approval_id: record for record in records}.values():
            approval = Approval(gate._policy, record)
            approval.reopen(now)
            gate._settle(approval)
        return gate

    # --- the machine ------------------------------------------------------------------------

    def handle(self, event: ApprovalEvent, now: float) -> None:
        """Take in one event; raises `ProtocolError` for an unknown type or an action out of the loop."""
        for approval in list(self._live.values()):
            if approval.record.due_at is not None and approval.record.due_at <= now:
                self._step(approval, DeadlinePassed(), now)
        match event:
            case ApprovalAsked():
                self._ask(event, now)
            case (
                CandidatesChanged()
                | Answered()
                | ExecutionClaimed()
                | ExecutionFinished()
                | ProposalWithdrawn()
                | NotKept()
                | FollowUpDone()
            ):
                self._tell_one(event, now)
            case CallOver() | CallTakenOver():
                for approval in list(self._live.values()):
                    if approval.record.call_id == event.call_id:
                        self._step(approval, event, now)
            case ReviewerLeft() | ServerDraining():
                self._draining = self._draining or isinstance(event, ServerDraining)
                for approval in list(self._live.values()):
                    self._step(approval, event, now)
            case DeadlinePassed():
                pass  # whatever is due has just been handled
            case _:
                raise ProtocolError(f"the approval gate does not know {type(event).__name__}")

    def next_deadline(self) -> float | None:
        """When to send `DeadlinePassed`, or None."""
        times = (approval.record.due_at for approval in self._live.values())
        return min((time for time in times if time is not None), default=None)

    def take_commands(self) -> list[ApprovalCommand]:
        """Hand out what has to be done since the last time, in order."""
        commands, self._commands = self._commands, []
        return commands

    # --- views ------------------------------------------------------------------------------

    def live(self) -> tuple[ApprovalRecord, ...]:
        """What is not over, oldest first."""
        return tuple(approval.record for approval in self._live.values())

    def follow_ups(self) -> tuple[ApprovalRecord, ...]:
        """What somebody must see to, oldest first."""
        return tuple(self._undone.values())

    def record(self, approval_id: str) -> ApprovalRecord | None:
        """An approval as it stands; None if it never was or is forgotten."""
        approval = self._find(approval_id)
        return approval.record if approval else None

    def reviewers(self, approval_id: str) -> tuple[str, ...]:
        """Who has it on screen, the first asked first."""
        approval = self._live.get(approval_id)
        return approval.reviewers if approval else ()

    # --- events -----------------------------------------------------------------------------

    def _ask(self, event: ApprovalAsked, now: float) -> None:
        proposal, verdict = event.proposal, event.verdict
        if verdict.mode is Mode.OUT:
            raise ProtocolError(f"action {proposal.action_id} is out of the loop: nobody is asked")
        known = self._find(event.approval_id)
        if known is not None:
            self._step(known, event, now)
            return
        half = now + verdict.seconds * self._policy.escalate
        record = ApprovalRecord(
            approval_id=event.approval_id,
            # copies: whatever happens to the agent's own arguments changes nothing here
            proposal=replace(proposal, arguments=dict(proposal.arguments)),
            mode=verdict.mode,
            risk=verdict.risk,
            reasons=verdict.reasons,
            arguments=dict(proposal.arguments),
            digest=digest(proposal.name, proposal.arguments),
            asked_at=now,
            escalate_at=half,
            deadline=now + verdict.seconds,
            due_at=half,
            silence_consents=verdict.mode is Mode.ON,
        )
        approval = Approval(self._policy, record, event.candidates)
        if self._draining:
            approval.close(Outcome.DRAINING, now)
        else:
            approval.open(now)
        self._settle(approval)

    def _tell_one(
        self,
        event: CandidatesChanged
        | Answered
        | ExecutionClaimed
        | ExecutionFinished
        | ProposalWithdrawn
        | NotKept
        | FollowUpDone,
        now: float,
    ) -> None:
        approval = self._find(event.approval_id)
        if approval is not None:
            self._step(approval, event, now)
        elif isinstance(event, Answered):
            self._commands.append(audit_of(event, "", "unknown"))
            self._commands.append(RefuseAnswer(event.approval_id, event.operator_id, "unknown"))
        elif isinstance(event, ExecutionClaimed):
            seen = event.digest
            self._commands.append(
                Audit(event.approval_id, "", "agent", "claim", False, "unknown", seen)
            )
            self._commands.append(RefuseClaim(event.approval_id, seen, "unknown"))

    # --- what the events share --------------------------------------------------------------

    def _find(self, approval_id: str) -> Approval | None:
        live = self._live.get(approval_id)
        if live is not None:
            return live
        record = self._undone.get(approval_id) or self._done.get(approval_id)
        return Approval(self._policy, record) if record else None

    def _step(self, approval: Approval, event: ApprovalEvent, now: float) -> None:
        step(approval, event, now)
        self._settle(approval)

    def _settle(self, approval: Approval) -> None:
        """Take its commands, and put it where it belongs now.

        Of those that are done with, the oldest is forgotten; none that somebody must still see to is.
        """
        self._commands += approval.take_commands()
        record = approval.record
        approval_id = record.approval_id
        if record.state is not State.CLOSED:
            self._live[approval_id] = approval
            return
        self._live.pop(approval_id, None)
        if record.needs_follow_up:
            self._undone[approval_id] = record
            return
        self._undone.pop(approval_id, None)
        self._done[approval_id] = record
        if len(self._done) > self._policy.remember:
            self._done.popitem(last=False)
