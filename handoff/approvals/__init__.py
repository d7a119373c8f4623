"""The approval gate: a person says yes before the AI acts, or has the chance to say no.

Sans-I/O: `gate.handle(event, now)`, `gate.next_deadline()`, `gate.take_commands()`. Facts that users rely on:

- An answer counts if it is the first, in time, from who is asked, about the digest of the exact arguments.
- `Execute` comes at most once for an approval, after `Keep` of its record as executing, for the digest
  approved or edited, and before the approval lapses.
- An answer that was acknowledged was kept first. A stop at any point leaves every approval with one outcome
  (`Gate.reopened`).
- Every approval ends, with one outcome, whatever happens. What ought to be done and was not has a `FollowUp`.
"""

from handoff.approvals.gate import Gate
from handoff.approvals.messages import (
    APPROVAL_EVENTS,
    WHY_NOT,
    Acknowledge,
    Answered,
    ApprovalAsked,
    ApprovalCommand,
    ApprovalEvent,
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
)
from handoff.approvals.table import TABLE, Row, diagram, markdown
from handoff.approvals.values import (
    ENDINGS,
    Answer,
    ApprovalRecord,
    Approve,
    ApproveEdited,
    Ending,
    Notice,
    Outcome,
    Reject,
    Respond,
    State,
    digest,
)

__all__ = [
    "APPROVAL_EVENTS",
    "ENDINGS",
    "TABLE",
    "WHY_NOT",
    "Acknowledge",
    "Answer",
    "Answered",
    "ApprovalAsked",
    "ApprovalCommand",
    "ApprovalEvent",
    "ApprovalRecord",
    "Approve",
    "ApproveEdited",
    "Audit",
    "CallTakenOver",
    "CandidatesChanged",
    "Ending",
    "Execute",
    "ExecutionClaimed",
    "ExecutionFinished",
    "FollowUp",
    "FollowUpDone",
    "Gate",
    "Hide",
    "Keep",
    "NotKept",
    "Notice",
    "Outcome",
    "Permit",
    "ProposalWithdrawn",
    "RefuseAnswer",
    "RefuseClaim",
    "Reject",
    "Respond",
    "ReviewerLeft",
    "Row",
    "Show",
    "State",
    "TellAgent",
    "TellCaller",
    "diagram",
    "digest",
    "markdown",
]
