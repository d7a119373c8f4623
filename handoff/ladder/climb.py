"""The machine of one turn on the ladder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from handoff.calibration import Calibration
from handoff.errors import PolicyError, ProtocolError
from handoff.events import CallerHungUp, DeadlinePassed, ServerDraining
from handoff.ladder.messages import (
    Answer,
    AskHuman,
    AskRung,
    Attempt,
    CancelRung,
    HumanAnswered,
    HumanUnavailable,
    LadderCommand,
    LadderEvent,
    LateAnswer,
    RungAnswered,
    RungFailed,
    Settle,
    TurnWithdrawn,
)
from handoff.policy import Policy


class Phase(StrEnum):
    """Who is being asked."""

    RUNG = "rung"
    HUMAN = "human"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Rung:
    """An agent of the ladder."""

    name: str
    share: float  # of the turn's budget, beside the other rungs' shares; above 0
    calibration: Calibration  # from the agent's own score to P(its answer is right)


def rungs_of(policy: Policy, calibrations: Mapping[str, Calibration]) -> tuple[Rung, ...]:
    """The policy's rungs with their calibration maps; raises `PolicyError` for one that has none."""
    missing = [rung.name for rung in policy.ladder.rungs if rung.name not in calibrations]
    if missing:
        raise PolicyError(
            f"field 'ladder.rungs': no calibration for {', '.join(missing)}: fit one, or give "
            f"Platt() if the scores are probabilities already"
        )
    return tuple(Rung(r.name, r.share, calibrations[r.name]) for r in policy.ladder.rungs)


def needed_confidence(policy: Policy, category: str) -> float:
    """How sure a rung must be in a category, 0..1."""
    ladder = policy.ladder
    general = ladder.high_risk_sufficient if category in policy.high_risk else ladder.sufficient
    return ladder.by_category.get(category, general)


class Climb:
    """The machine of one turn; asks its first rung at once."""

    __slots__ = (
        "_asked_at",
        "_at",
        "_attempts",
        "_best",
        "_call_id",
        "_category",
        "_commands",
        "_cut",
        "_deadline",
        "_ends",
        "_human_seconds",
        "_needed",
        "_policy",
        "_rungs",
        "_turn",
        "phase",
    )

    def __init__(
        self,
        call_id: str,
        turn: int,
        category: str,
        rungs: Iterable[Rung],
        policy: Policy,
        now: float,
        *,
        budget: float | None = None,
    ) -> None:
        """`budget`: seconds that the turn has left, if that is less or more than the policy's.

        Raises `ValueError` for a negative budget, shares not above 0 or two rungs of one name.
        """
        self._rungs = tuple(rungs)
        shares = [rung.share for rung in self._rungs]
        seconds = policy.ladder.budget if budget is None else budget
        if not seconds >= 0 or any(not share > 0 for share in shares):
            raise ValueError("the budget must not be negative and shares must be above 0")
        if len({rung.name for rung in self._rungs}) < len(self._rungs):
            raise ValueError("rungs must have different names")
        self.phase = Phase.RUNG
        self._call_id = call_id
        self._turn = turn
        self._needed = needed_confidence(policy, category)  # by the best answer, once there is one
        self._policy = policy
        self._category = category
        self._human_seconds = policy.ladder.human
        self._ends = [
            now + seconds * min(1.0, sum(shares[: place + 1]) / sum(shares))
            for place in range(len(shares))
        ]
        self._at = -1  # the rung that is being asked
        self._asked_at = now
        self._deadline: float | None = None
        self._best: Answer | None = None
        self._attempts: list[Attempt] = []
        self._cut: dict[str, float] = {}  # rung -> when it was cut
        self._commands: list[LadderCommand] = []
        self._ask_next(now)

    def handle(self, event: LadderEvent, now: float) -> None:
        """Take in one event; raises `ProtocolError` for a type that the table does not know."""
        self._expire(now)
        action = TABLE.get((self.phase, type(event)))
        if action is None:
            raise ProtocolError(f"call {self._call_id}: no row for {type(event).__name__}")
        action(self, event, now)

    def next_deadline(self) -> float | None:
        """When to send `DeadlinePassed`, or None once the turn is settled."""
        return self._deadline

    def take_commands(self) -> list[LadderCommand]:
        """Hand out what has to be done since the last time, in order."""
        commands, self._commands = self._commands, []
        return commands

    # --- actions ------------------------------------------------------------------------------

    def _nothing(self, _event: Any, _now: float) -> None:
        """Deadlines were seen to before; the rest does not matter here."""

    def _answered(self, event: RungAnswered, now: float) -> None:
        if not self._is_present(event.rung):
            self._late(event, now)
            return
        rung = self._rungs[self._at]
        category = self._category if event.category is None else event.category
        needed = needed_confidence(self._policy, category)
        confidence = rung.calibration(event.score) if 0.0 <= event.score <= 1.0 else float("nan")
        if not 0.0 <= confidence <= 1.0:
            self._end_attempt("failed", now)  # a score that is no score
            self._ask_next(now)
        elif confidence >= needed:
            self._end_attempt("settled", now, event.score, confidence)
            self._settle("answered", event.text, rung.name, confidence)
        else:
            if self._best is None or confidence > self._best.confidence:
                self._best = Answer(rung.name, event.text, confidence)
                self._needed = needed
            self._end_attempt("insufficient", now, event.score, confidence)
            self._ask_next(now)

    def _failed(self, event: RungFailed, now: float) -> None:
        if not self._is_present(event.rung):
            self._late(event, now)
            return
        self._end_attempt("failed", now)
        self._ask_next(now)

    def _late(self, event: RungAnswered | RungFailed, now: float) -> None:
        cut = self._cut.pop(event.rung, None)  # counted once
        if cut is not None:
            self._do(LateAnswer(self._call_id, self._turn, event.rung, now - cut))

    def _by_human(self, event: HumanAnswered, _now: float) -> None:
        self._settle("by_human", event.text, event.operator_id, None)

    def _nobody(self, _event: Any, _now: float) -> None:
        self._settle("nobody", None, None, None)

    def _withdraw(self, _event: Any, now: float) -> None:
        if self.phase is Phase.RUNG:
            self._cut_present("withdrawn", now)
        self._settle("withdrawn", None, None, None)

    # --- the rest -----------------------------------------------------------------------------

    def _expire(self, now: float) -> None:
        while self.phase is Phase.RUNG and self._deadline is not None and now >= self._deadline:
            self._cut_present("overran", now)
            self._ask_next(now)
        if self.phase is Phase.HUMAN and self._deadline is not None and now >= self._deadline:
            self._nobody(None, now)

    def _ask_next(self, now: float) -> None:
        while (at := self._at + 1) < len(self._rungs):
            self._at, self._asked_at = at, now
            if now < self._ends[at]:
                self._deadline = self._ends[at]
                self._do(AskRung(self._call_id, self._turn, self._rungs[at].name, self._deadline))
                return
            self._end_attempt("skipped", now)  # the timer was late: nothing is left of its slice
        self.phase = Phase.HUMAN
        self._deadline = now + self._human_seconds
        self._do(AskHuman(self._call_id, self._turn, self._best, self._needed, self._deadline))

    def _is_present(self, rung: str) -> bool:
        return self.phase is Phase.RUNG and self._rungs[self._at].name == rung

    def _cut_present(self, reason: str, now: float) -> None:
        name = self._rungs[self._at].name
        self._cut[name] = now
        self._do(CancelRung(self._call_id, self._turn, name, reason))
        self._end_attempt(reason, now)

    def _end_attempt(
        self, outcome: str, now: float, score: float | None = None, confidence: float | None = None
    ) -> None:
        name = self._rungs[self._at].name
        self._attempts.append(Attempt(name, outcome, now - self._asked_at, score, confidence))

    def _settle(
        self, outcome: str, text: str | None, by: str | None, confidence: float | None
    ) -> None:
        self.phase = Phase.SETTLED
        self._deadline = None
        attempts = tuple(self._attempts)
        self._do(Settle(self._call_id, self._turn, outcome, text, by, confidence, attempts))

    def _do(self, command: LadderCommand) -> None:
        self._commands.append(command)


# What every phase does on every event.
TABLE: Mapping[tuple[Phase, type], Callable[[Climb, Any, float], None]] = {
    (Phase.RUNG, RungAnswered): Climb._answered,
    (Phase.RUNG, RungFailed): Climb._failed,
    (Phase.RUNG, HumanAnswered): Climb._nothing,
    (Phase.RUNG, HumanUnavailable): Climb._nothing,
    (Phase.RUNG, TurnWithdrawn): Climb._withdraw,
    (Phase.RUNG, CallerHungUp): Climb._withdraw,
    (Phase.RUNG, ServerDraining): Climb._nothing,  # a turn is shorter than any drain
    (Phase.RUNG, DeadlinePassed): Climb._nothing,
    (Phase.HUMAN, RungAnswered): Climb._late,
    (Phase.HUMAN, RungFailed): Climb._late,
    (Phase.HUMAN, HumanAnswered): Climb._by_human,
    (Phase.HUMAN, HumanUnavailable): Climb._nobody,
    (Phase.HUMAN, TurnWithdrawn): Climb._withdraw,
    (Phase.HUMAN, CallerHungUp): Climb._withdraw,
    (Phase.HUMAN, ServerDraining): Climb._nothing,
    (Phase.HUMAN, DeadlinePassed): Climb._nothing,
    (Phase.SETTLED, RungAnswered): Climb._late,
    (Phase.SETTLED, RungFailed): Climb._late,
    (Phase.SETTLED, HumanAnswered): Climb._nothing,
    (Phase.SETTLED, HumanUnavailable): Climb._nothing,
    (Phase.SETTLED, TurnWithdrawn): Climb._nothing,
    (Phase.SETTLED, CallerHungUp): Climb._nothing,
    (Phase.SETTLED, ServerDraining): Climb._nothing,
    (Phase.SETTLED, DeadlinePassed): Climb._nothing,
}
