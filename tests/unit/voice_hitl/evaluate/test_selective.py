"""The definitions, on cases small enough to work out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.evaluate import selective
from voice_hitl.evaluate.selective import Judged


def judged(right: list[int], outside: list[int], trust: list[float]) -> Judged:
    values = np.array(trust, dtype=np.float64)
    return Judged(np.array(right, bool), np.array(outside, bool), values, 1 - values, values)


def test_accuracy_counts_turns_inside_alone() -> None:
    assert selective.accuracy(judged([1, 1, 0, 0], [0, 0, 0, 1], [0.5] * 4)) == pytest.approx(2 / 3)
    assert math.isnan(selective.accuracy(judged([0], [1], [0.5])))


def test_auroc_takes_outside_as_positive() -> None:
    assert selective.auroc(judged([1, 1, 0, 0], [0, 0, 1, 1], [0.9, 0.5, 0.4, 0.6])) == 0.75
    assert math.isnan(selective.auroc(judged([1, 1], [0, 0], [0.9, 0.5])))


def test_fpr95_is_the_share_of_outside_accepted_where_95_percent_of_the_others_are() -> None:
    trust = [*np.linspace(1.0, 0.62, 20), 0.65, 0.63, 0.5, 0.1]
    # 19 of the 20 inside turns have trust >= 0.64: of the outside ones only 0.65 is accepted with them.
    found = judged([1] * 20 + [0] * 4, [0] * 20 + [1] * 4, list(trust))
    assert selective.fpr95(found) == 0.25
    assert math.isnan(selective.fpr95(judged([1], [0], [0.5])))


def test_calibration_error_leaves_outside_turns_out() -> None:
    found = judged([1] * 9 + [0] + [0] * 5, [0] * 10 + [1] * 5, [0.9] * 15)
    # 15 bins of equal mass over ten turns: each turn is a bin.
    assert selective.calibration_error(found) == pytest.approx((9 * 0.1 + 0.9) / 10, abs=1e-6)
    assert math.isnan(selective.calibration_error(judged([0], [1], [0.5])))


def test_aurc_is_the_mean_error_over_all_coverages() -> None:
    found = judged([1, 0, 1, 0], [0, 0, 0, 1], [0.9, 0.8, 0.7, 0.6])
    assert selective.aurc(found) == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)


def test_aurc_breaks_ties_by_chance_and_not_by_place() -> None:
    right, outside = [1] * 50 + [0] * 50, [0] * 100
    tied = selective.aurc(judged(right, outside, [0.5] * 100))
    assert 0.3 < tied < 0.7  # in the order of the file it would be 0.15
    assert tied == selective.aurc(judged(right, outside, [0.5] * 100))
    assert tied != selective.aurc(judged(right, outside, [0.5] * 100), seed=1)


def test_weights_make_outside_turns_five_percent() -> None:
    weights = selective.mix_weights(np.array([True] * 10 + [False] * 30))
    assert weights[:10].sum() / weights.sum() == pytest.approx(0.05)
    assert set(weights[10:]) == {1.0}
    assert set(selective.mix_weights(np.array([True, True]))) == {1.0}


def test_a_budget_routes_the_least_trusted() -> None:
    # 19 inside turns and one outside: already the mix of 5 %. Two of 20 are routed.
    right = [1] * 17 + [0, 1, 0]
    found = judged(right, [0] * 19 + [1], [*np.linspace(0.9, 0.5, 17), 0.3, 0.2, 0.1])
    spent = selective.spend(found, 0.10)
    assert spent.routed_wrong == pytest.approx(0.5)
    assert spent.error_left == pytest.approx(1 / 18)
    assert selective.spend(found, 0.15).error_left == pytest.approx(0.0)
    assert selective.spend(found, 0.15).routed_wrong == pytest.approx(2 / 3)


def test_a_turn_on_the_edge_is_routed_in_part() -> None:
    found = judged([0, 1], [0, 0], [0.1, 0.9])
    spent = selective.spend(found, 0.10)
    assert spent.routed_wrong == 1.0
    assert spent.error_left == pytest.approx(0.8 / 1.8)


def test_what_a_rule_routes() -> None:
    found = judged([1, 0, 1, 1], [0, 0, 0, 0], [0.5] * 4)
    routed, spent = selective.rule_spend(found, np.array([True, True, False, False]))
    assert (routed, spent.routed_wrong, spent.error_left) == (0.5, 0.5, 0.0)
    nothing, spent = selective.rule_spend(found, np.zeros(4, bool))
    assert nothing == 0.0
    assert math.isnan(spent.routed_wrong)


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0, 1)), min_size=1, max_size=40),
    st.sampled_from(selective.BUDGETS),
)
def test_no_budget_makes_or_loses_errors(
    rows: list[tuple[bool, bool, float]], budget: float
) -> None:
    right = [int(one and not out) for one, out, _ in rows]
    found = judged(right, [out for _, out, _ in rows], [trust for *_, trust in rows])
    spent = selective.spend(found, budget)
    weights = selective.mix_weights(found.outside)
    wrong = float(weights[~found.right].sum() / weights.sum())
    total = budget * spent.routed_wrong + (1 - budget) * spent.error_left
    assert total == pytest.approx(wrong)
    assert 0.0 <= selective.aurc(found) <= 1.0
