"""Fitting a head: logistic, L2 towards prior weights, no weight negative.

Features that the labels say nothing about (always 0) keep their prior weight, so that a head fitted on
records without sound still knows what a bad line means.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handoff.risk import Head
from handoff.signals import CODES

Floats = NDArray[np.float64]
STEPS = 200
TOLERANCE = 1e-8


def fit_head(
    troubles: ArrayLike,
    labels: ArrayLike,
    *,
    prior: Head,
    strength: float = 10.0,
    nuisance: ArrayLike | None = None,
) -> Head:
    """Fit by projected Newton steps.

    `troubles` (n, len(CODES)), not negative; `labels` (n,) 0 or 1; minimises
    sum(log loss) + strength / 2 * |weights - prior weights|^2 with weights >= 0. `nuisance` (n, m) are
    columns that explain labels but are no trouble (how old the call is): they are fitted along and left out,
    and the intercept is then set so that the mean prediction is the mean label. Raises `ValueError` on shapes
    that do not match or labels of one kind only.
    """
    x = np.asarray(troubles, dtype=np.float64)
    y = np.asarray(labels, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != len(CODES) or y.shape != (len(x),):
        raise ValueError(f"troubles must be (n, {len(CODES)}) and labels (n,)")
    if len(set(y.tolist())) < 2:
        raise ValueError("labels of both kinds are needed")
    extra = np.empty((len(x), 0)) if nuisance is None else np.asarray(nuisance, dtype=np.float64)
    if extra.ndim != 2 or len(extra) != len(x):
        raise ValueError("nuisance must be (n, m)")
    extra = extra - extra.mean(axis=0)
    weights = _minimise(np.hstack([x, extra, np.ones((len(x), 1))]), y, prior, strength)
    kept = weights[: len(CODES)]
    return Head(_intercept(x @ kept, y), tuple(round(float(weight), 4) for weight in kept))


def _minimise(design: Floats, y: Floats, prior: Head, strength: float) -> Floats:
    bounded = len(CODES)
    centre = np.zeros(design.shape[1])
    centre[:bounded] = prior.weights
    pull = np.zeros(design.shape[1])
    pull[:bounded] = strength
    pull[bounded:] = 1e-6  # only to keep the system solvable
    beta = centre.copy()
    beta[-1] = prior.intercept

    def loss(b: Floats) -> float:
        z = design @ b
        return float(np.logaddexp(0, z).sum() - y @ z + (pull * (b - centre) ** 2).sum() / 2)

    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(design @ beta, -500, 500)))
        gradient = design.T @ (p - y) + pull * (beta - centre)
        stuck = np.zeros(len(beta), dtype=bool)
        stuck[:bounded] = (beta[:bounded] <= 0) & (gradient[:bounded] > 0)
        free = ~stuck
        part = design[:, free]
        hessian = part.T @ (part * (p * (1 - p))[:, None]) + np.diag(pull[free])
        step = np.zeros(len(beta))
        step[free] = np.linalg.solve(hessian, gradient[free])
        before, scale = loss(beta), 1.0
        while True:
            tried = beta - scale * step
            tried[:bounded] = np.maximum(tried[:bounded], 0.0)
            if loss(tried) <= before or scale < 1e-10:
                break
            scale /= 2
        moved = float(np.abs(tried - beta).max())
        beta = tried
        if moved < TOLERANCE:
            break
    return beta


def _intercept(scores: Floats, y: Floats) -> float:
    """The intercept at which the mean prediction is the mean label, by bisection."""
    low, high = -30.0, 30.0
    for _ in range(100):
        middle = (low + high) / 2
        mean = float((1 / (1 + np.exp(-(scores + middle)))).mean())
        low, high = (middle, high) if mean < y.mean() else (low, middle)
    return round((low + high) / 2, 4)
