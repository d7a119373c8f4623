"""An approval's values: its states, outcomes, answers, and the record that is kept of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from handoff.errors import StorageError
from handoff.oversight import Mode, Proposal


def digest(name: str, arguments: Mapping[str, str]) -> str:
    """SHA-256 (hex) of an action and its exact arguments, whatever order those are in."""
    canonical = json.dumps([name, dict(arguments)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


class State(StrEnum):
    """What an approval waits for."""

    OPEN = "open"  # one reviewer's answer
    ESCALATED = "escalated"  # the answer of one of two
    APPROVED = "approved"  # whoever carries it out to claim it
    EXECUTING = "executing"  # how it went
    CLOSED = "closed"


class Outcome(StrEnum):
    """How an approval ended."""

    EXECUTED = "executed"
    FAILED = "failed"
    UNKNOWN = "unknown"  # it was begun and nobody knows how it went
    REJECTED = "rejected"
    RESPONDED = "responded"  # the AI got a text instead
    EXPIRED = "expired"  # nobody answered in time
    LAPSED = "lapsed"  # approved, and not claimed in time
    WITHDRAWN = "withdrawn"  # the AI does not want it any more
    CALLER_GONE = "caller_gone"
    TAKEN_OVER = "taken_over"  # a person has the call and does what is needed
    DRAINING = "draining"  # asked while the server was stopping
    INTERRUPTED = "interrupted"  # approved, and not begun: the server stopped, or could not keep it


class Notice(StrEnum):
    """What the caller must be told; the pack holds the words."""

    CHECKING = "checking"  # a colleague has a look, one moment
    NOT_DONE = "not_done"  # it is not done; someone will see to it
    UNSURE = "unsure"  # it is not certain whether it was done; someone will check


class Ending(NamedTuple):
    """What an outcome brings with it."""

    tells_agent: bool  # False: the agent said so itself
    notice: Notice | None  # for the caller, while there is one
    follow_up: bool
    late_answer: str  # why an answer no longer counts, where nobody's answer decided
    late_claim: str  # why it may not be carried out


ENDINGS: Mapping[Outcome, Ending] = {
    Outcome.EXECUTED: Ending(False, None, False, "late", "claimed"),
    Outcome.FAILED: Ending(False, None, False, "late", "claimed"),
    Outcome.UNKNOWN: Ending(True, Notice.UNSURE, True, "late", "claimed"),
    Outcome.REJECTED: Ending(True, None, False, "answered", "not_approved"),
    Outcome.RESPONDED: Ending(True, None, False, "answered", "not_approved"),
    Outcome.EXPIRED: Ending(True, Notice.NOT_DONE, True, "late", "not_approved"),
    Outcome.LAPSED: Ending(True, Notice.NOT_DONE, True, "late", "late"),
    Outcome.WITHDRAWN: Ending(False, None, False, "over", "over"),
    Outcome.CALLER_GONE: Ending(True, None, True, "over", "over"),
    Outcome.TAKEN_OVER: Ending(True, None, False, "over", "over"),
    Outcome.DRAINING: Ending(True, Notice.NOT_DONE, True, "over", "over"),
    Outcome.INTERRUPTED: Ending(True, None, True, "over", "over"),
}


# --- answers ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Approve:
    """Do it as proposed."""


@dataclass(frozen=True, slots=True)
class ApproveEdited:
    """Do it with these arguments instead: the same names, other values."""

    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reject:
    """Do not do it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Respond:
    """Do not do it; the AI goes on with this text."""

    text: str


Answer = Approve | ApproveEdited | Reject | Respond


# --- the record -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ApprovalRecord:
    """An approval as it stands. Key: `approval_id`; a later one replaces an earlier one.

    Times are on the machine's clock: whoever stores them elsewhere moves them with `shifted`.
    """

    approval_id: str
    proposal: Proposal
    mode: Mode
    risk: int  # 0..100
    reasons: tuple[str, ...]  # why a person is asked, codes of `oversight.REASONS`
    arguments: Mapping[str, str]  # as proposed, or as edited
    digest: str  # of the action with these; nothing else is executable
    asked_at: float
    escalate_at: float
    deadline: float  # for an answer
    due_at: float | None  # when something happens by itself
    silence_consents: bool  # done unless vetoed
    state: State = State.OPEN
    outcome: Outcome | None = None  # once closed
    by: str = ""  # operator who decided; empty: nobody, i.e. time or events
    decided_at: float | None = None
    closed_at: float | None = None
    words: str = ""  # reason, text for the AI, or result
    follow_up: bool = False  # somebody must see to it
    followed_up_by: str = ""

    @property
    def call_id(self) -> str:
        """The call it belongs to."""
        return self.proposal.call_id

    @property
    def status(self) -> str:
        """State, or outcome once closed: what a work board needs to know."""
        return (self.outcome or self.state).value

    @property
    def needs_follow_up(self) -> bool:
        """Whether somebody must see to it still."""
        return self.follow_up and not self.followed_up_by

    @property
    def is_intact(self) -> bool:
        """Whether the arguments are those that the digest was taken from."""
        return digest(self.proposal.name, self.arguments) == self.digest

    def shifted(self, seconds: float) -> ApprovalRecord:
        """The same on a clock that shows `seconds` more."""

        def moved(at: float | None) -> float | None:
            return None if at is None else at + seconds

        return replace(
            self,
            asked_at=self.asked_at + seconds,
            escalate_at=self.escalate_at + seconds,
            deadline=self.deadline + seconds,
            due_at=moved(self.due_at),
            decided_at=moved(self.decided_at),
            closed_at=moved(self.closed_at),
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON values, for a store."""
        values: dict[str, Any] = _RECORDS.dump_python(self, mode="json")
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ApprovalRecord:
        """Read what `as_dict` gave; raises `StorageError` for anything else."""
        try:
            return _RECORDS.validate_python(dict(values))
        except ValidationError as error:
            raise StorageError(f"an approval cannot be read back: {error}") from error


_RECORDS = TypeAdapter(ApprovalRecord)
