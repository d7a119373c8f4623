"""One approval: who is asked, whose answer counts, what may be carried out, once.

What is done; `handoff.approvals.table` says when.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from handoff.approvals.messages import (
    Acknowledge,
    Answered,
    ApprovalAsked,
    ApprovalCommand,
    Audit,
    CallTakenOver,
    CandidatesChanged,
    Execute,
    ExecutionClaimed,
    ExecutionFinished,
    FollowUp,
    FollowUpDone,
    Hide,
    Keep,
    NotKept,
    Permit,
    ProposalWithdrawn,
    RefuseAnswer,
    RefuseClaim,
    ReviewerLeft,
    Show,
    TellAgent,
    TellCaller,
    audit_of,
)
from handoff.approvals.values import (
    ENDINGS,
    ApprovalRecord,
    Approve,
    ApproveEdited,
    Notice,
    Outcome,
    Reject,
    Respond,
    State,
    digest,
)
from handoff.events import CallOver, DeadlinePassed, ServerDraining
from handoff.policy.approvals import ApprovalsPolicy

SEATS: Mapping[State, int] = {State.OPEN: 1, State.ESCALATED: 2}  # how many are asked at once


class Approval:
    """One approval; time is an argument, commands are handed out in order."""

    __slots__ = (
        "_caller_gone",
        "_candidates",
        "_commands",
        "_person_has_call",
        "_policy",
        "_reviewers",
        "record",
    )

    def __init__(
        self, policy: ApprovalsPolicy, record: ApprovalRecord, candidates: Iterable[str] = ()
    ) -> None:
        self.record = record
        self._policy = policy
        self._candidates = list(dict.fromkeys(candidates))
        self._reviewers: dict[str, float] = {}  # who has it on screen, since when
        self._caller_gone = False
        self._person_has_call = False
        self._commands: list[ApprovalCommand] = []

    @property
    def reviewers(self) -> tuple[str, ...]:
        """Who has it on screen, the first asked first."""
        return tuple(self._reviewers)

    def open(self, now: float) -> None:
        """Begin: keep it, tell the caller where that takes time, ask the first reviewer."""
        self._do(Keep(self.record))
        if not self.record.silence_consents:
            self._do(TellCaller(self.record.approval_id, self.record.call_id, Notice.CHECKING))
        self._fill_seats(now)

    def reopen(self, now: float) -> None:
        """Go on after a stop of the server: see `Gate.reopened`."""
        record = self.record
        if record.state is State.CLOSED:
            if record.needs_follow_up:
                self._do(FollowUp(record.approval_id, record))
        elif record.state is State.EXECUTING:
            self._caller_gone = True  # nobody is left to be told
            self.close(Outcome.UNKNOWN, now)
        elif record.state is State.APPROVED or not record.is_intact:
            self._caller_gone = True
            self.close(Outcome.INTERRUPTED, now)
        elif record.silence_consents:
            self._set(silence_consents=False)

    def close(self, outcome: Outcome, now: float, by: str = "", words: str = "") -> State:
        """End it, and do what this outcome brings with it."""
        ending = ENDINGS[outcome]
        by = by or self.record.by
        decided_at = now if self.record.decided_at is None else self.record.decided_at
        self._set(
            state=State.CLOSED,
            outcome=outcome,
            due_at=None,
            by=by,
            decided_at=decided_at,
            closed_at=now,
            words=words,
            follow_up=ending.follow_up or (outcome is Outcome.FAILED and self._caller_gone),
        )
        record = self.record
        approval_id, call_id = record.approval_id, record.call_id
        self._hide(by)
        if ending.tells_agent:
            action_id = record.proposal.action_id
            self._do(TellAgent(approval_id, call_id, action_id, outcome, words))
        if ending.notice and not self._caller_gone and not self._person_has_call:
            self._do(TellCaller(approval_id, call_id, ending.notice))
        if record.follow_up:
            self._do(FollowUp(approval_id, record))
        return State.CLOSED

    def take_commands(self) -> list[ApprovalCommand]:
        """Hand out what has to be done since the last time, in order."""
        commands, self._commands = self._commands, []
        return commands

    # --- actions: each returns the next state -----------------------------------------------

    def _nothing(self, _event: Any, _now: float) -> State:
        return self.record.state

    def _asked_again(self, event: ApprovalAsked, _now: float) -> State:
        seen = digest(event.proposal.name, event.proposal.arguments)
        self._audit("agent", "ask", "known", seen)
        return self.record.state

    def _rank(self, event: CandidatesChanged, now: float) -> State:
        self._candidates = list(dict.fromkeys(event.candidates))
        self._fill_seats(now)
        return self.record.state

    def _unseat(self, event: ReviewerLeft, now: float) -> State:
        if event.operator_id in self._candidates:
            self._candidates.remove(event.operator_id)
        if self._reviewers.pop(event.operator_id, None) is not None:
            self._do(Hide(self.record.approval_id, event.operator_id, "left"))
            self._fill_seats(now)
        return self.record.state

    def _answer(self, event: Answered, now: float) -> State:
        why = self._objection(event)
        if why:
            return self._refuse(event, why)
        by = event.operator_id
        match event.answer:
            case Approve():
                self._approve(self.record.arguments, now, by)
            case ApproveEdited(arguments):
                self._approve(dict(arguments), now, by)
            case Reject(reason):
                self.close(Outcome.REJECTED, now, by, reason)
            case Respond(text):
                self.close(Outcome.RESPONDED, now, by, text)
        self._do(audit_of(event, self.record.call_id))
        self._do(Acknowledge(self.record.approval_id, by, self.record.status))
        return self.record.state

    def _answer_late(self, event: Answered, _now: float) -> State:
        record = self.record
        if record.by or record.outcome is None:
            return self._refuse(event, "answered" if record.by else "late")
        return self._refuse(event, ENDINGS[record.outcome].late_answer)

    def _claim(self, event: ExecutionClaimed, now: float) -> State:
        record = self.record
        if event.digest != record.digest or not record.is_intact:
            return self._refuse_claim(event, "stale_digest")
        self._set(state=State.EXECUTING, due_at=now + self._policy.execution)
        self._audit("agent", "claim", "", event.digest)
        self._do(
            Execute(
                record.approval_id,
                record.call_id,
                record.proposal.action_id,
                record.proposal.name,
                dict(record.arguments),
                record.digest,
            )
        )
        return State.EXECUTING

    def _claim_too_soon(self, event: ExecutionClaimed, _now: float) -> State:
        return self._refuse_claim(event, "not_approved")

    def _claim_late(self, event: ExecutionClaimed, _now: float) -> State:
        outcome = self.record.outcome
        return self._refuse_claim(event, ENDINGS[outcome].late_claim if outcome else "claimed")

    def _finish(self, event: ExecutionFinished, now: float) -> State:
        outcome = {True: Outcome.EXECUTED, False: Outcome.FAILED, None: Outcome.UNKNOWN}[event.ok]
        return self.close(outcome, now, words=event.result)

    def _log_result(self, event: ExecutionFinished, _now: float) -> State:
        why = "late" if self.record.state is State.CLOSED else "not_approved"
        said = {"ok": str(event.ok), "result": event.result}
        self._audit("agent", "result", why, self.record.digest, said)
        return self.record.state

    def _withdraw(self, _event: ProposalWithdrawn, now: float) -> State:
        return self.close(Outcome.WITHDRAWN, now)

    def _lose_caller(self, _event: CallOver, now: float) -> State:
        self._caller_gone = True
        return self.close(Outcome.CALLER_GONE, now)

    def _note_caller_gone(self, _event: CallOver, _now: float) -> State:
        self._caller_gone = True
        return self.record.state

    def _note_person(self, _event: CallTakenOver, _now: float) -> State:
        self._person_has_call = True
        return self.record.state

    def _hand_over(self, _event: CallTakenOver, now: float) -> State:
        return self.close(Outcome.TAKEN_OVER, now)

    def _drain(self, _event: ServerDraining, _now: float) -> State:
        if self.record.silence_consents:
            self._set(silence_consents=False)
        return self.record.state

    def _due(self, _event: DeadlinePassed, now: float) -> State:
        if now < self.record.deadline:
            self._set(state=State.ESCALATED, due_at=self.record.deadline)
            self._fill_seats(now)
        elif self.record.silence_consents and self._was_seen():
            self._approve(self.record.arguments, now, by="")
        else:
            self.close(Outcome.EXPIRED, now)
        return self.record.state

    def _lapse(self, _event: DeadlinePassed, now: float) -> State:
        return self.close(Outcome.LAPSED, now)

    def _lose_track(self, _event: DeadlinePassed, now: float) -> State:
        return self.close(Outcome.UNKNOWN, now)

    def _interrupt(self, _event: NotKept, now: float) -> State:
        return self.close(Outcome.INTERRUPTED, now)

    def _followed_up(self, event: FollowUpDone, _now: float) -> State:
        if self.record.needs_follow_up:
            self._set(followed_up_by=event.operator_id)
        return State.CLOSED

    # --- what the actions share -------------------------------------------------------------

    def _do(self, command: ApprovalCommand) -> None:
        self._commands.append(command)

    def _set(self, **changes: Any) -> None:
        self.record = replace(self.record, **changes)
        self._do(Keep(self.record))

    def _fill_seats(self, now: float) -> None:
        record = self.record
        for operator_id in self._candidates:
            if len(self._reviewers) >= SEATS[record.state]:
                return
            if operator_id not in self._reviewers:
                self._reviewers[operator_id] = now
                second = record.state is State.ESCALATED
                self._do(Show(record.approval_id, operator_id, record, second))

    def _objection(self, event: Answered) -> str:
        """Why an answer in time does not count, or nothing; a free seat is anybody's."""
        full = len(self._reviewers) >= SEATS[self.record.state]
        if full and event.operator_id not in self._reviewers:
            return "not_yours"
        if event.digest != self.record.digest:
            return "stale_digest"
        edited = event.answer.arguments if isinstance(event.answer, ApproveEdited) else None
        if edited is not None and edited.keys() != self.record.arguments.keys():
            return "bad_edit"
        return ""

    def _was_seen(self) -> bool:
        """Whether someone who is still there could have vetoed since half time at the latest."""
        return any(since <= self.record.escalate_at for since in self._reviewers.values())

    def _approve(self, arguments: Mapping[str, str], now: float, by: str) -> None:
        valid_until = now + self._policy.validity
        self._set(
            state=State.APPROVED,
            arguments=arguments,
            digest=digest(self.record.proposal.name, arguments),
            due_at=valid_until,
            by=by,
            decided_at=now,
        )
        record = self.record
        self._hide(by)
        self._do(
            Permit(
                record.approval_id,
                record.call_id,
                record.proposal.action_id,
                record.proposal.name,
                dict(arguments),
                record.digest,
                valid_until,
            )
        )

    def _hide(self, but: str) -> None:
        """Take it off everybody's screen but the one who decided."""
        for operator_id in self._reviewers:
            if operator_id != but:
                self._do(Hide(self.record.approval_id, operator_id, self.record.status))
        self._reviewers.clear()

    def _refuse(self, event: Answered, why: str) -> State:
        self._do(audit_of(event, self.record.call_id, why))
        self._do(RefuseAnswer(event.approval_id, event.operator_id, why))
        return self.record.state

    def _refuse_claim(self, event: ExecutionClaimed, why: str) -> State:
        self._audit("agent", "claim", why, event.digest)
        self._do(RefuseClaim(event.approval_id, event.digest, why))
        return self.record.state

    def _audit(
        self, actor: str, action: str, why: str, seen: str, detail: Mapping[str, str] | None = None
    ) -> None:
        record = self.record
        said = dict(detail or {})
        self._do(Audit(record.approval_id, record.call_id, actor, action, not why, why, seen, said))
