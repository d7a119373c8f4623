"""What an approval says to whoever learns from it."""

from __future__ import annotations

from handoff.approvals import ApprovalRecord, Outcome
from handoff.labels import Answer, ApprovalAnswer


def answer_of(record: ApprovalRecord, turn: int, at: float) -> ApprovalAnswer | None:
    """The answer that a person gave; None while there is none, and where time or events decided.

    `turn`: the caller's turn in which it was proposed; `at`: seconds since the Unix epoch. Silence that
    consents is nobody's judgement; what became of an action that a person approved is none either.
    """
    if not record.by:
        return None
    answer: Answer
    match record.outcome:
        case Outcome.REJECTED:
            answer = "reject"
        case Outcome.RESPONDED:
            answer = "respond"
        case _ if dict(record.arguments) != dict(record.proposal.arguments):
            answer = "approve_with_edits"
        case _:
            answer = "approve"
    return ApprovalAnswer(record.approval_id, record.call_id, turn, answer, record.by, at)
