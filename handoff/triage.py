"""Who is served first, and by whom: urgency with ageing, a score with bands.

Two questions, two numbers. *When*: calls wait in the order of `waited + head_start[urgency]`, so whoever
comes more than the difference of two head starts later is not served first, however urgent: the wait of the
least urgent is bounded. Everyone ages at the same rate, so the order of two calls never changes. *By whom*: a
score from 0 to 100 puts a request into a band.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from handoff.calibration import sigmoid
from handoff.commands import Decision, DecisionKind, Urgency
from handoff.policy import Policy, Triage

_URGENCIES = tuple(Urgency)
TOP = 100.0


class Band(StrEnum):
    """Who decides."""

    SENIOR = "senior"
    STANDARD = "standard"
    CLEARED = "cleared"  # the AI goes on; some are looked at afterwards


@dataclass(frozen=True, slots=True)
class Score:
    """How much a request needs a person."""

    points: float  # 0..100
    band: Band
    parts: tuple[tuple[str, float], ...]  # what it is made of, before the bounds: name, points


def score(decision: Decision, whole: Policy) -> Score:
    """Score a decision.

    ``100 * sigmoid((V - hysteresis.high) / value_scale) + risk_points * risk``, not below `clear_below` for a
    hard trigger or an operator of their own accord, plus the points of urgency and of each reason; critical
    makes it 100; bounded to [0, 100].
    """
    policy = whole.triage
    value = TOP * sigmoid((decision.value - whole.hysteresis.high) / policy.value_scale)
    risk = policy.risk * decision.risk
    parts = [("value", value), ("risk", risk)]
    if decision.kind is not DecisionKind.SOFT and value + risk < policy.clear_below:
        parts.append(("hard trigger", policy.clear_below - value - risk))
    if decision.urgency is Urgency.CRITICAL:
        parts.append(("urgency", TOP))
    else:
        parts.append(("urgency", float(getattr(policy.urgency, decision.urgency.value))))
    parts += [
        (reason.code, policy.reasons[reason.code])
        for reason in decision.reasons
        if reason.code in policy.reasons
    ]
    points = min(TOP, max(0.0, math.fsum(points for _, points in parts)))
    return Score(points, band_of(points, policy), tuple(parts))


def band_of(points: float, policy: Triage) -> Band:
    """The band of a score: above `senior_above`, below `clear_below`, or between (bounds included)."""
    if points > policy.senior_above:
        return Band.SENIOR
    return Band.CLEARED if points < policy.clear_below else Band.STANDARD


def moved(points: float, up: bool, policy: Triage) -> float:
    """A person's say: the points one band up, or one down; a person who lowers never clears."""
    if not up:
        return min(points, policy.senior_above) if points > policy.senior_above else points
    if points < policy.clear_below:
        return policy.clear_below
    return TOP


def step(urgency: Urgency, up: bool) -> Urgency:
    """The next urgency up or down, or the same at the end of the scale."""
    place = _URGENCIES.index(urgency) + (1 if up else -1)
    return _URGENCIES[min(max(place, 0), len(_URGENCIES) - 1)]


def head_start(urgency: Urgency, policy: Triage) -> float:
    """Seconds of waiting that an urgency is worth."""
    return float(getattr(policy.head_start, urgency.value))
