"""Fitting a head: logistic, L2 towards prior weights, no weight negative; and a map that calibrates it.

Features that the labels say nothing about (always 0) keep their prior weight, so that a head fitted on
records without sound still knows what a bad line means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.isotonic import IsotonicRegression

from handoff.calibration import Isotonic, Platt, sigmoid, sigmoids
from handoff.risk import Head
from handoff.signals import CODES
from handoff.signed import minimise, platt

Floats = NDArray[np.float64]
ENOUGH_FOR_ISOTONIC = (
    1000  # labels, where its freedom does no harm (Niculescu-Mizil & Caruana 2005)
)
SLOPE_STRENGTH = (
    10.0  # how strongly a calibrating slope is held to 1: as a head's weights to theirs
)


@dataclass(frozen=True, slots=True)
class CalibratedHead(Head):
    """A head whose probabilities pass through a rising line; more trouble still never lowers them."""

    line: Isotonic

    def probability(self, troubles: Sequence[float]) -> float:
        """P in (0, 1)."""
        return self.line(Head.probability(self, troubles))

    @property
    def calm(self) -> float:
        """P when there is no trouble at all."""
        return self.line(sigmoid(self.intercept))


def fit_head(
    troubles: ArrayLike,
    labels: ArrayLike,
    *,
    prior: Head,
    strength: float = 10.0,
    nuisance: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> Head:
    """Fit by projected Newton steps.

    `troubles` (n, len(CODES)), not negative; `labels` (n,) 0 or 1; minimises
    sum(count * log loss) + strength / 2 * |weights - prior weights|^2, weights >= 0. `nuisance` (n, m) are
    columns that explain labels but are no trouble (how old the call is): they are fitted along and left out,
    and the intercept is then set so that the mean prediction is the mean label. `weights` (n,), not
    negative, are the rows' counts; None: each counts once. Raises `ValueError` on shapes that do not match,
    labels of one kind only, or counts that are negative or not finite.
    """
    x = np.asarray(troubles, dtype=np.float64)
    y = np.asarray(labels, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != len(CODES) or y.shape != (len(x),):
        raise ValueError(f"troubles must be (n, {len(CODES)}) and labels (n,)")
    counts = _counts(weights, len(x))
    if len(set(y[counts > 0].tolist())) < 2:
        raise ValueError("labels of both kinds are needed")
    extra = np.empty((len(x), 0)) if nuisance is None else np.asarray(nuisance, dtype=np.float64)
    if extra.ndim != 2 or len(extra) != len(x):
        raise ValueError("nuisance must be (n, m)")
    extra = extra - np.average(extra, axis=0, weights=counts)
    design = np.hstack([x, extra, np.ones((len(x), 1))])
    centre = np.zeros(design.shape[1])
    centre[: len(CODES)] = prior.weights
    start = centre.copy()
    start[-1] = prior.intercept
    held = np.arange(design.shape[1]) < len(CODES)
    pull = np.where(held, strength, 1e-6)  # the others: only to keep the system solvable
    kept = minimise(design, y, centre, pull, held, counts=counts, start=start)[: len(CODES)]
    rounded = tuple(round(float(weight), 4) for weight in kept)
    return Head(_intercept(x @ kept, y, counts), rounded)


def fit_map(
    logits: ArrayLike, labels: ArrayLike, *, weights: ArrayLike | None = None
) -> Platt | Isotonic:
    """The map from a head's log odds to calibrated probabilities that so many labels can bear.

    `logits` (n,) must be of rows that the head was not fitted on; `labels` (n,) 0 or 1, `weights` as in
    `fit_head`. Below `ENOUGH_FOR_ISOTONIC` labels it is Platt's, with the slope held to 1 by
    `SLOPE_STRENGTH`; above, isotonic, kept off 0 and 1 as Laplace's rule would (an event never seen is not
    impossible). Raises `ValueError` as `fit_head` does.
    """
    z = np.asarray(logits, dtype=np.float64)
    y = np.asarray(labels, dtype=np.float64)
    if z.ndim != 1 or y.shape != z.shape:
        raise ValueError("logits and labels must be two lists of one length")
    counts = _counts(weights, len(z))
    if len(set(y[counts > 0].tolist())) < 2:
        raise ValueError("labels of both kinds are needed")
    if int((counts > 0).sum()) < ENOUGH_FOR_ISOTONIC:
        found = platt(z, y, counts, SLOPE_STRENGTH)
        return Platt(round(found.slope, 4), round(found.offset, 4))
    model = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    model.fit(sigmoids(z), y, sample_weight=counts)
    margin = 1 / (len(z) + 2)
    return Isotonic(
        tuple(float(value) for value in model.X_thresholds_),
        tuple(float(value) for value in np.clip(model.y_thresholds_, margin, 1 - margin)),
    )


def calibrated(head: Head, found: Platt | Isotonic) -> Head:
    """The head with a map behind it; Platt's is folded into the weights."""
    if isinstance(found, Isotonic):
        return CalibratedHead(head.intercept, head.weights, found)
    scaled = tuple(round(found.slope * weight, 4) for weight in head.weights)
    return Head(round(found.slope * head.intercept + found.offset, 4), scaled)


def _counts(weights: ArrayLike | None, rows: int) -> Floats:
    counts = np.ones(rows) if weights is None else np.asarray(weights, dtype=np.float64)
    if counts.shape != (rows,):
        raise ValueError("weights must be (n,)")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise ValueError("weights must be finite and not negative")
    return counts


def _intercept(scores: Floats, y: Floats, counts: Floats) -> float:
    """The intercept at which the mean prediction is the mean label, by bisection."""
    low, high = -30.0, 30.0
    wanted = np.average(y, weights=counts)
    for _ in range(100):
        middle = (low + high) / 2
        mean = float(np.average(sigmoids(scores + middle), weights=counts))
        low, high = (middle, high) if mean < wanted else (low, middle)
    return round((low + high) / 2, 4)
