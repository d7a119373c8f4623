"""What turn-taking is told and what it wants: the events and commands of `call.turns`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from voice_hitl.language import Hypothesis

# --- facts ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallerStarted:
    """The caller began to speak."""


@dataclass(frozen=True, slots=True)
class CallerPaused:
    """The caller stopped; `ended` is the monotonic second in which the speech truly ended."""

    ended: float


@dataclass(frozen=True, slots=True)
class CallerResumed:
    """The caller went on within the pause."""


@dataclass(frozen=True, slots=True)
class PartialHeard:
    """Words so far, and how complete they sound (0..1)."""

    completeness: float


@dataclass(frozen=True, slots=True)
class TranscriptReady:
    """The closed turn's final transcript."""

    hypothesis: Hypothesis


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """The first sentence of a reply (or of a notice) is on its way to the caller."""


@dataclass(frozen=True, slots=True)
class StillAtWork:
    """Nothing plays and no turn is open, but the agent is not done with the last one."""


@dataclass(frozen=True, slots=True)
class ActedOn:
    """The agent means to act on the turn: what the caller says from here on is a turn of its own."""


@dataclass(frozen=True, slots=True)
class ReplyOver:
    """Everything there was to say has been played, or the turn needed no reply."""


@dataclass(frozen=True, slots=True)
class DigitsPressed:
    """DTMF keys are a turn of their own."""

    digits: str


@dataclass(frozen=True, slots=True)
class Hold:
    """A person is coming: stop answering."""


@dataclass(frozen=True, slots=True)
class Release:
    """The AI answers again."""


@dataclass(frozen=True, slots=True)
class HungUp:
    """The call is over."""


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """`next_deadline()` has come."""


TurnEvent: TypeAlias = (
    CallerStarted
    | CallerPaused
    | CallerResumed
    | PartialHeard
    | TranscriptReady
    | ReplyStarted
    | StillAtWork
    | ActedOn
    | ReplyOver
    | DigitsPressed
    | Hold
    | Release
    | HungUp
    | DeadlinePassed
)


# --- intentions -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CloseUtterance:
    """The turn is over: ask for the final transcript.

    `ended` is when the caller truly fell silent, `complete` whether the words so far made a sentence
    (likelier than not), for latency.
    """

    ended: float
    complete: bool


@dataclass(frozen=True, slots=True)
class DropUtterance:
    """What the caller says or just said does not count: no transcript of it is wanted."""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """The caller speaks over the agent: stop playing at once."""


@dataclass(frozen=True, slots=True)
class SayUnheard:
    """The interruption held no words: say again what was cut off."""


@dataclass(frozen=True, slots=True)
class NothingSaid:
    """The closed turn held no words, and cut nothing off."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A turn to understand and answer; exactly one of the first three is set."""

    hypothesis: Hypothesis | None = None
    digits: str | None = None
    silence: float | None = None
    interruptions: int = 0
    new: Hypothesis | None = None  # what of `hypothesis` was no turn before; None: all of it


@dataclass(frozen=True, slots=True)
class KeepTranscript:
    """A turn nobody answers (a person has the call): only keep and show it."""

    hypothesis: Hypothesis


@dataclass(frozen=True, slots=True)
class ThoughtTooLong:
    """No reply came in time: fill the silence; `times` counts from 1 within the turn."""

    times: int


TurnCommand: TypeAlias = (
    CloseUtterance
    | DropUtterance
    | Interrupt
    | SayUnheard
    | NothingSaid
    | Answer
    | KeepTranscript
    | ThoughtTooLong
)
