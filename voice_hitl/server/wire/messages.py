"""Every message of the console's socket, both ways."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from voice_hitl.server.wire.approvals import (
    AnswerTaken,
    ApprovalAsked,
    ApprovalOver,
    ApprovalView,
    Approve,
    Reject,
    Respond,
)
from voice_hitl.server.wire.base import WireModel
from voice_hitl.server.wire.callbacks import (
    CallbackChanged,
    CallbackOffered,
    CallbackOfferView,
    CallbackView,
    CloseCallback,
    WithdrawCallback,
)
from voice_hitl.server.wire.calls import (
    Bridged,
    CallChanged,
    CallGone,
    CallView,
    Earlier,
    EndCall,
    HandBack,
    Take,
    Transcript,
    TranscriptChanged,
    TranscriptEarlier,
    Unbridged,
    Watch,
)
from voice_hitl.server.wire.figures import WarningOver, WarningRaised
from voice_hitl.server.wire.floor import (
    Accept,
    Alerted,
    AlertOver,
    AlertView,
    Decline,
    Offered,
    OfferOver,
    OfferView,
    OperatorChanged,
    OperatorGone,
    OperatorView,
    Override,
    QueueChanged,
    RestChanged,
    SetPresence,
    WaitingView,
    WrapUpDone,
)
from voice_hitl.server.wire.reviews import (
    AuditOver,
    AuditShown,
    AuditVerdict,
    NextAudit,
    ReviewAsked,
    ReviewChoice,
    ReviewOver,
    ReviewRevealed,
    ReviewVerdict,
    ReviewView,
)


class Hello(WireModel):
    """The first message: the whole state."""

    type: Literal["hello"] = "hello"
    me: OperatorView
    operators: list[OperatorView]
    calls: list[CallView]
    offers: list[OfferView]
    approvals: list[ApprovalView]
    reviews: list[ReviewView]
    alerts: list[AlertView]
    callbacks: list[CallbackView]  # the open ones
    callback_offers: list[CallbackOfferView]
    queue: list[WaitingView]  # in order of service
    server_time: float
    version: str
    guidelines: str  # the pack's guidelines.md


class Problem(WireModel):
    """A command could not be carried out; says what is wrong and how to mend it."""

    type: Literal["problem"] = "problem"
    message: str


ServerMessage = Annotated[
    Hello
    | CallChanged
    | CallGone
    | TranscriptChanged
    | Transcript
    | TranscriptEarlier
    | Offered
    | OfferOver
    | Alerted
    | AlertOver
    | CallbackOffered
    | CallbackChanged
    | RestChanged
    | QueueChanged
    | ApprovalAsked
    | ApprovalOver
    | AnswerTaken
    | ReviewAsked
    | ReviewRevealed
    | ReviewOver
    | AuditShown
    | AuditOver
    | WarningRaised
    | WarningOver
    | Bridged
    | Unbridged
    | OperatorChanged
    | OperatorGone
    | Problem,
    Field(discriminator="type"),
]
ConsoleMessage = Annotated[
    SetPresence
    | WrapUpDone
    | Accept
    | Decline
    | Take
    | Override
    | CloseCallback
    | WithdrawCallback
    | HandBack
    | EndCall
    | Watch
    | Earlier
    | Approve
    | Reject
    | Respond
    | ReviewChoice
    | ReviewVerdict
    | NextAudit
    | AuditVerdict,
    Field(discriminator="type"),
]
server_message: TypeAdapter[ServerMessage] = TypeAdapter(ServerMessage)
console_message: TypeAdapter[ConsoleMessage] = TypeAdapter(ConsoleMessage)
