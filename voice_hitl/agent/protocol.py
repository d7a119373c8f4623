"""What the server asks of any agent.

A turn has two steps, so that the decision core can hand the call off before the agent answers or acts:
`understand` (fast, free of side effects) and `respond` (speaks, proposes actions, runs tools).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from handoff.events import DialogueFacts, Effect, IntentFacts
from voice_hitl.language import Expectation, Hypothesis


@dataclass(frozen=True, slots=True)
class Heard:
    """One caller turn as the agent gets it; exactly one of the three is set."""

    hypothesis: Hypothesis | None = None
    digits: str | None = None
    silence: float | None = None  # seconds in which the caller said nothing
    interruptions: int = 0  # barge-ins since the last turn
    interrupted_text: str | None = None  # what the caller heard of the reply they cut off
    goes_on: bool = (
        False  # begins with the turn before, of which nothing was answered: that one is void
    )


@dataclass(frozen=True, slots=True)
class Understanding:
    """What the agent makes of a turn, before it does anything."""

    text: str  # the reading the agent chose, maybe an alternative
    intent: IntentFacts
    dialogue: DialogueFacts
    slots: Mapping[str, str]  # all that is known now, display form
    state: Any = None  # the agent's own; handed back to `respond`
    hides: bool = False  # `text` hides something sensitive: people see it and not what was heard


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence to speak."""

    text: str
    kind: str = "answer"  # answer | question | confirmation | apology | refusal | notice


@dataclass(frozen=True, slots=True)
class Proposal:
    """The agent wants to act; the server answers through `Conversation.verdict`."""

    action_id: str
    name: str
    arguments: Mapping[str, str]
    effect: Effect
    summary: str  # one line for an operator
    amount: float | None = None
    regulated: str | None = None
    limit: float | None = None  # the largest amount that the agent may move alone
    over_limit: bool = False
    reasoning: str = ""  # why, for whoever is to approve it
    alternatives: tuple[str, ...] = ()  # what could be done instead, in words for an operator
    sensitive: tuple[str, ...] = ()  # arguments whose values nobody is shown and nothing keeps


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a proposal."""

    allowed: bool
    reason: str = ""  # why not: a code, or a person's words
    arguments: Mapping[str, str] | None = None  # a person's edits: run with these instead
    advice: str = ""  # what a person wants the caller to be told instead


@dataclass(frozen=True, slots=True)
class Acted:
    """An action was tried."""

    action_id: str
    name: str
    effect: Effect
    ok: bool
    result: str  # one line for an operator
    certain: bool = True  # False: no answer to rely on, it may have happened all the same


@dataclass(frozen=True, slots=True)
class Done:
    """The reply is complete."""

    pending: str | None = None  # what the agent now waits for, in words for an operator
    expectation: Expectation = Expectation()
    end_call: bool = False
    awaits_keys: bool = False  # for a number that may be keyed in: a 0 within it calls no person
    sensitive: bool = False  # for something that nobody is shown: hidden until it is understood


AgentEvent = Sentence | Proposal | Acted | Done


class Conversation(Protocol):
    """One call's agent.

    Its methods are called one at a time; an `understand` whose answer nobody wants any more is waited for.
    Between the events of `respond` come `verdict` and `completeness`, in the thread of the event loop.
    A caller who goes on before they hear anything of an answer ends the turn's work: `respond` is not begun,
    or its generator is closed, and the words come again as the beginning of the next turn, with `goes_on`.
    """

    def greeting(self) -> list[Sentence]:
        """What to say first."""

    def understand(self, heard: Heard) -> Understanding:
        """Read a turn; pure but for the conversation's own memory; at most 10 ms, on a ladder its slice."""

    def respond(
        self, understanding: Understanding, *, safe_mode: bool
    ) -> AsyncIterator[AgentEvent]:
        """Answer. After a `Proposal` the consumer calls `verdict` before it takes the next event.

        Raises `AgentError`; a failing tool is an `Acted(ok=False)`, not an exception.
        """

    def verdict(self, action_id: str, verdict: Verdict) -> None:
        """Answer a proposed action. Without an answer it is refused."""

    def resume(self, note: str) -> list[Sentence]:
        """A person has handed the call back; what to say first."""

    def completeness(self, partial: str) -> float:
        """P(the caller has finished) from the words so far, 0..1; under 1 ms."""


@runtime_checkable
class Withdraws(Protocol):
    """What a conversation may have besides, whose `understand` can take long."""

    def withdraw(self) -> None:
        """What `understand` reads, in another thread, is wanted no more: let it end soon."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A part of the call in which another agent spoke."""

    heard: Heard | None  # the caller's turn; None: the agent heard it itself, or nobody had spoken
    said: str  # what was answered; empty: nothing


@runtime_checkable
class CatchesUp(Protocol):
    """What a conversation may have besides, where several agents share a call (`agent.ladder`)."""

    def catch_up(self, exchange: Exchange) -> None:
        """Take in what was said without it, oldest first; called right before its next `understand`."""


class Agent(Protocol):
    """Makes conversations."""

    name: str

    def converse(self, call_id: str, parameters: Mapping[str, str]) -> Conversation:
        """Start a conversation."""

    async def aclose(self) -> None:
        """Release what the agent holds."""
