"""Events of one call, which a `CallEngine` reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from handoff.events.common import DeadlinePassed, ServerDraining
from handoff.events.turn import DialogueFacts, IntentFacts, SpeechFacts


class Effect(StrEnum):
    """What an action does to the world; decides how much oversight it gets."""

    READ = "read"
    REVERSIBLE = "reversible"
    IRREVERSIBLE = "irreversible"


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
