from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.intervals import NOT_ENOUGH, mean_figure, share_figure, too_little, wilson


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_a_share_lies_in_its_interval_and_that_in_zero_to_one(a: int, b: int) -> None:
    hits, n = min(a, b), max(a, b)
    low, high = wilson(hits, n)
    assert 0 <= low <= high <= 1
    if n:
        assert low <= hits / n <= high
        other_low, other_high = wilson(n - hits, n)
        assert low == pytest.approx(1 - other_high, abs=1e-9)
        assert high == pytest.approx(1 - other_low, abs=1e-9)


def test_wilsons_interval_as_printed_by_newcombe_1998_table_i() -> None:
    for hits, n, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(hits, n) == pytest.approx((low, high), abs=6e-5)


@given(st.integers(1, 300), st.integers(2, 50))
def test_more_of_the_same_narrows_the_interval(n: int, times: int) -> None:
    hits = n // 3
    low, high = wilson(hits, n)
    closer_low, closer_high = wilson(hits * times, n * times)
    assert closer_high - closer_low < high - low


def test_a_share_beyond_its_whole_is_refused() -> None:
    with pytest.raises(ValueError, match="hits"):
        wilson(3, 2)


def test_too_few_say_so_instead_of_guessing() -> None:
    assert share_figure(0, 0) == too_little(0)
    assert share_figure(5, 9, minimum=10) == too_little(9)
    assert mean_figure(1, 3.0, 9.0) == too_little(1)
    assert str(too_little(9)) == f"{NOT_ENOUGH} (n=9)"
    assert str(share_figure(5, 10)) == "0.500 [0.237, 0.763] (n=10)"


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=50))
def test_a_mean_is_that_of_its_numbers(values: list[float]) -> None:
    figure = mean_figure(len(values), sum(values), sum(v * v for v in values))
    assert figure.value is not None and figure.low is not None and figure.high is not None
    assert figure.value == pytest.approx(float(np.mean(values)), abs=1e-6)
    half = 1.959964 * float(np.std(values, ddof=1)) / len(values) ** 0.5
    assert figure.high - figure.value == pytest.approx(half, abs=1e-3)
