from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from handoff.fitting import fit_head
from handoff.risk import head
from handoff.signals import CODES

ZERO = head(0.0, {})


def drawn(
    weights: dict[str, float], intercept: float, count: int = 20_000
) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    x = np.zeros((count, len(CODES)))
    for code in weights:
        x[:, CODES.index(code)] = random.uniform(0, 2, count)
    truth = head(intercept, {code: max(w, 0.0) for code, w in weights.items()})
    logit = x @ np.array([weights.get(code, 0.0) for code in CODES]) + truth.intercept
    return x, (random.uniform(size=count) < 1 / (1 + np.exp(-logit))).astype(float)


def weight(fitted: object, code: str) -> float:
    return float(fitted.weights[CODES.index(code)])  # type: ignore[attr-defined]


def test_the_weights_that_made_the_labels_are_found() -> None:
    x, y = drawn({"repeats": 1.5, "frustration": 0.6}, -2.0)
    fitted = fit_head(x, y, prior=ZERO, strength=1.0)
    assert weight(fitted, "repeats") == pytest.approx(1.5, abs=0.1)
    assert weight(fitted, "frustration") == pytest.approx(0.6, abs=0.1)
    assert fitted.intercept == pytest.approx(-2.0, abs=0.1)


def test_without_bounds_at_work_it_is_ridge_logistic_regression() -> None:
    x, y = drawn({"repeats": 1.5, "frustration": 0.6}, -2.0, 2000)
    theirs = LogisticRegression(C=1 / 5.0, tol=1e-8, max_iter=1000).fit(x, y)
    ours = fit_head(x, y, prior=ZERO, strength=5.0)
    assert np.allclose(ours.weights, theirs.coef_[0], atol=1e-3)


def test_a_trouble_that_seems_to_help_gets_no_weight() -> None:
    x, y = drawn({"repeats": 1.0, "negations": -0.8}, -1.0)
    fitted = fit_head(x, y, prior=ZERO)
    assert weight(fitted, "negations") == 0.0
    assert weight(fitted, "repeats") == pytest.approx(1.0, abs=0.15)


def test_what_the_data_cannot_show_keeps_its_prior_weight() -> None:
    x, y = drawn({"repeats": 1.0}, -1.0)
    prior = head(-1.0, {"low_speech_confidence": 2.5, "repeats": 0.1})
    fitted = fit_head(x, y, prior=prior)
    assert weight(fitted, "low_speech_confidence") == 2.5
    assert weight(fitted, "repeats") > 0.8


def test_few_labels_stay_near_the_prior() -> None:
    x, y = drawn({"repeats": 3.0}, -1.0, 20)
    prior = head(-1.0, {"repeats": 0.5})
    near = weight(fit_head(x, y, prior=prior, strength=1000.0), "repeats")
    assert near == pytest.approx(0.5, abs=0.05)


def test_a_nuisance_is_fitted_along_and_left_out() -> None:
    random = np.random.default_rng(5)
    age = random.uniform(-1, 1, 20_000)
    x = np.zeros((20_000, len(CODES)))
    place = CODES.index("repeats")
    x[:, place] = np.maximum(0, age + random.normal(0, 0.3, 20_000))  # older calls repeat more
    y = (random.uniform(size=20_000) < 1 / (1 + np.exp(-(3 * age - 1)))).astype(float)
    fooled = fit_head(x, y, prior=ZERO)
    told = fit_head(x, y, prior=ZERO, nuisance=age[:, None])
    assert weight(fooled, "repeats") > 1.0
    assert weight(told, "repeats") < 0.15
    mean = np.mean([told.probability(tuple(row)) for row in x[:2000]])
    assert mean == pytest.approx(y[:2000].mean(), abs=0.03)


@pytest.mark.parametrize(
    ("x", "y", "nuisance", "words"),
    [
        (np.zeros((3, 2)), [0, 1, 0], None, "troubles must be"),
        (np.zeros((3, len(CODES))), [0, 1], None, "labels"),
        (np.zeros((2, len(CODES))), [1, 1], None, "both kinds"),
        (np.zeros((2, len(CODES))), [0, 1], [[1.0]], "nuisance"),
    ],
)
def test_bad_shapes_are_value_errors(x: object, y: object, nuisance: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fit_head(x, y, prior=ZERO, nuisance=nuisance)  # type: ignore[arg-type]
