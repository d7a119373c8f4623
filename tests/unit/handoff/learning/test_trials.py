from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.calibration import ece
from handoff.fitting import CalibratedHead
from handoff.learning import Row, Shortage, Trial, challenge, challenger_models, shortages
from handoff.learning.trials import _Data
from handoff.risk import SHIPPED, Head
from handoff.signals import CODES

CHAMPION = SHIPPED.error
# Speech matters less than was thought, what the caller shows matters more, all is a little worse.
TIMES = {"low_speech_confidence": 0.3, "repeats": 3.0, "negations": 3.0, "frustration": 4.0}
SHIFTED = Head(
    CHAMPION.intercept + 0.5,
    tuple(w * TIMES.get(code, 1.0) for code, w in zip(CODES, CHAMPION.weights, strict=True)),
)


def drawn(truth: Head, seed: int, calls: int = 150, weight: float = 1.0) -> list[Row]:
    """Two labels a call, as `truth` would have them; a trouble shows in a third of the turns."""
    random = np.random.default_rng(seed)
    shape = (calls * 2, len(CODES))
    troubles = np.where(random.uniform(size=shape) < 0.35, random.uniform(size=shape), 0.0)
    return [
        Row(
            f"c{seed}-{number // 2}",
            number % 2 + 1,
            "error",
            tuple(row),
            bool(random.uniform() < truth.probability(row)),
            weight,
        )
        for number, row in enumerate(troubles.tolist())
    ]


def tried(rows: list[Row]) -> Trial:
    found = challenge(rows, CHAMPION)
    assert isinstance(found, Trial)
    return found


def test_where_the_world_has_shifted_the_challenger_wins() -> None:
    for seed in range(5):
        trial = tried(drawn(SHIFTED, seed))
        assert trial.wins
        assert trial.low < trial.difference < trial.high < 0
        assert trial.challenger.log_loss < trial.champion.log_loss
        assert (trial.rows, trial.calls) == (300, 150)


def test_where_the_champion_is_right_nothing_wins() -> None:
    assert sum(tried(drawn(CHAMPION, seed)).wins for seed in range(12)) == 0


def test_the_challenger_comes_closer_to_what_is_so() -> None:
    fresh = drawn(SHIFTED, 99)
    trial = tried(drawn(SHIFTED, 1))

    def distance(head: Head) -> float:
        gaps = [head.probability(r.troubles) - SHIFTED.probability(r.troubles) for r in fresh]
        return float(np.abs(gaps).mean())

    assert distance(trial.head) < 0.6 * distance(CHAMPION)


def test_many_labels_are_calibrated_by_a_rising_line() -> None:
    trial = tried(drawn(SHIFTED, 3, calls=520))
    assert isinstance(trial.head, CalibratedHead)
    assert trial.wins
    assert not isinstance(tried(drawn(SHIFTED, 3)).head, CalibratedHead)


def test_the_same_rows_give_the_same_trial_in_any_order() -> None:
    rows = drawn(SHIFTED, 4)
    one, other = tried(rows), tried(rows[::-1])
    assert one.difference == pytest.approx(other.difference)
    assert one.head.weights == pytest.approx(other.head.weights, abs=2e-4)
    assert tried(rows) == one


def test_weights_that_are_all_alike_change_nothing() -> None:
    one, other = tried(drawn(SHIFTED, 5)), tried(drawn(SHIFTED, 5, weight=20.0))
    assert one.head.weights == pytest.approx(other.head.weights, abs=2e-4)
    assert one.high == pytest.approx(other.high)


def test_a_few_heavy_rows_count_as_a_few() -> None:
    rows = drawn(CHAMPION, 6)
    heavy = [replace(row, weight=50.0, value=True) for row in rows[:3]]
    data = _Data.of([*heavy, *rows[3:]])
    assert data.weights.sum() < 30  # Kish's effective number, not 300 and not 447
    moved = tried([*heavy, *rows[3:]])
    assert not moved.wins


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], ["labels", "yes", "no"]),
        (drawn(SHIFTED, 1, calls=49), ["labels"]),
        ([replace(row, value=True) for row in drawn(SHIFTED, 1)], ["no"]),
        ([replace(row, value=False) for row in drawn(SHIFTED, 1)], ["yes"]),
        ([replace(row, call_id="c1") for row in drawn(SHIFTED, 1)], ["calls"]),
    ],
)
def test_too_little_is_said_and_not_learned_from(rows: list[Row], expected: list[str]) -> None:
    found = challenge(rows, CHAMPION)
    assert isinstance(found, tuple)
    assert found == shortages(rows)
    for word in expected:
        assert any(word in short.what for short in found)
    assert all(isinstance(short, Shortage) and short.have < short.need for short in found)


@given(st.data())
def test_folds_keep_calls_whole_and_have_both_kinds(data: st.DataObject) -> None:
    calls = data.draw(st.integers(10, 30))
    rows = [Row(f"y{n}", 1, "error", (0.0,) * len(CODES), True, 1.0) for n in range(calls)] + [
        Row(f"{data.draw(st.sampled_from('yn'))}{n}", 2, "error", (0.0,) * len(CODES), False, 1.0)
        for n in range(data.draw(st.integers(10, 40)))
    ]
    arranged = _Data.of(rows)
    folds = arranged.folds()
    assert sorted(np.concatenate(folds).tolist()) == list(range(len(rows)))
    seen = [{arranged.groups[at] for at in fold} for fold in folds]
    assert sum(len(part) for part in seen) == len(set(arranged.groups))
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(rows)), fold)
        assert set(arranged.y[rest].tolist()) == {0.0, 1.0}


def test_calibration_error_is_that_of_the_evaluation_where_weights_are_alike() -> None:
    rows = drawn(SHIFTED, 7)
    data = _Data.of(rows)
    p = np.array([CHAMPION.probability(row.troubles) for row in rows])
    assert data.figures(p).ece == pytest.approx(ece(p, data.y), abs=1e-9)


def test_only_heads_that_won_are_taken() -> None:
    won = tried(drawn(SHIFTED, 1))
    lost = tried(drawn(CHAMPION, 1))
    assert challenger_models(SHIPPED, {"error": lost}, "m1") is SHIPPED
    assert challenger_models(SHIPPED, {"error": (Shortage("labels", 1, 2),)}, "m1") is SHIPPED
    made = challenger_models(SHIPPED, {"error": won, "breakdown": lost}, "m1")
    assert (made.error, made.breakdown, made.source) == (won.head, SHIPPED.breakdown, "m1")


def test_a_worse_calibration_is_no_win() -> None:
    trial = tried(drawn(SHIFTED, 1))
    worse = replace(trial, challenger=replace(trial.challenger, ece=trial.champion.ece + 0.001))
    assert trial.wins
    assert not worse.wins
    assert not replace(trial, high=0.0).wins
