"""Logistic regression with weights of known sign, pulled towards what was believed before (L2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handoff.calibration import Platt, checked, sigmoids

Floats = NDArray[np.float64]
STEPS = 200
TOLERANCE = 1e-9


def fit_signed(
    x: ArrayLike,
    y: ArrayLike,
    signs: Sequence[int],
    prior: Sequence[float] | None = None,
    *,
    strength: float = 10.0,
) -> tuple[float, tuple[float, ...]]:
    """Fit by projected Newton steps; returns the intercept and the weights.

    `x` (n, k) finite, `y` (n,) 0 or 1, `signs` (k,): 1 for a weight that is never negative, -1 never
    positive, 0 free. Minimises sum(log loss) + strength / 2 * |weights - prior|^2; the intercept is not
    pulled. A prior of the wrong sign is taken as 0. Raises `ValueError` on shapes that do not match or
    labels of one kind only.
    """
    matrix = np.asarray(x, dtype=np.float64)
    labels = np.asarray(y, dtype=np.float64)
    sign = np.asarray(signs, dtype=np.int64)
    if matrix.ndim != 2 or labels.shape != (len(matrix),) or sign.shape != (matrix.shape[1],):
        raise ValueError("x must be (n, k), y (n,) and signs (k,)")
    if not (np.isfinite(matrix).all() and np.isin(sign, (-1, 0, 1)).all() and strength > 0):
        raise ValueError("x must be finite, signs -1, 0 or 1, and strength above 0")
    if set(labels.tolist()) != {0.0, 1.0}:
        raise ValueError("labels 0 and 1, both, are needed")
    believed = np.zeros(len(sign)) if prior is None else np.asarray(prior, dtype=np.float64)
    if believed.shape != sign.shape:
        raise ValueError("prior must be (k,)")
    flip = np.where(sign < 0, -1.0, 1.0)  # a weight that is never positive, seen in a mirror
    design = np.hstack([matrix * flip, np.ones((len(matrix), 1))])
    bounded = np.append(sign != 0, False)
    centre = np.append(believed * flip, 0.0)
    centre[bounded] = np.maximum(centre[bounded], 0.0)
    pull = np.append(np.full(len(sign), strength), 1e-9)  # the last: only to keep it solvable
    beta = minimise(design, labels, centre, pull, bounded)
    return float(beta[-1]), tuple(float(weight) for weight in beta[:-1] * flip)


def fit_platt(scores: ArrayLike, labels: ArrayLike) -> Platt:
    """Fit Platt's map to his smoothed targets (Platt 1999); scores worse than chance become the base rate.

    `scores` in [0, 1], `labels` 0 or 1, both of one length. Raises `ValueError` when they do not match or
    there is none.
    """
    x, y = checked(scores, labels)
    positives, negatives = y.sum(), len(y) - y.sum()
    target = np.where(y > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    return platt(np.log(x) - np.log1p(-x), target, np.ones(len(x)), 1e-9)


def platt(logits: Floats, targets: Floats, counts: Floats, strength: float) -> Platt:
    """The map that fits targets in [0, 1] best, its slope never negative and held to 1 by `strength` (L2)."""
    design = np.column_stack([logits, np.ones_like(logits)])
    identity, pull = np.array([1.0, 0.0]), np.array([strength, 1e-9])
    slope, offset = minimise(
        design, targets, identity, pull, np.array([True, False]), counts=counts
    )
    return Platt(float(slope), float(offset))


def minimise(
    design: Floats,
    y: Floats,
    centre: Floats,
    pull: Floats,
    bounded: NDArray[np.bool_],
    *,
    counts: Floats | None = None,
    start: Floats | None = None,
) -> Floats:
    """The coefficients (k,) of a logistic regression, by projected Newton steps.

    `design` (n, k), `y` (n,) in [0, 1], `centre`, `pull` and `bounded` (k,), `counts` (n,), by default 1.
    Minimises sum(counts * log loss) + sum(pull * (beta - centre)^2) / 2 from `start` (by default the centre)
    on, the `bounded` ones never negative. Each `pull` must be above 0, which keeps the steps solvable.
    """
    beta = (centre if start is None else start).copy()
    rows = np.ones(len(y)) if counts is None else counts

    def loss(b: Floats) -> float:
        z = design @ b
        return float(rows @ (np.logaddexp(0, z) - y * z) + (pull * (b - centre) ** 2).sum() / 2)

    for _ in range(STEPS):
        p = sigmoids(design @ beta)
        gradient = design.T @ (rows * (p - y)) + pull * (beta - centre)
        free = ~(bounded & (beta <= 0) & (gradient > 0))
        part = design[:, free]
        hessian = part.T @ (part * (rows * p * (1 - p))[:, None]) + np.diag(pull[free])
        step = np.zeros(len(beta))
        step[free] = np.linalg.solve(hessian, gradient[free])
        before, scale = loss(beta), 1.0
        while True:
            tried = beta - scale * step
            tried[bounded] = np.maximum(tried[bounded], 0.0)
            if loss(tried) <= before or scale < 1e-10:
                break
            scale /= 2
        moved = float(np.abs(tried - beta).max())
        beta = tried
        if moved < TOLERANCE:
            break
    return beta
