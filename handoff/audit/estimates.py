"""How often the automation was wrong, from audits that were not drawn evenly.

Each audited item stands for 1 / p items like it, p being the probability with which it was drawn, so risky
things that are audited more often do not make everything look worse. Two estimates:

- *inverse*: sum of weights of the wrong, over the number of all automated items (Horvitz & Thompson 1952).
  Unbiased if all that were drawn are answered.
- *normalised*: the same over the sum of weights (Hajek 1971). Its bias vanishes as audits grow; steadier, and
  needs no count of all items. Use this one to look at; the other to check it.

Weights are clipped at `clip` (Ionides 2008): without it one item drawn with p = 0.001 outweighs all others.
Clipping takes away from *inverse* what items with p < 1 / clip stand for beyond it, so it is biased downwards
by at most the share of such items that are wrong; at the default rates p is never below 1 / clip = 0.02, and
there is no bias. `clipped` counts them.

Drawn items without an answer (open, or the auditor was unsure) are taken to be like those with one; then
*inverse* is scaled up by the weight that is missing. If auditors are unsure of the wrong ones, both are low.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from handoff.intervals import Z95, wilson
from handoff.policy.audit import CLIP


@dataclass(frozen=True, slots=True)
class Audited:
    """A drawn item: how it was drawn, and what the auditor said."""

    propensity: float  # in (0, 1]
    wrong: bool | None  # None: not answered, or unsure


@dataclass(frozen=True, slots=True)
class Estimate:
    """An error rate with its standard error over repeated draws, and a 95 % interval within [0, 1]."""

    value: float  # an inverse estimate may exceed 1
    error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """What audits say of a set of automated items; None where they say nothing."""

    population: int | None  # automated items that could have been drawn
    drawn: int
    answered: int
    clipped: int  # answered items whose weight was cut
    inverse: Estimate | None
    normalised: Estimate | None


def error_rate(
    audited: Iterable[Audited], population: int | None = None, *, clip: float = CLIP
) -> ErrorRate:
    """Estimate the share of `population` items that were wrong, from those that were drawn.

    Errors are those of drawing alone, each item on its own: the variance of Poisson sampling (Särndal et al.
    1992, section 3.5), linearised for the normalised one. Intervals are Wilson's on the number of even draws
    that would be as exact (Korn & Graubard 1998). Raises `ValueError` for a propensity outside (0, 1], a clip
    below 1 or a population smaller than what was drawn from it.
    """
    drawn = list(audited)
    if any(not 0 < item.propensity <= 1 for item in drawn):
        raise ValueError("a propensity must be above 0 and at most 1")
    if not clip >= 1:
        raise ValueError("clip must be at least 1")
    if population is not None and population < len(drawn):
        raise ValueError(f"{len(drawn)} items cannot be drawn from {population}")
    found = [
        (min(clip, 1 / item.propensity), item.propensity, float(item.wrong))
        for item in drawn
        if item.wrong is not None
    ]
    clipped = sum(clip * p < 1 for _, p, _ in found)
    total = sum(w for w, _, _ in found)
    if not found:
        return ErrorRate(population, len(drawn), 0, 0, None, None)

    bad = sum(w * y for w, _, y in found)
    kish = total**2 / sum(w * w for w, _, _ in found)  # even draws by the weights alone (Kish 1965)
    share = bad / total
    spread = math.sqrt(sum((1 - p) * (w * (y - share)) ** 2 for w, p, y in found)) / total
    normalised = _estimate(share, spread, kish)
    inverse = None
    if population:
        heard = total / sum(min(clip, 1 / item.propensity) for item in drawn)
        error = math.sqrt(sum((1 - p) * (w * y) ** 2 for w, p, y in found))
        inverse = _estimate(bad / heard / population, error / heard / population, kish)
    return ErrorRate(population, len(drawn), len(found), clipped, inverse, normalised)


def _estimate(value: float, error: float, kish: float) -> Estimate:
    if 0 < value < 1 and error > 0:
        even = value * (1 - value) / error**2
        return Estimate(value, error, *wilson(value * even, even))
    if value >= 1 and error > 0:
        return Estimate(value, error, min(1.0, value - Z95 * error), 1.0)
    if value in (0.0, 1.0):  # none or all wrong: no spread was seen, which is not certainty
        return Estimate(value, error, *wilson(value * kish, kish))
    return Estimate(value, error, value, value)  # everything was audited
