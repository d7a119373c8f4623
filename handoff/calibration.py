"""From scores to probabilities that mean what they say, and how far they do not.

Platt's map for two classes (`handoff.signed.fit_platt`), a temperature for a model with many (Guo et al.
2017). `handoff.fitting.fit_map` fits a head's: Platt's, or isotonic where labels are many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
EPSILON = 1e-6


class Calibration(Protocol):
    """A monotone map from scores in [0, 1] to probabilities in [0, 1]."""

    def __call__(self, score: float) -> float:
        """The probability that a score stands for."""


@dataclass(frozen=True, slots=True)
class Platt:
    """sigmoid(slope * logit(score) + offset); (1, 0) changes nothing."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, score: float) -> float:
        """The probability that a score stands for."""
        return sigmoid(self.slope * logit(score) + self.offset)


@dataclass(frozen=True, slots=True)
class Isotonic:
    """A rising line through fitted points, flat beyond them; `scores` strictly rise."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __call__(self, score: float) -> float:
        """The probability that a score stands for."""
        return float(np.interp(score, self.scores, self.probabilities))


def fit_temperature(logits: ArrayLike, classes: ArrayLike) -> float:
    """The temperature that minimises log loss of softmax(logits / T), by golden section over log T.

    `logits` (n, k), `classes` (n,) with values in 0..k-1. T lies in [0.05, 20]. Raises `ValueError` on shapes
    that do not match.
    """
    z = np.asarray(logits, dtype=np.float64)
    y = np.asarray(classes, dtype=np.int64)
    if z.ndim != 2 or len(z) == 0 or y.shape != (len(z),) or y.min() < 0 or y.max() >= z.shape[1]:
        raise ValueError("logits must be (n, k) and classes (n,) with values below k, n > 0")

    def loss(log_t: float) -> float:
        scaled = z / math.exp(log_t)
        top = scaled.max(axis=1)
        total = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        return float((total - scaled[np.arange(len(y)), y]).mean())

    low, high = math.log(0.05), math.log(20.0)
    ratio = (math.sqrt(5) - 1) / 2
    while high - low > 1e-4:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return math.exp((low + high) / 2)


def ece(
    probabilities: ArrayLike, labels: ArrayLike, bins: int = 10, weights: ArrayLike | None = None
) -> float:
    """Expected calibration error over bins of equal mass, in [0, 1] (Naeini et al. 2015).

    `weights` (n,), above 0: how much each row counts; None: all alike.
    """
    p, y = checked(probabilities, labels)
    w = None if weights is None else np.asarray(weights, dtype=np.float64)
    place, gaps = equal_mass(p, bins, w), p - y if w is None else w * (p - y)
    mass = len(p) if w is None else w.sum()
    return float(np.abs(np.bincount(place, weights=gaps)).sum() / mass)


def equal_mass(values: Floats, bins: int, weights: Floats | None = None) -> NDArray[np.int64]:
    """The bin of each value, (n,) in 0..bins-1: by size, each bin with the same weight or nearly.

    Without weights the first bins have one value more where the numbers do not divide.
    """
    order = np.argsort(values, kind="stable")
    found = np.empty(len(order), dtype=np.int64)
    if weights is None:
        sizes = [len(part) for part in np.array_split(order, bins)]
        found[order] = np.repeat(np.arange(bins), sizes)
    else:
        heaped = np.cumsum(weights[order])
        middle = (heaped - weights[order] / 2) / heaped[-1]
        found[order] = np.minimum((middle * bins).astype(np.int64), bins - 1)
    return found


def brier(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Mean squared error of probabilities, in [0, 1] (Brier 1950)."""
    p, y = checked(probabilities, labels)
    return float(((p - y) ** 2).mean())


def logit(probability: float) -> float:
    """log odds, finite for 0 and 1 as well."""
    p = min(max(probability, EPSILON), 1 - EPSILON)
    return math.log(p) - math.log1p(-p)


def sigmoid(value: float) -> float:
    """The inverse of `logit`, in (0, 1)."""
    if value >= 0:
        return 1.0 / (1.0 + math.exp(-min(value, 700.0)))
    grown = math.exp(max(value, -700.0))
    return grown / (1.0 + grown)


def sigmoids(values: Floats) -> Floats:
    """`sigmoid` of each of them."""
    result: Floats = 1.0 / (1.0 + np.exp(-np.clip(values, -700, 700)))
    return result


def checked(scores: ArrayLike, labels: ArrayLike) -> tuple[Floats, Floats]:
    """Scores, kept off 0 and 1, and labels, both (n,); raises `ValueError` for anything else."""
    x = np.asarray(scores, dtype=np.float64)
    y = np.asarray(labels, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or len(x) == 0:
        raise ValueError("scores and labels must be two lists of one length, not empty")
    if not (np.isfinite(x).all() and np.isin(y, (0.0, 1.0)).all()):
        raise ValueError("scores must be finite numbers and labels 0 or 1")
    return np.clip(x, EPSILON, 1 - EPSILON), y
