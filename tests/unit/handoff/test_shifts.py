from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.intervals import NOT_ENOUGH
from handoff.policy import Policy
from handoff.shifts import ShiftAnswer, ShiftAnswers, ShiftCurve, shift_curve

RULES = Policy()


def answers(
    people: int, each: int, right_at: tuple[float, float], seed: int = 1, end: float = 90
) -> list[ShiftAnswer]:
    """Accuracy moves in a line from the first figure to the second over `end` minutes."""
    rng = np.random.default_rng(seed)
    made = []
    for person in range(people):
        for minutes in rng.uniform(0, end, each):
            p = right_at[0] + (right_at[1] - right_at[0]) * minutes / end
            made.append(ShiftAnswer(f"op{person}", float(minutes), bool(rng.random() < p)))
    return made


def pooled_fall(curve: ShiftCurve) -> float:
    """The fall of everyone's accuracy together, whoever they are."""
    told = [part.accuracy.value for part in curve.bins if part.accuracy.value is not None]
    return told[0] - told[-1]


def test_accuracy_that_falls_is_seen() -> None:
    curve = shift_curve(answers(10, 100, (0.97, 0.75)), RULES)
    assert curve.p is not None and curve.p < 0.001 and curve.z is not None and curve.z < 0
    assert curve.drop is not None and curve.drop > 0.1
    first = curve.bins[0]
    assert (first.start, first.end, first.people) == (0.0, 15.0, 10)
    assert first.accuracy.value is not None and first.accuracy.value > 0.9
    assert curve.bins[-1].end == math.inf and curve.bins[-1].accuracy.value is None


def test_steady_accuracy_raises_no_alarm_more_often_than_said() -> None:
    found = 0
    for seed in range(200):
        p = shift_curve(answers(6, 60, (0.9, 0.9), seed), RULES).p
        assert p is not None
        found += p < 0.05
    assert 2 <= found <= 20  # 10 of 200 expected


def test_less_accurate_people_who_work_longer_are_not_fatigue() -> None:
    short = answers(6, 100, (0.98, 0.98), 1, end=40)
    long = [
        ShiftAnswer("x" + a.operator_id, a.minutes, a.right) for a in answers(6, 100, (0.8, 0.8))
    ]
    curve = shift_curve(short + long, RULES)
    assert pooled_fall(curve) > 0.05
    assert curve.drop is not None and abs(curve.drop) < 0.03
    assert curve.p is not None and curve.p > 0.05


def test_people_who_grow_better_are_no_fatigue_whoever_stays_longest() -> None:
    short = answers(6, 200, (0.95, 0.99), 1, end=40)
    long = [
        ShiftAnswer("x" + a.operator_id, a.minutes, a.right) for a in answers(6, 200, (0.5, 0.7))
    ]
    curve = shift_curve(short + long, RULES)
    assert pooled_fall(curve) > 0.05
    assert curve.p is not None and curve.p < 0.01, "sure, but that they grow better"
    assert curve.z is not None and curve.z > 0
    assert curve.drop is not None and curve.drop < 0


def test_the_drop_is_how_far_accuracy_falls_within_people() -> None:
    curve = shift_curve(answers(12, 1000, (0.95, 0.65)), RULES)
    told = [part for part in curve.bins if part.accuracy.value is not None]
    assert len(told) == 6, "from the middle of the first quarter of an hour to that of the last"
    assert curve.drop == pytest.approx(0.3 * 75 / 90, abs=0.02)


def test_the_drop_is_never_more_than_all() -> None:
    made = [
        ShiftAnswer(f"{group}{person}", 1.0 + 15 * (group + later), right=not later)
        for group in (0, 1)
        for person in range(5)
        for later in (0, 1)
        for _ in range(10)
    ]
    assert shift_curve(made, RULES).drop == 1.0, "each falls by all from one bin to the next"
    turned = [ShiftAnswer(a.operator_id, a.minutes, not a.right) for a in made]
    assert shift_curve(turned, RULES).drop == -1.0


def test_one_persons_session_is_never_read() -> None:
    curve = shift_curve(answers(1, 5000, (0.99, 0.5)), RULES)
    assert curve.note == NOT_ENOUGH
    assert (curve.z, curve.p, curve.drop) == (None, None, None)
    assert all(part.accuracy.value is None for part in curve.bins)
    assert shift_curve([], RULES).note == NOT_ENOUGH


def test_answers_that_are_all_right_have_no_trend() -> None:
    curve = shift_curve(answers(8, 60, (1.0, 1.0)), RULES)
    assert curve.z is None and curve.drop is None and "no trend" in curve.note


def test_minutes_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="minutes"):
        shift_curve([ShiftAnswer("a", -1.0, True)], RULES)


@given(
    st.lists(
        st.builds(ShiftAnswer, st.sampled_from("abcdefg"), st.floats(0, 500), st.booleans()),
        max_size=300,
    ),
)
def test_order_does_not_matter_and_every_answer_is_in_one_bin(
    given_answers: list[ShiftAnswer],
) -> None:
    curve = shift_curve(given_answers, RULES)
    assert sum(part.accuracy.n for part in curve.bins) == len(given_answers)
    again = shift_curve(sorted(given_answers, key=lambda a: (a.minutes, a.right)), RULES)
    assert again.bins == curve.bins
    for part in curve.bins:
        if part.accuracy.value is not None:
            assert part.people >= 5 and part.accuracy.n >= 30


@given(
    st.lists(
        st.builds(ShiftAnswer, st.sampled_from("abcdefg"), st.floats(0, 150), st.booleans()),
        max_size=400,
    ),
    st.integers(1, 300),
)
def test_answers_that_are_forgotten_leave_nothing_behind(
    given_answers: list[ShiftAnswer], most: int
) -> None:
    counted = ShiftAnswers(RULES, most)
    for answer in given_answers:
        counted.add(answer)
    curve, anew = counted.curve(), shift_curve(given_answers[-most:], RULES)
    assert (curve.bins, curve.note) == (anew.bins, anew.note)
    for mine, fresh in ((curve.z, anew.z), (curve.drop, anew.drop)):
        assert mine == (None if fresh is None else pytest.approx(fresh, abs=1e-9))
