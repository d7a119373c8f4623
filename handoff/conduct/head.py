"""*q* of an action: P(the proposed action is wrong), and why, from the facts of the agent's conduct."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from handoff.calibration import sigmoid
from handoff.commands import Reason
from handoff.conduct.reading import CODES, WORDS
from handoff.signed import fit_signed

STRENGTH = 10.0  # of the pull towards the prior, as in `fitting.fit_head`
SMALLEST_REASON = 0.02  # share of probability; less is noise, not a reason


@dataclass(frozen=True, slots=True)
class ActionRisk:
    """What is thought of one proposed action."""

    probability: float  # that the action is wrong, 0..1
    reasons: tuple[Reason, ...]  # the three largest; a weight is a share of the probability
    facts: tuple[float, ...]  # by CODES, to be logged


@dataclass(frozen=True, slots=True)
class ActionHead:
    """A logistic model over the facts; `weights` go by `CODES` and are never negative."""

    intercept: float
    weights: tuple[float, ...]
    base_rate: float  # share of wrong actions where it was fitted, 0..1 exclusive
    source: str

    def probability(self, facts: Sequence[float]) -> float:
        """P(the action is wrong), in (0, 1)."""
        logit = self.intercept + sum(w * x for w, x in zip(self.weights, facts, strict=True))
        return sigmoid(max(-30.0, min(30.0, logit)))

    def judge(self, facts: Sequence[float]) -> ActionRisk:
        """The probability with its three largest reasons: their shares of what exceeds a calm action's."""
        probability = self.probability(facts)
        excess = probability - self.probability((0.0,) * len(CODES))
        pushes = [w * x for w, x in zip(self.weights, facts, strict=True)]
        total = sum(pushes) or 1.0
        largest = sorted(zip(CODES, pushes, strict=True), key=lambda pair: -pair[1])[:3]
        reasons = tuple(
            Reason(code, WORDS[code], round(excess * push / total, 3))
            for code, push in largest
            if excess * push / total >= SMALLEST_REASON
        )
        return ActionRisk(probability, reasons, tuple(facts))

    def at(self, base_rate: float) -> ActionHead:
        """The same head where another share of actions is wrong (0..1 exclusive).

        Bayes' rule for changed priors (Saerens, Latinne & Decaestecker 2002): the log odds shift by the
        difference of the two rates' log odds; the ranking stays. Raises `ValueError` outside 0..1.
        """
        if not 0.0 < base_rate < 1.0:
            raise ValueError("a base rate lies between 0 and 1, both excluded")
        shift = _log_odds(base_rate) - _log_odds(self.base_rate)
        return replace(self, intercept=self.intercept + shift, base_rate=base_rate)


def by_codes(weights: Mapping[str, float]) -> tuple[float, ...]:
    """Weights in the order of `CODES`; codes left out weigh nothing. Raises `ValueError` on unknown codes."""
    unknown = set(weights) - set(CODES)
    if unknown:
        raise ValueError(f"unknown facts: {', '.join(sorted(unknown))}")
    return tuple(float(weights.get(code, 0.0)) for code in CODES)


def fit_action(
    facts: ArrayLike,
    bad: ArrayLike,
    *,
    prior: Sequence[float] | None = None,
    strength: float = STRENGTH,
    source: str,
) -> ActionHead:
    """Fit a head on facts (n, len(CODES)) of actions that were wrong (1) or not (0).

    `prior` (by `CODES`) defaults to `PRIOR_WEIGHTS`. Raises `ValueError` as `fit_signed` does.
    """
    believed = PRIOR_WEIGHTS if prior is None else prior
    signs = (1,) * len(CODES)
    intercept, weights = fit_signed(facts, bad, signs, believed, strength=strength)
    return ActionHead(
        round(intercept, 4),
        tuple(round(weight, 4) for weight in weights),
        round(float(np.mean(np.asarray(bad, dtype=np.float64))), 4),
        source,
    )


def _log_odds(rate: float) -> float:
    return math.log(rate) - math.log1p(-rate)


# By judgement: a detail that nobody spoke of and a failure just before weigh most, an id from nowhere double.
PRIOR_WEIGHTS = by_codes(
    {
        "many_details": 1.0,
        "unspoken_details": 1.0,
        "figures": 1.0,
        "unsaid_amount": 1.0,
        "invented_id": 2.0,
        "unlisted_details": 0.3,
        "unconfirmed": 0.5,
        "failed_before": 1.0,
        "tool_errors": 0.5,
        "repeated": 0.5,
        "refused_before": 0.5,
        "insisted": 0.5,
        "conditions": 0.5,
        "changed_mind": 0.3,
        "long_talk": 0.5,
    }
)

# `fit_action` on the agent conversations of `taubench_airline`. Half of the actions there are wrong, far more
# than in a call of a careful pack: use `SHIPPED_ACTION.at(rate)` with the share that you expect.
SHIPPED_ACTION = ActionHead(
    -2.4218,
    by_codes(
        {
            "many_details": 1.0635,
            "unspoken_details": 1.0589,
            "figures": 1.1829,
            "unsaid_amount": 1.0557,
            "invented_id": 2.0619,
            "unlisted_details": 0.2337,
            "unconfirmed": 0.4482,
            "failed_before": 0.9299,
            "tool_errors": 0.583,
            "repeated": 0.5697,
            "refused_before": 0.4684,
            "insisted": 0.5307,
            "conditions": 0.5677,
            "changed_mind": 0.3223,
            "long_talk": 0.5519,
        }
    ),
    base_rate=0.4959,
    source="taubench_airline 2026-11 (123 actions, 17 tasks), pulled to a prior by judgement",
)
