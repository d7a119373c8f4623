"""What the approval gate is told and what it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from handoff.approvals.values import (
    Answer,
    ApprovalRecord,
    Approve,
    ApproveEdited,
    Notice,
    Outcome,
    Reject,
    Respond,
)
from handoff.events import CallOver, DeadlinePassed, ServerDraining
from handoff.oversight import Proposal, Verdict

# --- events -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """An action in or on the loop is proposed."""

    approval_id: str  # unique, given by whoever asks
    proposal: Proposal
    verdict: Verdict
    candidates: tuple[str, ...] = ()  # operators who may be asked, best first


@dataclass(frozen=True, slots=True)
class CandidatesChanged:
    """The floor changed; does not take the approval from who has it (`ReviewerLeft` does)."""

    approval_id: str
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReviewerLeft:
    """An operator left, was lost, went away or took a call: others must answer."""

    operator_id: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An operator, signed in, answers what they saw."""

    approval_id: str
    operator_id: str
    digest: str  # of the arguments that they saw
    answer: Answer


@dataclass(frozen=True, slots=True)
class ExecutionClaimed:
    """Whoever carries the action out wants to begin."""

    approval_id: str
    digest: str  # of what they would carry out


@dataclass(frozen=True, slots=True)
class ExecutionFinished:
    """The action was tried."""

    approval_id: str
    ok: bool | None  # None: nobody can tell, e.g. no reply in time
    result: str = ""  # one line that an operator understands


@dataclass(frozen=True, slots=True)
class ProposalWithdrawn:
    """The AI does not want the action any more, e.g. the caller changed their mind."""

    approval_id: str


@dataclass(frozen=True, slots=True)
class CallTakenOver:
    """A person has the call now."""

    call_id: str


@dataclass(frozen=True, slots=True)
class NotKept:
    """Its record was not stored in time, and no `Permit` or `Execute` of it was or will be carried out."""

    approval_id: str


@dataclass(frozen=True, slots=True)
class FollowUpDone:
    """Someone saw to what was left undone."""

    approval_id: str
    operator_id: str


ApprovalEvent = (
    ApprovalAsked
    | CandidatesChanged
    | ReviewerLeft
    | Answered
    | ExecutionClaimed
    | ExecutionFinished
    | ProposalWithdrawn
    | CallTakenOver
    | NotKept
    | FollowUpDone
    | CallOver
    | DeadlinePassed
    | ServerDraining
)
APPROVAL_EVENTS: tuple[type, ...] = tuple(ApprovalEvent.__args__)


# --- commands ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Keep:
    """Store this; until it is stored, none of the commands after it may be carried out."""

    record: ApprovalRecord


@dataclass(frozen=True, slots=True)
class Audit:
    """Keep in the audit log what somebody wanted, whether it counted, and why not."""

    approval_id: str
    call_id: str
    actor: str  # operator id, or "agent"
    action: str  # approve | approve_edited | reject | respond | claim | result | ask
    counted: bool
    why: str  # empty where it counted, else a code of `WHY_NOT`
    digest: str = ""  # of what they saw or wanted to do
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Show:
    """Ask an operator."""

    approval_id: str
    operator_id: str
    record: ApprovalRecord
    second: bool  # the first has not answered by half time


@dataclass(frozen=True, slots=True)
class Hide:
    """Take it off an operator's screen; `why` is a status of the record, or left."""

    approval_id: str
    operator_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Tell an operator that their answer counts; it is stored."""

    approval_id: str
    operator_id: str
    status: str


@dataclass(frozen=True, slots=True)
class RefuseAnswer:
    """Tell an operator that their answer does not count; `why` is a code of `WHY_NOT`."""

    approval_id: str
    operator_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Permit:
    """Tell the call that this, exactly this, may be claimed once, until `valid_until`."""

    approval_id: str
    call_id: str
    action_id: str
    name: str
    arguments: Mapping[str, str]
    digest: str
    valid_until: float


@dataclass(frozen=True, slots=True)
class Execute:
    """Do it, once; then send `ExecutionFinished`."""

    approval_id: str
    call_id: str
    action_id: str
    name: str
    arguments: Mapping[str, str]
    digest: str


@dataclass(frozen=True, slots=True)
class RefuseClaim:
    """It must not be done; `why` is a code of `WHY_NOT`."""

    approval_id: str
    digest: str
    why: str


@dataclass(frozen=True, slots=True)
class TellAgent:
    """The action is not done (or, `unknown`, may be): the AI goes on with these words."""

    approval_id: str
    call_id: str
    action_id: str
    outcome: Outcome
    words: str


@dataclass(frozen=True, slots=True)
class TellCaller:
    """Say a fixed prompt to the caller."""

    approval_id: str
    call_id: str
    notice: Notice


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Queue this for a person. Key: `approval_id`; may come again after a restart."""

    approval_id: str
    record: ApprovalRecord


ApprovalCommand = (
    Keep
    | Audit
    | Show
    | Hide
    | Acknowledge
    | RefuseAnswer
    | Permit
    | Execute
    | RefuseClaim
    | TellAgent
    | TellCaller
    | FollowUp
)

WHY_NOT: Mapping[str, str] = {
    "unknown": "there is no such approval, or not any more",
    "known": "this approval was asked for already",
    "not_yours": "somebody else has been asked",
    "stale_digest": "these are not the arguments in question",
    "bad_edit": "an edit may change values, not the names of the arguments",
    "answered": "somebody has answered already",
    "late": "the deadline has passed",
    "over": "the call, the proposal or the server has moved on",
    "not_approved": "nobody has approved it",
    "claimed": "it has been claimed already",
}


def audit_of(event: Answered, call_id: str, why: str = "") -> Audit:
    """The line of the audit log about an answer; `why` it does not count, or nothing."""
    match event.answer:
        case Approve():
            action, detail = "approve", {}
        case ApproveEdited(arguments):
            action, detail = "approve_edited", dict(arguments)
        case Reject(reason):
            action, detail = "reject", {"reason": reason}
        case Respond(text):
            action, detail = "respond", {"text": text}
    return Audit(
        event.approval_id, call_id, event.operator_id, action, not why, why, event.digest, detail
    )
