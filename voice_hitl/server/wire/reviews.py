"""What people judge of the AI: turns decided beside it, and what it did alone."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from voice_hitl.server.wire.base import WireModel


class IntentView(WireModel):
    """Something that callers come for, as reviewers may choose it."""

    intent: str
    label: str


class ReviewView(WireModel):
    """A caller's turn that a person decides beside the AI, without knowing what the AI makes of it."""

    review_id: str
    call_id: str
    turn: int
    question: str  # what was said and what is known, a line each
    choices: list[IntentView]
    expires_at: float
    seconds: float  # total time to choose, for the countdown


class ChoiceView(WireModel):
    """What the AI or a reviewer would do with a turn."""

    intent: str | None  # None: none of those that there are
    label: str  # of the intent, empty for none
    text: str  # what to say or do, in words


class AuditView(WireModel):
    """Something that the AI did alone, for a person to judge afterwards."""

    audit_id: str
    kind: Literal["decision", "action", "call", "line"]
    call_id: str
    turn: int
    path: Literal["automatic", "vetoable", "approved", "handed_off"]
    category: str
    risk: float
    summary: str  # one line
    expires_at: float  # then it is for others
    seconds: float


class ReviewAsked(WireModel):
    """A turn to decide beside the AI; whoever chooses first has it."""

    type: Literal["review"] = "review"
    review: ReviewView


class ReviewRevealed(WireModel):
    """This operator has chosen: what the AI chose. Do the two come to the same (`review_verdict`)?"""

    type: Literal["review_reveal"] = "review_reveal"
    review_id: str
    ai: ChoiceView
    mine: ChoiceView
    expires_at: float
    seconds: float


class ReviewOver(WireModel):
    """A review needs nothing from this operator any more, or what they sent had no effect."""

    type: Literal["review_over"] = "review_over"
    review_id: str
    reason: (
        str  # equal | different | taken | lapsed | undecided | skipped | no_answer | informed | ...
    )
    message: str


class AuditShown(WireModel):
    """What to judge next, as asked for; None: there is nothing that this operator may judge."""

    type: Literal["audit"] = "audit"
    audit: AuditView | None


class AuditOver(WireModel):
    """An audit needs nothing from this operator any more."""

    type: Literal["audit_over"] = "audit_over"
    audit_id: str
    reason: str  # answered | lapsed | own | over | not_yours
    message: str


class ReviewChoice(WireModel):
    """What this operator would do with a turn: one of the intents, or, in words, something else."""

    type: Literal["review_choice"] = "review_choice"
    review_id: str
    intent: str | None = None
    text: str = Field(default="", max_length=500)

    @model_validator(mode="after")
    def _something(self) -> ReviewChoice:
        if self.intent is None and not self.text.strip():
            raise ValueError("choose an intent, or say in words what you would do")
        return self


class ReviewVerdict(WireModel):
    """Whether the AI's choice and this operator's come to the same."""

    type: Literal["review_verdict"] = "review_verdict"
    review_id: str
    equal: bool


class NextAudit(WireModel):
    """Show something to judge."""

    type: Literal["next_audit"] = "next_audit"


class AuditVerdict(WireModel):
    """Whether what the AI did was right."""

    type: Literal["audit_answer"] = "audit_answer"
    audit_id: str
    verdict: Literal["right", "wrong", "unsure"]
    note: str = Field(default="", max_length=500)
