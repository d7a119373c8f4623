from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from handoff.signed import fit_signed


def drawn(*weights: float, count: int = 5000) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(11)
    x = chance.uniform(-1, 1, (count, len(weights)))
    logit = x @ np.array(weights) - 0.5
    return x, (chance.uniform(size=count) < 1 / (1 + np.exp(-logit))).astype(float)


def test_free_weights_are_those_of_an_ordinary_fit() -> None:
    x, y = drawn(2.0, -1.0, 0.3)
    intercept, weights = fit_signed(x, y, (0, 0, 0), strength=2.0)
    model = LogisticRegression(C=0.5, tol=1e-8, max_iter=1000).fit(x, y)
    assert weights == pytest.approx(tuple(model.coef_[0]), abs=1e-3)
    assert intercept == pytest.approx(model.intercept_[0], abs=1e-3)


def test_signs_hold() -> None:
    x, y = drawn(2.0, -1.0, 1.0)
    _, weights = fit_signed(x, y, (1, 1, -1), strength=1.0)
    assert weights[0] == pytest.approx(2, abs=0.3)
    assert weights[1:] == (0.0, 0.0)
    _, mirrored = fit_signed(-x, y, (-1, -1, 1), strength=1.0)
    assert mirrored == pytest.approx(tuple(-weight for weight in weights))


def test_the_prior_holds_where_nothing_is_seen() -> None:
    x, y = drawn(2.0)
    blind = np.hstack([x, np.zeros_like(x), np.zeros_like(x)])
    _, weights = fit_signed(blind, y, (1, 1, -1), (0.0, 0.7, 0.7), strength=1.0)
    assert weights[1] == pytest.approx(0.7)
    assert weights[2] == 0.0  # a prior of the wrong sign


def test_a_stronger_pull_ends_nearer_to_the_prior() -> None:
    x, y = drawn(2.0)
    near, far = (fit_signed(x, y, (1,), (0.5,), strength=s)[1][0] for s in (1e5, 1.0))
    assert abs(near - 0.5) < 0.1 < abs(far - 0.5)


@pytest.mark.parametrize(
    ("x", "y", "signs", "prior"),
    [
        ([[1.0], [2.0]], [0, 1, 1], (1,), None),
        ([[1.0], [2.0]], [0, 1], (1, 1), None),
        ([[1.0], [2.0]], [1, 1], (1,), None),
        ([[1.0], [float("nan")]], [0, 1], (1,), None),
        ([[1.0], [2.0]], [0, 1], (2,), None),
        ([[1.0], [2.0]], [0, 1], (1,), (1.0, 2.0)),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    x: list[list[float]], y: list[int], signs: tuple[int, ...], prior: tuple[float, ...] | None
) -> None:
    with pytest.raises(ValueError, match=r"must be|needed"):
        fit_signed(x, y, signs, prior)
