from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from handoff.calibration import Isotonic, Platt
from handoff.fitting import CalibratedHead, calibrated, fit_head, fit_map
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


def test_a_weight_counts_a_row_so_many_times() -> None:
    x, y = drawn({"repeats": 1.5, "frustration": 0.6}, -1.0, 300)
    times = np.random.default_rng(3).integers(0, 4, 300)
    weighted = fit_head(x, y, prior=ZERO, weights=times)
    repeated = fit_head(np.repeat(x, times, axis=0), np.repeat(y, times), prior=ZERO)
    assert np.allclose(weighted.weights, repeated.weights, atol=2e-4)
    assert weighted.intercept == pytest.approx(repeated.intercept, abs=2e-4)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1.0], "weights must be"),
        ([1.0, -1.0], "not negative"),
        ([1.0, float("nan")], "finite"),
        ([1.0, 0.0], "both kinds"),
    ],
)
def test_bad_weights_are_value_errors(weights: list[float], words: str) -> None:
    x = np.zeros((2, len(CODES)))
    with pytest.raises(ValueError, match=words):
        fit_head(x, [0, 1], prior=ZERO, weights=weights)
    with pytest.raises(ValueError, match=words):
        fit_map([0.0, 1.0], [0, 1], weights=weights)
    with pytest.raises(ValueError, match="one length"):
        fit_map([0.0], [0, 1])


def overconfident(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Log odds that claim twice what is so, and one too much; and what happened."""
    random = np.random.default_rng(11)
    truth = random.normal(-1, 1.5, count)
    y = (random.uniform(size=count) < 1 / (1 + np.exp(-truth))).astype(float)
    return 2 * truth + 1, y


def test_few_labels_are_mapped_by_platt() -> None:
    found = fit_map(*overconfident(900))
    assert isinstance(found, Platt)
    assert found.slope == pytest.approx(0.5, abs=0.07)
    assert found.offset == pytest.approx(-0.5, abs=0.2)


def test_a_handful_of_labels_hardly_changes_the_slope() -> None:
    found = fit_map([-1.0, 1.0, 0.5], [0, 1, 1])
    assert isinstance(found, Platt)
    assert found.slope == pytest.approx(1.0, abs=0.3)


def test_many_labels_are_mapped_by_a_rising_line() -> None:
    logits, y = overconfident(5000)
    found = fit_map(logits, y, weights=np.full(5000, 2.0))
    assert isinstance(found, Isotonic)
    assert found(1 / (1 + np.exp(-1.0))) == pytest.approx(0.5, abs=0.06)
    assert min(found.probabilities) > 0
    assert max(found.probabilities) < 1


def test_a_map_behind_a_head_is_the_head_then_the_map() -> None:
    plain = head(-1.0, {"repeats": 2.0})
    troubles = [0.7 if code == "repeats" else 0.0 for code in CODES]
    platt = Platt(0.5, 0.25)
    folded = calibrated(plain, platt)
    assert folded.probability(troubles) == pytest.approx(
        platt(plain.probability(troubles)), abs=1e-4
    )
    assert folded.calm == pytest.approx(platt(plain.calm), abs=1e-4)
    line = Isotonic((0.1, 0.5, 0.9), (0.05, 0.2, 0.8))
    mapped = calibrated(plain, line)
    assert isinstance(mapped, CalibratedHead)
    assert mapped.probability(troubles) == line(plain.probability(troubles))
    assert mapped.calm == line(plain.calm)


@given(
    st.lists(st.floats(0, 3), min_size=len(CODES), max_size=len(CODES)),
    st.integers(0, len(CODES) - 1),
    st.floats(0, 3),
)
def test_more_trouble_never_lowers_a_calibrated_head(
    troubles: list[float], place: int, more: float
) -> None:
    mapped = CalibratedHead(-2.0, (0.5,) * len(CODES), Isotonic((0.2, 0.4, 0.7), (0.1, 0.1, 0.9)))
    worse = [value + more * (at == place) for at, value in enumerate(troubles)]
    assert mapped.probability(worse) >= mapped.probability(troubles) >= mapped.calm
