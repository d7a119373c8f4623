"""Parallel review: a person decides blind beside the AI, and the two are compared.

A share of turns is shown to a reviewer without the AI's choice. Once both have chosen, they are compared by
intent, by action, or by the reviewer, who then sees the AI's choice and says whether it comes to the same.
A disagreement is flagged; where the policy says so it becomes a signal to the call.

Facts that users rely on: nothing that is handed out for a review names the AI's choice before its reviewer
has chosen, but `KeepReview`, which is for the store alone; every review ends with exactly one outcome; at
most `max_open` are open. Closed reviews are forgotten at once, calls when they end.
"""

from __future__ import annotations

from handoff.review.messages import (
    AiChose,
    Choice,
    KeepReview,
    RefuseReview,
    RevealChoice,
    ReviewCommand,
    ReviewerChose,
    ReviewEvent,
    ReviewRecord,
    ReviewState,
    ShowReview,
    SignalDisagreement,
    TurnOpened,
    VerdictGiven,
    WithdrawReview,
)
from handoff.review.reviews import TABLE, Reviews, comparison_of, propensity_of

__all__ = [
    "TABLE",
    "AiChose",
    "Choice",
    "KeepReview",
    "RefuseReview",
    "RevealChoice",
    "ReviewCommand",
    "ReviewEvent",
    "ReviewRecord",
    "ReviewState",
    "ReviewerChose",
    "Reviews",
    "ShowReview",
    "SignalDisagreement",
    "TurnOpened",
    "VerdictGiven",
    "WithdrawReview",
    "comparison_of",
    "propensity_of",
]
