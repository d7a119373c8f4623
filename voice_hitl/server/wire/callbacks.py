"""Promises to call somebody back."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voice_hitl.server.wire.base import UrgencyName, WireModel
from voice_hitl.server.wire.calls import BriefView


class CallbackView(WireModel):
    """A promise to call somebody back."""

    callback_id: str
    call_id: str  # the call in which it was promised
    number: str  # whom to call
    reason: str
    urgency: UrgencyName
    brief: BriefView | None
    promised_at: float
    not_before: float
    by: float  # the promise is to be kept until then
    state: Literal["waiting", "claimed", "done", "failed", "expired", "withdrawn"]
    tries: int
    operator_id: str | None  # who has it, or had it last
    epoch: int | None  # of the claim; whoever closes it names it
    claim_until: float | None
    note: str


class CallbackOfferView(WireModel):
    """A callback that rings; accept or decline its `offer_id` like a call's."""

    offer_id: str
    callback: CallbackView
    expires_at: float
    seconds: float  # total ringing time, for the countdown


class CallbackOffered(WireModel):
    """A callback rings at this console; over with `offer_over`, whose `call_id` is the callback's id."""

    type: Literal["callback_offer"] = "callback_offer"
    offer: CallbackOfferView


class CallbackChanged(WireModel):
    """A callback is new or stands differently; one that is neither waiting nor claimed is over."""

    type: Literal["callback"] = "callback"
    callback: CallbackView


class CloseCallback(WireModel):
    """What became of a callback that this operator has: the caller was reached, or not."""

    type: Literal["close_callback"] = "close_callback"
    callback_id: str
    epoch: int
    reached: bool
    note: str = Field(default="", max_length=500)


class WithdrawCallback(WireModel):
    """The caller needs no call any more; for whoever has the callback, and supervisors."""

    type: Literal["withdraw_callback"] = "withdraw_callback"
    callback_id: str
    note: str = Field(default="", max_length=500)
