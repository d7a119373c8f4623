"""Intentions that the decision core hands out: frozen; whoever drives the machine carries them out.

A `CallEngine` gives `CallCommand`s, a `Desk` gives `DeskCommand`s. Every command names its call.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handoff.brief import Brief


class Urgency(StrEnum):
    """How soon a person must take the call."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Notice(StrEnum):
    """What the caller must be told; the pack holds the words."""

    CONNECTING = "connecting"  # a person is being called, please hold
    STILL_CONNECTING = "still_connecting"  # said again while waiting
    NOBODY = "nobody"  # nobody is free; the AI goes on, carefully
    OPERATOR_LOST = "operator_lost"  # the person's line broke; calling another
    BACK_TO_AI = "back_to_ai"  # the person has handed the call back
    GOODBYE = "goodbye"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a decision."""

    code: str  # from the reason table, e.g. "explicit_request"
    words: str  # in words that an operator understands
    weight: float  # contribution to the decision, larger is more


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided after an event, and why."""

    call_id: str
    turn: int
    hand_off: bool
    hard: bool  # a hard trigger, which bypasses the value rule
    confidence: float  # calibrated rolling P(conversation goes well), 0..1
    risk: float  # rolling risk, 0..1
    breakdown: float  # h: P(conversation breaks down within four turns)
    error: float  # q: P(next answer or action is wrong)
    value: float  # V, in the policy's cost unit
    reasons: tuple[Reason, ...]  # three at most, largest first
    urgency: Urgency = Urgency.MEDIUM


# --- of one call ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeepDecision:
    """Store and publish a decision; one after every caller turn."""

    call_id: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class RequestOperator:
    """Ask the desk for a person."""

    call_id: str
    brief: Brief
    decision: Decision
    skip: tuple[str, ...] = ()  # operators who are asked only when nobody else is left
    skill: str | None = None  # what the operator must know, None for anyone
    language: str | None = None  # what the operator must speak
    request: int | None = (
        None  # number of the request in its call; a later one replaces the earlier
    )
    epoch: int | None = None  # the newest `Assign` that the call knew of when it asked


@dataclass(frozen=True, slots=True)
class RequestTakeover:
    """Ask the desk to give this call to an operator who wants it (`TakeoverRequested`)."""

    call_id: str
    operator_id: str


@dataclass(frozen=True, slots=True)
class WithdrawRequest:
    """The person is no longer needed: stop ringing; reason is withdrawn or caller_gone."""

    call_id: str
    reason: str
    request: int | None = None  # the newest request that this takes back


@dataclass(frozen=True, slots=True)
class Tell:
    """Say a fixed prompt to the caller."""

    call_id: str
    notice: Notice


@dataclass(frozen=True, slots=True)
class HoldAgent:
    """The AI stops answering turns: a person is coming or here."""

    call_id: str


@dataclass(frozen=True, slots=True)
class ResumeAgent:
    """The AI answers again."""

    call_id: str
    safe_mode: bool  # nothing irreversible may be done
    note: str = ""  # what the operator told the AI


@dataclass(frozen=True, slots=True)
class ConnectOperator:
    """Bridge the operator's audio into the caller's stream."""

    call_id: str
    operator_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class DisconnectOperator:
    """Take the operator's audio out of the stream and tell the desk (`CallReleased`)."""

    call_id: str
    operator_id: str
    reason: str
    epoch: int | None = None  # of the `Assign` that this undoes


@dataclass(frozen=True, slots=True)
class EndCall:
    """End the call, after what was told has been said; always the call's last command, exactly once.

    Outcome is automated, handed_off, abandoned or failed.
    """

    call_id: str
    outcome: str
    reason: str


CallCommand = (
    KeepDecision
    | RequestOperator
    | RequestTakeover
    | WithdrawRequest
    | Tell
    | HoldAgent
    | ResumeAgent
    | ConnectOperator
    | DisconnectOperator
    | EndCall
)


# --- of the floor -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ring:
    """Offer a call to an operator."""

    offer_id: str
    call_id: str
    operator_id: str
    brief: Brief
    deadline: float  # monotonic seconds when the offer lapses


@dataclass(frozen=True, slots=True)
class StopRinging:
    """An offer is over; reason is taken, lapsed, declined, withdrawn, caller_gone or away."""

    offer_id: str
    call_id: str
    operator_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Assign:
    """An operator accepted in time and owns the call under this epoch."""

    call_id: str
    operator_id: str
    operator_name: str
    offer_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class RefuseAccept:
    """An operator accepted an offer, or wanted a call, that is not theirs to take.

    `offer_id` is empty for a takeover. Reason is taken, lapsed, declined, withdrawn, caller_gone, away,
    busy or unknown.
    """

    offer_id: str
    call_id: str
    operator_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nobody took the call."""

    call_id: str
    tried: int
    request: int | None = None


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """An operator's presence or load changed; publish it."""

    operator_id: str
    presence: str  # available | away | offered | in_call | wrap_up | gone
    busy_with: str | None


DeskCommand = Ring | StopRinging | Assign | RefuseAccept | GiveUp | PresenceChanged
