"""What the ladder of a turn is told, and what it wants done."""

from __future__ import annotations

from dataclasses import dataclass

from handoff.events import CallerHungUp, DeadlinePassed, ServerDraining


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rung would say."""

    rung: str
    text: str
    confidence: float  # calibrated, 0..1


# --- events -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RungAnswered:
    """A rung has an answer; `score` in [0, 1] is its own, not yet calibrated."""

    rung: str
    text: str
    score: float
    category: str | None = None  # what it is about, if that says more than the turn's


@dataclass(frozen=True, slots=True)
class RungFailed:
    """A rung broke."""

    rung: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class HumanAnswered:
    """A person says what the caller is to hear."""

    operator_id: str
    text: str


@dataclass(frozen=True, slots=True)
class HumanUnavailable:
    """No person will answer this turn, or one takes the whole call instead."""


@dataclass(frozen=True, slots=True)
class TurnWithdrawn:
    """The caller spoke on: nobody waits for this answer any more."""


LadderEvent = (
    RungAnswered
    | RungFailed
    | HumanAnswered
    | HumanUnavailable
    | TurnWithdrawn
    | CallerHungUp
    | ServerDraining
    | DeadlinePassed
)

# --- commands ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AskRung:
    """Ask an agent; its answer is wanted before `deadline` (monotonic seconds)."""

    call_id: str
    turn: int
    rung: str
    deadline: float


@dataclass(frozen=True, slots=True)
class CancelRung:
    """Stop an agent; reason is overran or withdrawn."""

    call_id: str
    turn: int
    rung: str
    reason: str


@dataclass(frozen=True, slots=True)
class AskHuman:
    """No rung suffices: ask a person, who is shown the best answer so far."""

    call_id: str
    turn: int
    suggestion: Answer | None
    needed: float  # the confidence that was missed
    deadline: float


@dataclass(frozen=True, slots=True)
class Attempt:
    """How asking one rung ended; outcome is settled, insufficient, overran, failed, withdrawn or skipped."""

    rung: str
    outcome: str
    seconds: float = 0.0  # from asking to the end of it
    score: float | None = None  # its own, kept to fit its calibration on labels later
    confidence: float | None = None  # calibrated


@dataclass(frozen=True, slots=True)
class Settle:
    """The turn is decided, once; outcome is answered, by_human, nobody or withdrawn.

    With nobody and withdrawn `text` is None: an answer that did not suffice is never used for want of a
    better one.
    """

    call_id: str
    turn: int
    outcome: str
    text: str | None
    by: str | None  # rung or operator
    confidence: float | None
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """A rung answered or failed after it was cut; ignored, but worth counting."""

    call_id: str
    turn: int
    rung: str
    seconds: float  # after the cut


LadderCommand = AskRung | CancelRung | AskHuman | Settle | LateAnswer
