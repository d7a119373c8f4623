"""The floor: who is there, what rings at whom, and who waits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voice_hitl.server.wire.base import PresenceState, SeniorityName, UrgencyName, WireModel
from voice_hitl.server.wire.calls import BriefView


class OperatorView(WireModel):
    """A colleague on the floor."""

    operator_id: str
    name: str
    presence: PresenceState
    call_id: str | None
    role: Literal["operator", "supervisor"]
    skills: list[str]  # empty: takes anything
    languages: list[str]  # empty: speaks what is needed
    seniority: SeniorityName
    load: int  # weight of the approvals, reviews and the like that they hold
    resting: bool  # operator care has them rest: nothing rings at them


class OfferView(WireModel):
    """A call that rings."""

    offer_id: str
    call_id: str
    caller: str
    brief: BriefView
    expires_at: float
    seconds: float  # total ringing time, for the countdown


class AlertView(WireModel):
    """A critical call that every on-call operator is told of; take it with `take`."""

    call_id: str
    caller: str
    brief: BriefView
    since: float


class WaitingView(WireModel):
    """A call that waits for a person."""

    call_id: str
    urgency: UrgencyName
    points: float  # triage's score, 0..100
    band: Literal["senior", "standard", "cleared"]
    since: float
    overridden: bool  # a person has changed its place
    rings_at: str | None  # operator id


class Offered(WireModel):
    """A call rings at this console."""

    type: Literal["offer"] = "offer"
    offer: OfferView


class OfferOver(WireModel):
    """A ringing offer is over."""

    type: Literal["offer_over"] = "offer_over"
    offer_id: str
    call_id: str
    reason: Literal[
        "accepted",
        "taken",
        "lapsed",
        "declined",
        "withdrawn",
        "caller_gone",
        "away",
        "rest",
        "busy",
        "stale",
        "unknown",
        "draining",
    ]
    message: str


class Alerted(WireModel):
    """A critical call waits; whoever takes it first has it."""

    type: Literal["alert"] = "alert"
    alert: AlertView


class AlertOver(WireModel):
    """An alert is over."""

    type: Literal["alert_over"] = "alert_over"
    call_id: str
    reason: Literal["taken", "withdrawn", "caller_gone", "lowered", "given_up"]
    message: str


class RestChanged(WireModel):
    """This operator must rest, or has rested."""

    type: Literal["rest"] = "rest"
    resting: bool
    worked_minutes: float  # without a break; 0 when they have rested
    message: str


class QueueChanged(WireModel):
    """Who waits for a person, in order of service."""

    type: Literal["queue"] = "queue"
    queue: list[WaitingView]


class OperatorChanged(WireModel):
    """A colleague came, left or changed presence (`me` included)."""

    type: Literal["operator"] = "operator"
    operator: OperatorView


class OperatorGone(WireModel):
    """A colleague signed out."""

    type: Literal["operator_gone"] = "operator_gone"
    operator_id: str


class SetPresence(WireModel):
    """Go available, away, or on a break: then on-call alerts keep silent too."""

    type: Literal["presence"] = "presence"
    presence: Literal["available", "away", "break"]


class WrapUpDone(WireModel):
    """Ready before the wrap-up time is over."""

    type: Literal["wrap_up_done"] = "wrap_up_done"


class Accept(WireModel):
    """Take an offered call."""

    type: Literal["accept"] = "accept"
    offer_id: str


class Decline(WireModel):
    """Do not take an offered call."""

    type: Literal["decline"] = "decline"
    offer_id: str


class Override(WireModel):
    """Change the place of a waiting call; for supervisors. Reassigning names the operator (`to`)."""

    type: Literal["override"] = "override"
    call_id: str
    action: Literal["raise", "lower", "clear", "reassign"]
    why: str = Field(min_length=1, max_length=500)
    to: str | None = None
