"""Other hysteresis marks, where a new model would leave the policy's budget.

Costs say which handoffs are worth it (V above 0), the budget how many there may be. Both marks are moved
together, as little as brings the share of routed calls back to the edge of the band; never below 0, where a
handoff costs more than it saves. Marks are for good, `handoff.budget`'s price for the hour: V is reckoned at
the price that it starts from, so that what the budget has done already is not done twice.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from handoff.commands import DecisionKind
from handoff.events import FloorReported
from handoff.learning.judging import Shortage
from handoff.policy import Hysteresis, Policy
from handoff.ports import FactRecord
from handoff.replay import replay
from handoff.risk import Latch, Models

MIN_CALLS = 100
OUT_OF_REACH = 1e9  # cost units: with such marks the value rule never fires
STEP = 0.01  # cost units; marks finer than that mean nothing


@dataclass(frozen=True, slots=True)
class CallValues:
    """What one call was worth handing off, turn by turn, until a hard trigger or a person took it."""

    values: tuple[float, ...]
    hard: bool  # a hard trigger took it


@dataclass(frozen=True, slots=True)
class Marks:
    """A proposal to move the marks."""

    high: float
    low: float
    calls: int
    share_before: float  # of calls routed with the present marks
    share_after: float
    share_hard: float  # of calls that hard triggers alone route

    @property
    def diff(self) -> dict[str, Any]:
        """The change of the policy, to be laid over it."""
        return {"hysteresis": {"high": self.high, "low": self.low}}


def call_values(facts: Iterable[FactRecord], policy: Policy, models: Models) -> CallValues:
    """The values of a past call under a policy and models, whatever the marks, at `costs.price`.

    A call that a person took in the past ends there: what would have followed is not known.
    """
    marks = policy.hysteresis.model_copy(update={"high": OUT_OF_REACH, "low": OUT_OF_REACH})
    values: list[float] = []
    last = 0
    base = (_at_price(fact, policy.costs.price) for fact in facts)
    for decision in replay(base, policy.model_copy(update={"hysteresis": marks}), models):
        if decision.hand_off:
            return CallValues(tuple(values), decision.kind is DecisionKind.HARD)
        if decision.turn > last:  # not what a trigger was decided on in between
            values.append(decision.value)
            last = decision.turn
    return CallValues(tuple(values), False)


def propose_marks(calls: Sequence[CallValues], policy: Policy) -> Marks | Shortage | None:
    """Marks that bring the routed share into `policy.budget`; None where they are well as they are.

    None also where marks do not decide (the rule is `simple`), and where no marks at or above 0 could help:
    hard triggers alone exceed the band, or too few calls are worth a handoff.
    """
    if policy.rule == "simple":
        return None
    if len(calls) < MIN_CALLS:
        return Shortage("recorded calls", len(calls), MIN_CALLS)
    marks = policy.hysteresis
    band = policy.budget
    before = routed_share(calls, marks)
    hard = sum(call.hard for call in calls) / len(calls)
    if band.low <= before <= band.high or (before > band.high and hard >= band.high):
        return None
    upwards = before > band.high

    def back_in_band(step: int) -> bool:
        share = routed_share(calls, _moved(marks, step if upwards else -step))
        return share <= band.high if upwards else share >= band.low

    # The share never rises with the marks, so the smallest step that does can be searched by halves.
    most = _steps(calls, marks, upwards)
    step = min(1 + bisect_left(range(1, most + 1), True, key=back_in_band), most)
    moved = _moved(marks, step if upwards else -step)
    after = routed_share(calls, moved)
    if after == before:
        return None
    return Marks(moved.high, moved.low, len(calls), before, after, hard)


def routed_share(calls: Sequence[CallValues], marks: Hysteresis) -> float:
    """The share of calls that are handed off at least once with these marks."""
    return sum(call.hard or _fires(call.values, marks) for call in calls) / len(calls)


def _at_price(fact: FactRecord, price: float) -> FactRecord:
    if fact.kind != FloorReported.__name__:
        return fact
    return replace(fact, values={**fact.values, "price": price})


def _fires(values: Sequence[float], marks: Hysteresis) -> bool:
    latch = Latch(marks)
    return any(latch.turn(value) for value in values)


def _steps(calls: Sequence[CallValues], marks: Hysteresis, upwards: bool) -> int:
    """How many steps it can take at most."""
    if not upwards:
        return math.ceil(max(marks.high, marks.low, 0.0) / STEP)
    most = max((value for call in calls for value in call.values), default=0.0)
    return max(0, math.ceil((most - marks.low) / STEP) + 1)


def _moved(marks: Hysteresis, steps: int) -> Hysteresis:
    def shifted(mark: float) -> float:
        there = mark + steps * STEP
        return round(there if steps > 0 else max(there, min(mark, 0.0)), 2)

    return marks.model_copy(update={"high": shifted(marks.high), "low": shifted(marks.low)})
