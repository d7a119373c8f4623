"""Facts that the decision core is told: frozen, complete, in the order they happened.

Two machines read them: a `CallEngine` (one call) and a `Desk` (the floor of operators).
Times are seconds on the caller of `handle(event, now)`'s monotonic clock and never part of an event.
Probabilities and confidences are in [0, 1].

Where an operator's event carries an `epoch`, it is the fencing number of the `Assign` that gave them the
call: a machine ignores one that is not the present epoch, so that a closed socket of yesterday cannot end
today's conversation. None means "whatever is present".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handoff.brief import Brief
    from handoff.commands import Decision, Urgency


class Effect(StrEnum):
    """What an action does to the world; decides how much oversight it gets."""

    READ = "read"
    REVERSIBLE = "reversible"
    IRREVERSIBLE = "irreversible"


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


# --- facts about one turn of the caller -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpeechFacts:
    """What recognition knows about one utterance."""

    confidence: float  # calibrated P(transcript right), 0..1
    words: int = 0
    lowest_word: float = 1.0  # smallest word confidence, 0..1
    revisions: int = 0  # how often a partial took back words already shown
    seconds: float = 0.0  # length of the utterance
    snr_db: float | None = None  # estimated signal-to-noise ratio


@dataclass(frozen=True, slots=True)
class IntentFacts:
    """What understanding knows about one utterance."""

    name: str | None  # top intent, None when nothing matches
    probability: float  # calibrated P(top intent right), 0..1
    margin: float = 0.0  # top minus second, 0..1
    novelty: float = 0.0  # distance to what the pack was trained on, 0 (known) .. 1 (never seen)
    disagreement: float = 0.0  # 1 - agreement with a second, differently built model, 0..1
    category: str = "general"  # the pack's category: general, financial, medical, legal, ...


@dataclass(frozen=True, slots=True)
class DialogueFacts:
    """How the conversation itself is going, as the agent sees it."""

    no_match: bool = False  # the agent could do nothing with the turn
    repeat: bool = False  # the caller said the same again
    negation: bool = False  # the caller refused or corrected ("no, not that")
    stuck_slot: int = 0  # how many times the slot now pending has been asked for
    wants_person: float = 0.0  # P(the caller asked for a person), 0..1
    frustration: float = 0.0  # 0..1
    emergency: bool = False  # danger to life or fraud under way, by the pack's own words
    interruptions: int = 0  # barge-ins in this turn


# --- events of one call -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallStarted:
    """A caller is on the line."""

    call_id: str
    caller: str  # number or name, already masked where policy says so
    pack: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class CallerSpoke:
    """A caller's turn was recognized and understood; the agent has not answered yet."""

    turn: int  # 1 for the caller's first turn
    text: str
    speech: SpeechFacts
    intent: IntentFacts
    dialogue: DialogueFacts = DialogueFacts()
    slots: Mapping[str, str] = field(default_factory=dict)  # all that is known, not only new ones


@dataclass(frozen=True, slots=True)
class CallerSilent:
    """The caller said nothing when it was their turn."""

    turn: int
    seconds: float


@dataclass(frozen=True, slots=True)
class DigitPressed:
    """A DTMF key."""

    digit: str


@dataclass(frozen=True, slots=True)
class ActionProposed:
    """The agent wants to do something; it is not done yet."""

    action_id: str
    name: str
    arguments: Mapping[str, str]
    effect: Effect
    amount: float | None = None  # in the pack's currency
    regulated: str | None = None  # a category of the policy's table, or None
    over_limit: bool = False  # above what the pack lets the agent do alone


@dataclass(frozen=True, slots=True)
class ActionRefused:
    """A proposed action is not done: policy or a person said no. Whatever its agent reports is no failure."""

    action_id: str


@dataclass(frozen=True, slots=True)
class ActionFinished:
    """A proposed action was tried."""

    action_id: str
    name: str
    effect: Effect
    ok: bool
    result: str  # one line that an operator understands


@dataclass(frozen=True, slots=True)
class AgentSpoke:
    """The agent's whole reply to a turn, as heard by the caller so far as known.

    A second one for the same turn replaces the first (the caller cut it off and heard less).
    """

    turn: int
    text: str
    kind: str  # answer | question | confirmation | apology | refusal | notice
    pending: str | None = None  # what the agent now waits for, in words for an operator


@dataclass(frozen=True, slots=True)
class StageTimed:
    """A latency stage of a turn was measured."""

    turn: int
    stage: str  # a name from DESIGN section 6, e.g. "transcript", "reply", "first_audio"
    milliseconds: float
    budget: float  # the stage's p95 budget in milliseconds


@dataclass(frozen=True, slots=True)
class ComponentFailed:
    """Recognition, synthesis, the agent or a tool broke for this call."""

    component: str  # recognizer | synthesizer | agent | tool
    detail: str


@dataclass(frozen=True, slots=True)
class FloorReported:
    """What a handoff would cost now: how long callers wait, and the price of one more routed call."""

    expected_wait: float  # seconds until a person answers
    price: float  # lambda, in the policy's cost unit; 0 or more


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """A reviewer who did not see the AI's answer would have given another one."""

    turn: int
    words: str  # what the reviewer says, one line


@dataclass(frozen=True, slots=True)
class ContentFlagged:
    """Moderation found what must not pass; `source` said it."""

    source: str  # caller | agent
    words: str  # what kind of violation, one line


@dataclass(frozen=True, slots=True)
class OperatorAssigned:
    """The desk gave this call to an operator, who accepted it."""

    operator_id: str
    operator_name: str
    epoch: int  # fencing number: a command with an older one is stale


@dataclass(frozen=True, slots=True)
class NobodyAvailable:
    """The desk tried everyone it could; nobody took the call."""

    tried: int
    request: int | None = None  # which request; one that is not the present is stale
    # nobody | draining | cleared: triage leaves the call to the AI | callback: one has been promised
    reason: str = "nobody"


@dataclass(frozen=True, slots=True)
class BridgeUp:
    """The operator's audio is connected to the caller."""

    operator_id: str
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class OperatorLost:
    """The operator's console or audio went away in the middle of a call."""

    operator_id: str
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class HandedBack:
    """The operator gives the call back to the AI."""

    operator_id: str
    note: str = ""
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class OperatorEndedCall:
    """The operator ends the call for the caller as well."""

    operator_id: str
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class TakeoverAsked:
    """An operator wants a live call that was not offered; the desk has the last word."""

    operator_id: str


@dataclass(frozen=True, slots=True)
class AgentEndedCall:
    """The agent has said goodbye; the conversation is complete."""


@dataclass(frozen=True, slots=True)
class CallerHungUp:
    """The caller is gone."""

    speaking: bool = False  # in the middle of a sentence


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """`next_deadline()` has come; sent by whoever drives the machine."""


@dataclass(frozen=True, slots=True)
class ServerDraining:
    """The server stops taking calls and wants this one to end well."""


CallEvent = (
    CallStarted
    | CallerSpoke
    | CallerSilent
    | DigitPressed
    | ActionProposed
    | ActionRefused
    | ActionFinished
    | AgentSpoke
    | StageTimed
    | ComponentFailed
    | FloorReported
    | SecondOpinion
    | ContentFlagged
    | OperatorAssigned
    | NobodyAvailable
    | BridgeUp
    | OperatorLost
    | HandedBack
    | OperatorEndedCall
    | TakeoverAsked
    | AgentEndedCall
    | CallerHungUp
    | DeadlinePassed
    | ServerDraining
)


# --- events of the floor ----------------------------------------------------------------------


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
    lost: bool = False  # the connection broke, they did not sign out


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
