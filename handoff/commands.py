"""Intentions that the decision core hands out: frozen; whoever drives the machine carries them out.

A `CallEngine` gives `CallCommand`s, a `Desk` gives `DeskCommand`s. Every command names its call.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handoff.brief import Brief
    from handoff.callbacks import CallbackRecord
    from handoff.events import Override


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
    CALLBACK = "callback"  # nobody is free; a person calls back, the AI goes on until then
    OPERATOR_LOST = "operator_lost"  # the person's line broke; calling another
    BACK_TO_AI = "back_to_ai"  # the person has handed the call back
    GOODBYE = "goodbye"
    DRAINING = "draining"
    CHECKING = "checking"  # a colleague has a look at what the AI wants to do
    NOT_DONE = "not_done"  # nobody approved it in time; someone will see to it
    UNSURE = "unsure"  # it is not certain whether it was done; someone will check


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a decision."""

    code: str  # from the reason table, e.g. "explicit_request"
    words: str  # in words that an operator understands
    weight: float  # contribution to the decision, larger is more


class DecisionKind(StrEnum):
    """What made a decision."""

    SOFT = "soft"  # the value rule, or the plain one
    HARD = "hard"  # a hard trigger, which bypasses the rule
    TAKEN_OVER = "taken_over"  # an operator, of their own accord


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided after an event, and why."""

    call_id: str
    turn: int
    hand_off: bool
    kind: DecisionKind
    confidence: float  # calibrated rolling P(conversation goes well), 0..1
    risk: float  # rolling risk, 0..1
    breakdown: float  # h: P(conversation breaks down within four speaker turns)
    error: float  # q: P(next answer or action is wrong)
    value: float  # V, in the policy's cost unit
    reasons: tuple[Reason, ...]  # three at most, largest first
    urgency: Urgency = Urgency.MEDIUM


# --- of one call ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeepDecision:
    """Store and publish a decision: one after every caller turn, and when a trigger fires in between."""

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
    category: str = "general"  # what the call is about, for rotation between categories


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
class RingCallback:
    """Offer a callback to an operator; answered like a call's offer."""

    offer_id: str
    operator_id: str
    record: CallbackRecord
    deadline: float  # monotonic seconds when the offer lapses


@dataclass(frozen=True, slots=True)
class StopRinging:
    """An offer is over; reason is taken, lapsed, declined, withdrawn, caller_gone, away or rest."""

    offer_id: str
    call_id: str  # or the callback's id
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
class AssignCallback:
    """An operator accepted a callback and owns it under this epoch: connect them to its number."""

    callback_id: str
    operator_id: str
    operator_name: str
    offer_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class RefuseAccept:
    """An operator accepted an offer, wanted a call, or closed a callback, that is not theirs.

    `offer_id` is empty for a takeover and a callback. Reason is taken, lapsed, declined, withdrawn,
    caller_gone, away, rest, busy, stale or unknown.
    """

    offer_id: str
    call_id: str  # or the callback's id
    operator_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nobody took the call."""

    call_id: str
    tried: int
    request: int | None = None
    reason: str = "nobody"  # nobody | draining | cleared: triage leaves the call to the AI
    callback: bool = False  # the caller may be promised a callback


@dataclass(frozen=True, slots=True)
class AlertOnCall:
    """A critical call waits: alert these at once, beside what rings; whoever takes it first has it."""

    call_id: str
    operator_ids: tuple[str, ...]
    brief: Brief


@dataclass(frozen=True, slots=True)
class AlertOver:
    """The alerted need not come any more; reason is taken, withdrawn, caller_gone, lowered or given_up."""

    call_id: str
    operator_ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class AuditCleared:
    """A call that triage left to the AI was drawn for a look afterwards."""

    call_id: str
    request: int | None
    score: float  # 0..100
    propensity: float  # the chance of being drawn, 0..1


@dataclass(frozen=True, slots=True)
class KeepOverride:
    """Keep who changed a call's place in the queue, and why."""

    call_id: str
    action: Override
    by: str
    why: str
    before: str  # urgency and points, e.g. "medium 55"
    after: str
    at: float  # monotonic seconds


@dataclass(frozen=True, slots=True)
class RefuseOverride:
    """An override that cannot be; reason is unknown, taken, busy, rest, cap (enough of such calls) or limit
    (no further up or down)."""

    call_id: str
    action: Override
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class KeepCallback:
    """Store a callback's new state; once stored it survives everything."""

    record: CallbackRecord


@dataclass(frozen=True, slots=True)
class RefuseCallback:
    """No callback may be promised; reason is known, full or too_late."""

    callback_id: str
    call_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """An operator's presence or load changed; publish it."""

    operator_id: str
    presence: str  # available | away | break | offered | in_call | wrap_up | gone
    busy_with: str | None
    load: int = 0  # weight of the light work they hold


DeskCommand = (
    Ring
    | RingCallback
    | StopRinging
    | Assign
    | AssignCallback
    | RefuseAccept
    | GiveUp
    | AlertOnCall
    | AlertOver
    | AuditCleared
    | KeepOverride
    | RefuseOverride
    | KeepCallback
    | RefuseCallback
    | PresenceChanged
)
