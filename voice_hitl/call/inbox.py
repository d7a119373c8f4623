"""What a call's owner task is told: the one FIFO of a call, and the facts it carries.

A few events a second arrive here. The inbox is bounded; when it is full the call is beyond saving in
order, so its owner gets `InboxOverflow`, which fails that one call towards its fallback.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from handoff.approvals.messages import Execute, Permit, RefuseClaim, TellAgent, TellCaller
from handoff.events import (
    FloorReported,
    HandedBack,
    NobodyAvailable,
    OperatorAssigned,
    OperatorEndedCall,
    OperatorLost,
    SecondOpinion,
    TakeoverAsked,
)
from handoff.moderation import Judgement
from voice_hitl.agent.protocol import Acted, Done, Proposal, Sentence, Understanding, Verdict
from voice_hitl.errors import VoiceHitlError
from voice_hitl.language import Hypothesis

INBOX_SIZE = 1024
Result = TypeVar("Result")


class InboxOverflow(VoiceHitlError):
    """A call's owner fell hopelessly behind."""


def answer(question: asyncio.Future[Result], answer: Result) -> None:
    """Answer a side task that asked the owner something, unless it was cancelled."""
    if not question.done():
        question.set_result(answer)


# --- from listening ---


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """The caller speaks since monotonic second `onset`."""

    onset: float


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The caller paused; speech truly ended at monotonic second `ended`."""

    ended: float


@dataclass(frozen=True, slots=True)
class SpeechWentOn:
    """The caller went on within the pause."""


@dataclass(frozen=True, slots=True)
class PartialCame:
    """Words so far of utterance number `utterance`."""

    utterance: int
    hypothesis: Hypothesis


@dataclass(frozen=True, slots=True)
class FinalCame:
    """The transcript of a closed utterance."""

    utterance: int
    hypothesis: Hypothesis
    seconds: float


@dataclass(frozen=True, slots=True)
class RecognitionFailed:
    """A closed utterance could not be recognized."""

    utterance: int
    detail: str


@dataclass(frozen=True, slots=True)
class DigitCame:
    """A DTMF key."""

    digit: str


# --- from the turn task; `task` numbers it, so that a cancelled one's leftovers are told apart ---


@dataclass(frozen=True, slots=True)
class UnderstandingCame:
    """A turn is understood; `go` is answered with whether the agent should reply."""

    task: int
    understanding: Understanding
    go: asyncio.Future[bool]
    goes_on: bool = False  # it begins with the turn that the agent read before, which is void


@dataclass(frozen=True, slots=True)
class Overheard:
    """What a caller said while a person is being called, as the agent understands it; None: it could not."""

    task: int
    understanding: Understanding | None


@dataclass(frozen=True, slots=True)
class LineJudged:
    """Moderation has something to say of a sentence of the agent; counts however its turn goes on."""

    judgement: Judgement
    text: str


@dataclass(frozen=True, slots=True)
class ProposalCame:
    """The agent wants to act; `verdict` is answered once it is known."""

    task: int
    proposal: Proposal
    verdict: asyncio.Future[Verdict]


@dataclass(frozen=True, slots=True)
class GateSaid:
    """The approval gate has news of a proposal of this call."""

    said: Permit | Execute | RefuseClaim | TellAgent | TellCaller


@dataclass(frozen=True, slots=True)
class ActedCame:
    """An allowed action was tried."""

    task: int
    acted: Acted


@dataclass(frozen=True, slots=True)
class ClipCame:
    """A piece of a sentence's sound; `first` opens the sentence, `last` completes it."""

    task: int
    sentence: Sentence
    chunk: bytes
    first: bool
    last: bool


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """The agent has nothing more to say to this turn."""

    task: int
    done: Done | None


@dataclass(frozen=True, slots=True)
class ReplyBroke:
    """The agent or the voice failed in this turn."""

    task: int
    component: str
    detail: str


# --- from playback ---


@dataclass(frozen=True, slots=True)
class SentenceStarted:
    """A sentence's first frame was sent at monotonic second `at`."""

    sentence_id: int
    at: float


@dataclass(frozen=True, slots=True)
class SentencePlayed:
    """The caller heard a whole sentence."""

    sentence_id: int


@dataclass(frozen=True, slots=True)
class PlaybackIdle:
    """Nothing is left to play."""


# --- from people and the line ---


@dataclass(frozen=True, slots=True)
class FloorSaid:
    """The floor, a reviewer or an operator's console reports something of this call."""

    event: (
        OperatorAssigned
        | NobodyAvailable
        | FloorReported
        | HandedBack
        | OperatorEndedCall
        | OperatorLost
        | SecondOpinion
        | TakeoverAsked
    )


@dataclass(frozen=True, slots=True)
class LegAttached:
    """The operator's audio socket is connected."""

    epoch: int


@dataclass(frozen=True, slots=True)
class LegDetached:
    """The operator's audio socket is gone."""

    epoch: int


@dataclass(frozen=True, slots=True)
class LegSpoke:
    """The operator's first frame went to the caller."""

    epoch: int


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """The carrier closed the stream: the caller hung up."""


@dataclass(frozen=True, slots=True)
class Draining:
    """The server wants this call to end well."""


@dataclass(frozen=True, slots=True)
class Wake:
    """A deadline has come."""


InboxEvent: TypeAlias = (
    SpeechBegan
    | SpeechStopped
    | SpeechWentOn
    | PartialCame
    | FinalCame
    | RecognitionFailed
    | DigitCame
    | UnderstandingCame
    | Overheard
    | LineJudged
    | ProposalCame
    | GateSaid
    | ActedCame
    | ClipCame
    | ReplyDone
    | ReplyBroke
    | SentenceStarted
    | SentencePlayed
    | PlaybackIdle
    | FloorSaid
    | LegAttached
    | LegDetached
    | LegSpoke
    | StreamClosed
    | Draining
    | Wake
)


class Inbox:
    """The bounded FIFO of one call."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[InboxEvent] = asyncio.Queue(INBOX_SIZE)
        self._error: Exception | None = None

    def post(self, event: InboxEvent) -> None:
        """Append an event. Into a full inbox it is lost, which fails the call."""
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._error = InboxOverflow(f"{INBOX_SIZE} events wait; the call's owner is stuck")

    def fail(self, error: Exception) -> None:
        """Something outside the owner broke this call: the owner's next `get` raises it."""
        self._error = error
        self.post(Wake())

    def rest(self) -> list[InboxEvent]:
        """Hand out, oldest first, what nobody will wait for any more."""
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]

    async def get(self) -> InboxEvent:
        """The next event, waiting for one; raise what failed the call."""
        event = await self._queue.get()
        if self._error is not None:
            raise self._error
        return event
