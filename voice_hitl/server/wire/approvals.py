"""What the AI asks a person before it acts, and the answers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voice_hitl.server.wire.base import WireModel


class ApprovalView(WireModel):
    """An action that the AI wants to do and this operator is asked about."""

    approval_id: str
    call_id: str
    caller: str
    action: str  # the action's name
    summary: str  # the action in one line
    arguments: dict[str, str]
    digest: str  # of these arguments; an answer names it
    effect: Literal["read", "reversible", "irreversible"]
    amount: float | None
    risk: int  # 0..100
    reasons: list[str]  # why a person is asked, in words
    reasoning: str  # why the AI wants it
    alternatives: list[str]
    doubts: list[str]  # why it may be wrong, in words
    veto: bool  # True: done unless somebody objects; False: not done unless approved
    second: bool  # the first who was asked has not answered by half time
    expires_at: float
    seconds: float  # total time to answer, for the countdown


class ApprovalAsked(WireModel):
    """The AI wants to act, and this operator is asked; again with the same id: it stands differently."""

    type: Literal["approval"] = "approval"
    approval: ApprovalView


class ApprovalOver(WireModel):
    """An approval needs no answer from this operator any more."""

    type: Literal["approval_over"] = "approval_over"
    approval_id: str
    status: str  # approved | rejected | responded | expired | withdrawn | caller_gone | left | ...
    message: str


class AnswerTaken(WireModel):
    """What became of this operator's answer."""

    type: Literal["answer"] = "answer"
    approval_id: str
    counted: bool
    message: str


class Approve(WireModel):
    """Let the AI do what it wants, or, with `arguments`, that with other values."""

    type: Literal["approve"] = "approve"
    approval_id: str
    digest: str
    arguments: dict[str, str] | None = None


class Reject(WireModel):
    """Do not let the AI do it."""

    type: Literal["reject"] = "reject"
    approval_id: str
    digest: str
    reason: str = Field(min_length=1, max_length=500)


class Respond(WireModel):
    """Do not let the AI do it; it says this to the caller instead."""

    type: Literal["respond"] = "respond"
    approval_id: str
    digest: str
    text: str = Field(min_length=1, max_length=500)
