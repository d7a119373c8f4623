"""Figures of a model that may say "not me": outside turns told apart, calibration, what routing buys.

All take arrays of one length n, a place a turn. `right` is False for every outside turn: nothing an
automatic path does with one is right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from handoff.calibration import ece

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
BINS = 15
OUTSIDE_SHARE = 0.05  # of the mix in which budgets are spent
BUDGETS = (0.05, 0.10, 0.15)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a model said of n turns, and what was true."""

    right: Bools  # the named intent was the one meant
    outside: Bools  # no intent fits
    confidence: Floats  # P(right), given that some intent fits
    novelty: Floats  # higher: more likely outside
    trust: Floats  # higher: more likely right, outside turns included; routed from the lowest

    def rows(self, at: NDArray[np.int64]) -> Judged:
        """The turns of some row numbers, with repeats."""
        return Judged(*(getattr(self, name)[at] for name in Judged.__slots__))


@dataclass(frozen=True, slots=True)
class Spent:
    """What came of routing the least trusted share of turns to people."""

    routed_wrong: float  # share of the routed that would have been wrong
    error_left: float  # share of wrong ones among the turns not routed


def accuracy(found: Judged) -> float:
    """Share of turns inside that were named right; NaN without any."""
    inside = ~found.outside
    return float(found.right[inside].mean()) if inside.any() else float("nan")


def auroc(found: Judged) -> float:
    """Area under the ROC curve of novelty, outside positive; NaN when all turns are of one kind."""
    if found.outside.all() or not found.outside.any():
        return float("nan")
    return float(roc_auc_score(found.outside, found.novelty))


def fpr95(found: Judged) -> float:
    """Share of outside turns accepted at the novelty that accepts 95 % of the others; NaN as `auroc`."""
    if found.outside.all() or not found.outside.any():
        return float("nan")
    inside = np.sort(found.novelty[~found.outside])
    limit = inside[int(np.ceil(0.95 * len(inside))) - 1]
    return float((found.novelty[found.outside] <= limit).mean())


def calibration_error(found: Judged) -> float:
    """Expected calibration error of confidence on turns inside, 15 bins of equal mass; NaN without any."""
    inside = ~found.outside
    if not inside.any():
        return float("nan")
    return ece(found.confidence[inside], found.right[inside], BINS)


def aurc(found: Judged, seed: int = 0) -> float:
    """Area under the risk-coverage curve, 0 best (Geifman & El-Yaniv 2017); outside turns are errors.

    The mean, over every coverage 1/n .. 1, of the error among the most trusted; ties in random order.
    """
    wrong = ~found.right[_least_trusted_first(found.trust, seed)[::-1]]
    return float((np.cumsum(wrong) / np.arange(1, len(wrong) + 1)).mean())


def mix_weights(outside: Bools) -> Floats:
    """Weights that make outside turns `OUTSIDE_SHARE` of all; all 1 when turns are of one kind."""
    weights = np.ones(len(outside))
    count = int(outside.sum())
    if 0 < count < len(outside):
        weights[outside] = OUTSIDE_SHARE / (1 - OUTSIDE_SHARE) * (len(outside) - count) / count
    return weights


def spend(found: Judged, budget: float, seed: int = 0) -> Spent:
    """Route the least trusted `budget` of the weighted mix; the turn on the edge is routed in part."""
    order = _least_trusted_first(found.trust, seed)
    weights = mix_weights(found.outside)[order]
    wrong = ~found.right[order]
    before = np.cumsum(weights) - weights
    routed = np.clip(budget * weights.sum() - before, 0.0, weights)
    return _spent(weights, wrong, routed)


def rule_spend(found: Judged, routes: Bools) -> tuple[float, Spent]:
    """What a fixed rule routes of the weighted mix, and what comes of it; NaN shares of nothing."""
    weights = mix_weights(found.outside)
    routed = weights * routes
    return float(routed.sum() / weights.sum()), _spent(weights, ~found.right, routed)


def _spent(weights: Floats, wrong: Bools, routed: Floats) -> Spent:
    kept = weights - routed
    return Spent(
        float(routed[wrong].sum() / routed.sum()) if routed.sum() > 0 else float("nan"),
        float(kept[wrong].sum() / kept.sum()) if kept.sum() > 0 else float("nan"),
    )


def _least_trusted_first(trust: Floats, seed: int) -> NDArray[np.int64]:
    chance = np.random.default_rng(seed).random(len(trust))
    return np.lexsort((chance, trust))
