"""Events of the floor of operators, which a `Desk` reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from handoff.events.common import DeadlinePassed, ServerDraining

if TYPE_CHECKING:
    from handoff.brief import Brief
    from handoff.commands import Decision, Urgency


class Presence(StrEnum):
    """Whether an operator wants calls."""

    AVAILABLE = "available"
    AWAY = "away"
    BREAK = "break"  # like away, and on-call alerts keep silent too


class Seniority(StrEnum):
    """What an operator may be asked to decide."""

    STANDARD = "standard"
    SENIOR = "senior"
    ON_CALL = "on_call"  # a senior or supervisor whom critical calls alert at once


class Override(StrEnum):
    """What a person does to the place of a waiting call."""

    RAISE = "raise"  # one urgency and one band up; a cleared call waits again
    LOWER = "lower"  # one urgency and one band down, never out of the queue
    CLEAR = "clear"  # the AI goes on
    REASSIGN = "reassign"  # it rings at this operator now


@dataclass(frozen=True, slots=True)
class OperatorJoined:
    """An operator opened a console; they are away until they say otherwise.

    Joining again while known keeps presence, offers and call (a reconnect, a second window).
    """

    operator_id: str
    name: str
    skills: frozenset[str] = frozenset()  # empty: takes anything
    languages: frozenset[str] = frozenset()  # empty: speaks what is needed
    seniority: Seniority = Seniority.STANDARD
    capacity: int | None = None  # weight of light work held at once; None: as the policy says


@dataclass(frozen=True, slots=True)
class OperatorPresence:
    """An operator goes available, away or on a break; in a call it counts from the call's end."""

    operator_id: str
    presence: Presence


@dataclass(frozen=True, slots=True)
class OperatorLeft:
    """An operator's last console is gone; a call they own stays theirs until `CallReleased`."""

    operator_id: str


@dataclass(frozen=True, slots=True)
class HandoffRequested:
    """A call needs a person (`RequestOperator`); again for a waiting call: newer brief and urgency."""

    call_id: str
    brief: Brief
    decision: Decision
    skip: tuple[str, ...] = ()  # asked only when nobody else is left
    skill: str | None = None
    language: str | None = None
    request: int | None = None  # number in its call: one at or below what is over already is stale
    epoch: int | None = (
        None  # newest assignment known to the call: asked before a newer one, it is stale
    )
    category: str = "general"  # what the call is about, for rotation between categories

    @property
    def key(self) -> str:
        """What offers and owners of this are called by."""
        return self.call_id

    @property
    def urgency(self) -> Urgency:
        """How soon a person must take it."""
        return self.decision.urgency


@dataclass(frozen=True, slots=True)
class RequestWithdrawn:
    """A call no longer needs a person (`WithdrawRequest`)."""

    call_id: str
    reason: str = "withdrawn"  # withdrawn | caller_gone
    request: int | None = None  # this and all before it; None: whatever waits now


@dataclass(frozen=True, slots=True)
class OfferAccepted:
    """An operator takes an offered call."""

    operator_id: str
    offer_id: str


@dataclass(frozen=True, slots=True)
class OfferDeclined:
    """An operator does not take an offered call."""

    operator_id: str
    offer_id: str


@dataclass(frozen=True, slots=True)
class TakeoverRequested:
    """An operator wants a live call that was not offered to them (`RequestTakeover`)."""

    operator_id: str
    call_id: str


@dataclass(frozen=True, slots=True)
class CallReleased:
    """An operator no longer has this call (`DisconnectOperator`)."""

    call_id: str
    operator_id: str
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class WrapUpDone:
    """An operator is ready before their wrap-up time is over."""

    operator_id: str


@dataclass(frozen=True, slots=True)
class WorkTaken:
    """An operator holds light work: an approval, a review, a chat; taken again: the newer weight."""

    operator_id: str
    work_id: str
    weight: int = 1  # share of their capacity, at least 1


@dataclass(frozen=True, slots=True)
class WorkDone:
    """Light work is done, expired or somebody else's; not held any more."""

    operator_id: str
    work_id: str


@dataclass(frozen=True, slots=True)
class TriageOverridden:
    """A person changes what triage made of a call."""

    call_id: str
    action: Override
    by: str  # operator id
    why: str
    to: str | None = None  # operator id, for REASSIGN


@dataclass(frozen=True, slots=True)
class CallbackPromised:
    """A caller who could not be served agreed to be called back. Times are the machine's `now`."""

    callback_id: str
    call_id: str
    number: str  # whom to call; as it may be shown and kept
    reason: str
    urgency: Urgency
    brief: Mapping[str, Any] = field(default_factory=dict)  # `Brief.as_dict()`
    skill: str | None = None
    language: str | None = None
    category: str = "general"
    not_before: float | None = None  # None: at once
    by: float | None = None  # None: as the policy says


@dataclass(frozen=True, slots=True)
class CallbackDone:
    """The operator reached the caller."""

    callback_id: str
    operator_id: str
    epoch: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class CallbackFailed:
    """The operator tried and did not reach the caller."""

    callback_id: str
    operator_id: str
    epoch: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class CallbackWithdrawn:
    """The caller was served otherwise, or does not want to be called any more."""

    callback_id: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class CallOver:
    """A call has ended, however it ended: nobody waits for it, rings for it or has it any more."""

    call_id: str


DeskEvent = (
    OperatorJoined
    | OperatorPresence
    | OperatorLeft
    | HandoffRequested
    | RequestWithdrawn
    | OfferAccepted
    | OfferDeclined
    | TakeoverRequested
    | CallReleased
    | CallOver
    | WrapUpDone
    | WorkTaken
    | WorkDone
    | TriageOverridden
    | CallbackPromised
    | CallbackDone
    | CallbackFailed
    | CallbackWithdrawn
    | DeadlinePassed
    | ServerDraining
)
