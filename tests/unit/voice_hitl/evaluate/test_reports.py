from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from voice_hitl.evaluate.reports import MIN_GROUPS, intervals, on_intervals


def mean_of(values: NDArray[np.float64], rows: NDArray[np.int64]) -> dict[str, float]:
    return {"mean": float(values[rows].mean())}


def test_an_interval_holds_the_figure_and_is_wider_for_fewer_groups() -> None:
    values = np.arange(40.0)
    many = intervals(list(range(40)), lambda rows: mean_of(values, rows))["mean"]
    few = intervals([row % 10 for row in range(40)], lambda rows: mean_of(values % 10, rows))
    assert many.low < values.mean() < many.high
    assert (many.high - many.low) / 39 < (few["mean"].high - few["mean"].low) / 9


def test_few_groups_have_no_intervals() -> None:
    values = np.arange(40.0)
    for groups, given in ((MIN_GROUPS - 1, False), (MIN_GROUPS, True)):
        found = intervals([row % groups for row in range(40)], lambda rows: mean_of(values, rows))
        assert bool(found) is given


def test_a_figure_that_resampling_does_not_change_has_no_interval() -> None:
    assert intervals(list(range(20)), lambda rows: {"right": 1.0, "third": 1 / 3}) == {}
    shaken = iter(np.linspace(0.0, 1e-12, 200))
    assert intervals(list(range(20)), lambda rows: {"right": 1.0 - next(shaken)}) == {}


def test_a_figure_that_most_resamplings_lack_has_no_interval() -> None:
    for often, given in ((2, False), (4, True)):
        turn = iter(range(1000))

        def now_and_then(
            _rows: object, turn: object = turn, often: int = often
        ) -> dict[str, float]:
            number = next(turn)  # type: ignore[call-overload]
            return {"auc": number / 1000 if number % often else float("nan")}

        assert bool(intervals(list(range(20)), now_and_then)) is given


def test_a_table_says_what_its_intervals_are() -> None:
    found = intervals(list(range(20)), lambda rows: {"mean": float(rows.mean())})
    assert on_intervals(found, 20, "task").startswith("95 % intervals by task")
    assert on_intervals({}, 9, "task").startswith("no intervals: fewer than 10")
    assert on_intervals({}, 20, "task").startswith("no intervals: resampling")
