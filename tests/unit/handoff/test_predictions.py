from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.calibration import brier, ece
from handoff.intervals import NOT_ENOUGH, Figure
from handoff.predictions import OUTCOMES, Predictions


def told(p: np.ndarray, y: np.ndarray) -> Predictions:
    predictions = Predictions()
    for said, came in zip(p, y, strict=True):
        predictions.add(float(said), bool(came))
    return predictions


def resampled(p: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The interval by drawing every prediction of a bin anew."""
    rng, again = np.random.default_rng(1), np.zeros(1000)
    for part in np.array_split(np.argsort(p, kind="stable"), 10):
        drawn = rng.integers(0, len(part), (1000, len(part)))
        again += len(part) * np.abs((p - y)[part][drawn].mean(axis=1))
    low, high = np.quantile(again / len(p), [0.025, 0.975])
    return float(low), float(high)


@pytest.mark.parametrize("off", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("n", [200, 2000])
def test_the_interval_is_that_of_resampling_predictions(n: int, off: float) -> None:
    rng = np.random.default_rng(n)
    p = rng.random(n)
    y = (rng.random(n) < np.clip(p + off, 0, 1)).astype(float)
    figure, (low, high) = told(p, y).ece(10), resampled(p, y)
    value = ece(p, y)
    assert figure.value == pytest.approx(value)
    assert figure.low == pytest.approx(min(low, value), abs=0.012)
    assert figure.high == pytest.approx(max(high, value), abs=0.012)


@given(st.integers(0, 3 * OUTCOMES), st.integers(0, 100))
def test_the_newest_are_kept_in_their_order(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = np.round(rng.random(n), 2)  # ties, so that the order tells
    y = (rng.random(n) < p).astype(float)
    predictions, kept, came = told(p, y), p[-OUTCOMES:], y[-OUTCOMES:]
    assert len(predictions) == len(kept)
    if len(kept) < 10:
        assert predictions.ece(1) == Figure(len(kept), None, None, None, NOT_ENOUGH)
        return
    assert predictions.ece(1).value == pytest.approx(ece(kept, came))
    assert predictions.brier(2).value == pytest.approx(brier(kept, came), abs=1e-5)


def test_the_same_predictions_have_the_same_interval() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(300)
    y = rng.random(300) < 0.5
    assert told(p, y).ece(10) == told(p, y).ece(10)
