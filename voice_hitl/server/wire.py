"""The console's wire types: the one source; the TypeScript types are generated from here.

Every message is a JSON object with a `type`. Times are seconds since the Unix epoch, durations seconds,
probabilities in [0, 1].
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator


class WireModel(BaseModel):
    """Base of every wire type: frozen and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


CallState = Literal["ai", "waiting", "bridging", "operator", "ended"]
PresenceState = Literal["available", "away", "break", "offered", "in_call", "wrap_up"]
SeniorityName = Literal["standard", "senior", "on_call"]
UrgencyName = Literal["low", "medium", "high", "critical"]


class ReasonView(WireModel):
    """One reason of a decision."""

    code: str
    words: str
    weight: float


class Point(WireModel):
    """Confidence and risk after one caller turn."""

    turn: int
    at: float
    confidence: float
    risk: float


class CallView(WireModel):
    """A live call in the list."""

    call_id: str
    caller: str
    pack: str
    started_at: float
    state: CallState
    safe_mode: bool
    operator_id: str | None
    operator_name: str | None
    intent: str | None
    turns: int
    points: list[Point]
    reasons: list[ReasonView]


class TranscriptEntry(WireModel):
    """One line of a transcript; an entry with the same `seq` replaces the former one."""

    seq: int
    role: Literal["caller", "agent", "operator", "system"]
    text: str
    heard: str | None  # agent lines: what the caller really heard; None while it plays
    final: bool
    at: float
    asr_confidence: float | None = None


class Attempt(WireModel):
    """One thing that was tried, and its result."""

    what: str
    result: str
    ok: bool


class BriefView(WireModel):
    """The summary an operator receives with an offer."""

    why: str
    reasons: list[ReasonView]
    urgency: Literal["low", "medium", "high", "critical"]
    who: str
    intent: str | None
    slots: dict[str, str]
    tried: list[Attempt]
    pending: str | None
    exchanges: list[TranscriptEntry]
    next_step: str


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


class WaitingView(WireModel):
    """A call that waits for a person."""

    call_id: str
    urgency: UrgencyName
    points: float  # triage's score, 0..100
    band: Literal["senior", "standard", "cleared"]
    since: float
    overridden: bool  # a person has changed its place
    rings_at: str | None  # operator id


class ApprovalView(WireModel):
    """An action that the AI wants to do and this operator is asked about."""

    approval_id: str
    call_id: str
    caller: str
    action: str  # the action's name
    summary: str  # the action in one line
    arguments: dict[str, str]
    digest: str  # of these arguments; an answer names it
    effect: Literal["read", "reversible", "irreversible"]
    amount: float | None
    risk: int  # 0..100
    reasons: list[str]  # why a person is asked, in words
    reasoning: str  # why the AI wants it
    alternatives: list[str]
    doubts: list[str]  # why it may be wrong, in words
    veto: bool  # True: done unless somebody objects; False: not done unless approved
    second: bool  # the first who was asked has not answered by half time
    expires_at: float
    seconds: float  # total time to answer, for the countdown


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


WarningCode = Literal[
    "overrides", "queue", "under_routed", "fatigue", "calibration_h", "calibration_q"
]


class WarningView(WireModel):
    """Something about the whole system that a supervisor should look at."""

    code: WarningCode
    since: float
    words: str
    evidence: dict[str, float]
    todo: str  # what to do about it


# --- server -> console ------------------------------------------------------------------------


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


class CallChanged(WireModel):
    """A live call is new or different."""

    type: Literal["call"] = "call"
    call: CallView


class CallGone(WireModel):
    """A call has ended."""

    type: Literal["call_ended"] = "call_ended"
    call_id: str
    outcome: Literal["automated", "handed_off", "abandoned", "failed"]


class TranscriptChanged(WireModel):
    """A transcript line is new or different."""

    type: Literal["transcript"] = "transcript"
    call_id: str
    entry: TranscriptEntry


class Transcript(WireModel):
    """All lines so far, sent after `watch`."""

    type: Literal["transcript_all"] = "transcript_all"
    call_id: str
    entries: list[TranscriptEntry]


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


class CallbackOffered(WireModel):
    """A callback rings at this console; over with `offer_over`, whose `call_id` is the callback's id."""

    type: Literal["callback_offer"] = "callback_offer"
    offer: CallbackOfferView


class CallbackChanged(WireModel):
    """A callback is new or stands differently; one that is neither waiting nor claimed is over."""

    type: Literal["callback"] = "callback"
    callback: CallbackView


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


class ApprovalAsked(WireModel):
    """The AI wants to act, and this operator is asked; again with the same id: it stands differently."""

    type: Literal["approval"] = "approval"
    approval: ApprovalView


class ApprovalOver(WireModel):
    """An approval needs no answer from this operator any more."""

    type: Literal["approval_over"] = "approval_over"
    approval_id: str
    status: str  # approved | rejected | responded | expired | withdrawn | caller_gone | left | ...
    message: str


class AnswerTaken(WireModel):
    """What became of this operator's answer."""

    type: Literal["answer"] = "answer"
    approval_id: str
    counted: bool
    message: str


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
        str  # equal | different | taken | lapsed | undecided | dropped | no_answer | informed | ...
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


class WarningRaised(WireModel):
    """To supervisors: a warning stands; again with the same code: it reads differently now."""

    type: Literal["warning"] = "warning"
    warning: WarningView


class WarningOver(WireModel):
    """To supervisors: a warning no longer stands."""

    type: Literal["warning_over"] = "warning_over"
    code: WarningCode


class Bridged(WireModel):
    """This operator is now talking to the caller; open `/ws/audio/{call_id}`."""

    type: Literal["bridged"] = "bridged"
    call_id: str
    epoch: int


class Unbridged(WireModel):
    """This operator is no longer talking to the caller."""

    type: Literal["unbridged"] = "unbridged"
    call_id: str
    reason: str
    message: str


class OperatorChanged(WireModel):
    """A colleague came, left or changed presence (`me` included)."""

    type: Literal["operator"] = "operator"
    operator: OperatorView


class OperatorGone(WireModel):
    """A colleague signed out."""

    type: Literal["operator_gone"] = "operator_gone"
    operator_id: str


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


# --- console -> server ------------------------------------------------------------------------


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


class Take(WireModel):
    """Take a live call that was not offered."""

    type: Literal["take"] = "take"
    call_id: str


class Override(WireModel):
    """Change the place of a waiting call; for supervisors. Reassigning names the operator (`to`)."""

    type: Literal["override"] = "override"
    call_id: str
    action: Literal["raise", "lower", "clear", "reassign"]
    why: str = Field(min_length=1, max_length=500)
    to: str | None = None


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


class HandBack(WireModel):
    """Give the call back to the AI."""

    type: Literal["hand_back"] = "hand_back"
    call_id: str
    epoch: int
    note: str = Field(default="", max_length=2000)


class EndCall(WireModel):
    """End the call for the caller as well."""

    type: Literal["end_call"] = "end_call"
    call_id: str
    epoch: int


class Watch(WireModel):
    """Receive the transcript of a call; `call_id=None` stops watching."""

    type: Literal["watch"] = "watch"
    call_id: str | None


class Approve(WireModel):
    """Let the AI do what it wants, or, with `arguments`, that with other values."""

    type: Literal["approve"] = "approve"
    approval_id: str
    digest: str
    arguments: dict[str, str] | None = None


class Reject(WireModel):
    """Do not let the AI do it."""

    type: Literal["reject"] = "reject"
    approval_id: str
    digest: str
    reason: str = Field(min_length=1, max_length=500)


class Respond(WireModel):
    """Do not let the AI do it; it says this to the caller instead."""

    type: Literal["respond"] = "respond"
    approval_id: str
    digest: str
    text: str = Field(min_length=1, max_length=500)


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


# --- REST bodies ------------------------------------------------------------------------------


class SignIn(WireModel):
    """`POST /api/v1/session`."""

    name: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=256)


class SetUp(WireModel):
    """`POST /api/v1/setup`: the one-time link makes the first account."""

    token: str
    name: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=10, max_length=256)


class DispositionBody(WireModel):
    """`POST /api/v1/calls/{call_id}/disposition`: whether the handoff was right, says who took it."""

    verdict: Literal["needed", "premature", "too_late", "not_needed"]
    note: str = Field(default="", max_length=2000)


class ExerciseBody(WireModel):
    """`POST /api/v1/exercises`: a past approval with the answer that was right, to practise on."""

    approval_id: str = Field(min_length=1, max_length=64)
    answer: Literal["approve", "reject"]  # reject: anything but what the AI proposed


Column = Literal[
    "queued", "processing", "review", "approved", "executed", "rejected", "expired", "failed"
]


class MoveView(WireModel):
    """A task came to a column."""

    column: Column
    by: str  # an operator's name, or agent | policy | caller | deadline | server; empty: nobody
    at: float
    note: str


class CardView(WireModel):
    """Something that the AI means to do, or did; the longest in its column comes first."""

    task_id: str
    call_id: str
    title: str
    moves: list[MoveView]  # oldest first


class ColumnView(WireModel):
    """A column of the work board."""

    column: Column
    oldest: float  # seconds that its oldest card has been there; 0 where there is none
    mean: float  # seconds, over its cards
    cards: list[CardView]


class WorkBoard(WireModel):
    """`GET /api/v1/work`: every task of the AI by column, from left to right."""

    columns: list[ColumnView]
    refused: int  # moves that no task may make, lately; 0 in a healthy server


class FollowUpView(WireModel):
    """Something that was not done, or may have been, and that somebody must see to."""

    approval_id: str
    call_id: str
    caller: str
    action: str
    summary: str
    arguments: dict[str, str]
    status: str  # expired | lapsed | unknown | caller_gone | draining | interrupted | failed
    words: str  # how it went, where that is known
    asked_at: float
    closed_at: float


class FollowUps(WireModel):
    """`GET /api/v1/follow-ups`: what somebody must see to, oldest first."""

    follow_ups: list[FollowUpView]


class FigureView(WireModel):
    """One figure with its 95 % interval; all three None where `note` says why there is none."""

    name: str
    label: str
    unit: Literal["share", "seconds", "score"]  # shares in [0, 1]
    n: int  # observations
    value: float | None
    low: float | None
    high: float | None
    note: str  # "not enough data", or why there is no figure


class ChartView(WireModel):
    """The moving average of overrides with its control limits."""

    value: float
    low: float
    high: float


class ShiftBinView(WireModel):
    """Everyone's accuracy in some minutes of their shifts."""

    start: float  # minutes
    end: float | None  # None: and later
    people: int
    accuracy: FigureView


class ShiftView(WireModel):
    """Accuracy over minutes on shift, of everyone together."""

    bins: list[ShiftBinView]
    drop: float | None  # from the first to the last bin that can be told
    p: float | None  # two-sided, of the trend
    note: str  # why there is no trend to tell


class BudgetView(WireModel):
    """The controller that keeps the share of calls that go to people in its band."""

    state: Literal["off", "starting", "within", "above", "below", "frozen", "conflict"]
    words: str
    price: float
    low: float  # of the band
    high: float
    share: FigureView
    hard_share: FigureView  # by hard triggers alone


class FiguresView(WireModel):
    """`GET /api/v1/figures`: the figures of the whole system, people included."""

    at: float
    window_hours: float  # that the figures look back on
    figures: list[FigureView]
    overrides: ChartView
    shift: ShiftView
    warnings: list[WarningView]  # those that stand, oldest first
    budget: BudgetView | None  # None: the policy keeps none


class Session(WireModel):
    """Who is signed in (`GET /api/v1/session`, 401 when nobody is)."""

    operator_id: str
    name: str
    role: Literal["operator", "supervisor"] = "operator"


class ErrorBody(WireModel):
    """Every REST error: what is wrong and how to mend it."""

    error: str
