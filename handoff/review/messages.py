"""What reviews are told, what they want done, and the record that is kept of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from handoff.errors import StorageError
from handoff.events import CallOver, DeadlinePassed, ServerDraining


class ReviewState(StrEnum):
    """What a review waits for."""

    OPEN = "open"  # a reviewer's choice
    ANSWERED = "answered"  # the AI's choice; the reviewer has chosen
    REVEALED = "revealed"  # the reviewer's verdict; both have chosen
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the AI or a person would do with a turn."""

    intent: str | None = None  # what the caller wants
    action: str | None = None  # digest of name and arguments, None for no action
    text: str = ""  # what to say


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    """A review as it is kept; the newest of its id counts.

    Outcome is equal, different, undecided (no verdict in time), lapsed (no reviewer in time), no_answer (the
    AI never chose) or skipped (too many were open); None while the review is open.
    """

    review_id: str
    call_id: str
    turn: int
    question: str
    category: str
    risk: float
    propensity: float  # P(this turn is reviewed)
    state: ReviewState
    ai: Choice | None = None
    human: Choice | None = None
    reviewer: str | None = None
    outcome: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON values, for a store."""
        values: dict[str, Any] = _RECORDS.dump_python(self, mode="json")
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ReviewRecord:
        """Read what `as_dict` gave; raises `StorageError` for anything else."""
        try:
            return _RECORDS.validate_python(dict(values))
        except ValidationError as error:
            raise StorageError(f"a review cannot be read back: {error}") from error


_RECORDS = TypeAdapter(ReviewRecord)


# --- events -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TurnOpened:
    """A caller's turn has to be answered; the AI begins to think."""

    call_id: str
    turn: int
    question: str  # all that a reviewer needs to decide: what was said, and what is known
    category: str
    risk: float  # 0..1


@dataclass(frozen=True, slots=True)
class AiChose:
    """The AI has decided what to do with a turn."""

    call_id: str
    turn: int
    choice: Choice


@dataclass(frozen=True, slots=True)
class ReviewerChose:
    """A reviewer says what they would do."""

    review_id: str
    reviewer_id: str
    choice: Choice


@dataclass(frozen=True, slots=True)
class VerdictGiven:
    """A reviewer has seen both choices and says whether they come to the same."""

    review_id: str
    reviewer_id: str
    equal: bool


ReviewEvent = (
    TurnOpened | AiChose | ReviewerChose | VerdictGiven | CallOver | ServerDraining | DeadlinePassed
)

# --- commands ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShowReview:
    """Show reviewers a turn to decide, without the AI's choice."""

    review_id: str
    call_id: str
    turn: int
    question: str
    category: str
    deadline: float


@dataclass(frozen=True, slots=True)
class RevealChoice:
    """Show a reviewer, who has chosen, what the AI chose, and ask for a verdict."""

    review_id: str
    reviewer_id: str
    ai: Choice
    human: Choice
    deadline: float


@dataclass(frozen=True, slots=True)
class WithdrawReview:
    """Show a review no longer; reason is taken or the outcome."""

    review_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RefuseReview:
    """A reviewer's choice or verdict has no effect; reason is over, taken or early."""

    review_id: str
    reviewer_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class SignalDisagreement:
    """Tell the call that a person would have decided otherwise."""

    call_id: str
    turn: int
    review_id: str
    ai: Choice
    human: Choice


@dataclass(frozen=True, slots=True)
class KeepReview:
    """Store a review's newest state; not for reviewers' eyes."""

    record: ReviewRecord


ReviewCommand = (
    ShowReview | RevealChoice | WithdrawReview | RefuseReview | SignalDisagreement | KeepReview
)
