from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import _SigmoidCalibration
from sklearn.linear_model import LogisticRegression

from handoff.calibration import (
    Platt,
    brier,
    ece,
    equal_mass,
    fit_temperature,
    logit,
    sigmoid,
)
from handoff.signed import fit_platt

samples = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def drawn(count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Overconfident scores: the truth is sigmoid(0.5 * logit(score) - 0.4)."""
    random = np.random.default_rng(seed)
    scores = random.uniform(0.01, 0.99, count)
    truth = 1 / (1 + np.exp(-(0.5 * np.log(scores / (1 - scores)) - 0.4)))
    return scores, (random.uniform(size=count) < truth).astype(float)


def test_platt_finds_the_map_that_made_the_labels() -> None:
    scores, labels = drawn(50_000)
    fitted = fit_platt(scores, labels)
    assert fitted.slope == pytest.approx(0.5, abs=0.03)
    assert fitted.offset == pytest.approx(-0.4, abs=0.03)


def test_platt_agrees_with_scikit_learn() -> None:
    scores, labels = drawn(500)
    logits = np.log(scores / (1 - scores))
    theirs = _SigmoidCalibration().fit(logits, labels)
    ours = fit_platt(scores, labels)
    assert ours.slope == pytest.approx(-theirs.a_, abs=1e-3)
    assert ours.offset == pytest.approx(-theirs.b_, abs=1e-3)


def test_platt_unfitted_changes_nothing() -> None:
    assert Platt()(0.3) == pytest.approx(0.3)


def test_scores_worse_than_chance_become_the_base_rate() -> None:
    fitted = fit_platt([0.9, 0.9, 0.8, 0.1, 0.2, 0.1], [0, 0, 0, 1, 1, 1])
    assert fitted.slope == 0.0
    assert fitted(0.1) == pytest.approx(fitted(0.9)) == pytest.approx(0.5)


@given(samples, st.floats(0, 1), st.floats(0, 1))
def test_maps_are_monotone_probabilities_whatever_they_were_fitted_on(
    pairs: list[tuple[float, bool]], one: float, other: float
) -> None:
    scores, labels = [p[0] for p in pairs], [p[1] for p in pairs]
    low, high = sorted((one, other))
    fitted = fit_platt(scores, labels)
    assert 0 <= fitted(low) <= fitted(high) + 1e-12 <= 1 + 1e-9


def test_fitting_makes_new_scores_honest() -> None:
    fitted = fit_platt(*drawn(5000))
    scores, labels = drawn(20_000, seed=2)
    after = [fitted(score) for score in scores]
    assert ece(after, labels) < 0.02 < ece(scores, labels)
    assert brier(after, labels) < brier(scores, labels)


def test_temperature_undoes_a_scaling() -> None:
    random = np.random.default_rng(3)
    logits = random.normal(0, 2, (8000, 5))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    classes = [random.choice(5, p=row) for row in p]
    assert fit_temperature(logits * 3, classes) == pytest.approx(3, rel=0.05)
    assert fit_temperature(logits, classes) == pytest.approx(1, rel=0.05)


def test_temperature_is_that_of_logistic_regression() -> None:
    random = np.random.default_rng(4)
    x = random.normal(0, 3, 3000)
    y = (random.uniform(size=3000) < 1 / (1 + np.exp(-0.4 * x))).astype(int)
    slope = LogisticRegression(C=1e9, fit_intercept=False).fit(x[:, None], y).coef_[0, 0]
    two_classes = np.column_stack([np.zeros_like(x), x])
    assert 1 / fit_temperature(two_classes, y) == pytest.approx(slope, rel=1e-3)


def test_ece_and_brier_by_hand() -> None:
    assert ece([0.2, 0.2, 0.8, 0.8], [0, 1, 1, 1], bins=2) == pytest.approx((0.3 + 0.2) / 2)
    assert brier([0.0, 1.0, 0.5], [0, 1, 1]) == pytest.approx(0.25 / 3, abs=1e-5)
    assert ece([0.7], [1], bins=10) == pytest.approx(0.3)


def test_a_row_counts_in_ece_by_its_weight() -> None:
    p, y, times = [0.1, 0.3, 0.6, 0.9], [0, 1, 0, 1], [4, 2, 4, 2]
    repeated = ece(np.repeat(p, times), np.repeat(y, times), bins=2)
    assert ece(p, y, bins=2, weights=times) == pytest.approx(repeated)
    assert ece(p, y, bins=2, weights=times) != pytest.approx(ece(p, y, bins=2))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=80), st.integers(1, 12), st.booleans())
def test_bins_of_equal_mass_rise_and_are_of_one_size(
    values: list[float], bins: int, weighed: bool
) -> None:
    place = equal_mass(np.array(values), bins, np.full(len(values), 0.5) if weighed else None)
    sizes = np.bincount(place, minlength=bins)
    assert sizes.max() - sizes.min() <= 1
    order = np.argsort(values, kind="stable")
    assert (np.diff(place[order]) >= 0).all()


@given(samples)
def test_ece_and_brier_are_in_the_unit_interval(pairs: list[tuple[float, bool]]) -> None:
    scores, labels = [p[0] for p in pairs], [p[1] for p in pairs]
    assert 0 <= ece(scores, labels) <= 1
    assert 0 <= brier(scores, labels) <= 1


@given(st.floats(1e-5, 1 - 1e-5))
def test_sigmoid_undoes_logit(probability: float) -> None:
    assert sigmoid(logit(probability)) == pytest.approx(probability)


def test_sigmoid_and_logit_are_finite_everywhere() -> None:
    assert 0 <= sigmoid(-1e9) < sigmoid(1e9) <= 1
    assert math.isfinite(logit(0.0)) and math.isfinite(logit(1.0))


@pytest.mark.parametrize(
    ("scores", "labels", "words"),
    [
        ([], [], "not empty"),
        ([0.5], [0, 1], "one length"),
        ([float("nan")], [1], "finite"),
        ([0.5], [2], "labels 0 or 1"),
    ],
)
def test_bad_input_is_a_value_error(scores: list[float], labels: list[int], words: str) -> None:
    for call in (fit_platt, ece, brier):
        with pytest.raises(ValueError, match=words):
            call(scores, labels)


@pytest.mark.parametrize(
    ("logits", "classes"), [([], []), ([[1.0, 2.0]], [2]), ([[1.0]], [0, 0]), ([1.0], [0])]
)
def test_a_temperature_needs_matching_shapes(logits: list[object], classes: list[int]) -> None:
    with pytest.raises(ValueError, match="logits must be"):
        fit_temperature(logits, classes)  # type: ignore[arg-type]
