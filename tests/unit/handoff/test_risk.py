from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.events import IntentFacts
from handoff.policy import Hysteresis, Policy
from handoff.risk import (
    SHIPPED,
    SMALLEST_REASON,
    Estimator,
    Head,
    Latch,
    Rolling,
    cost_of_failure,
    cost_of_handoff,
    head,
    shortfall,
)
from handoff.signals import CODES, Reading

troubles = st.lists(st.floats(0, 3.4), min_size=len(CODES), max_size=len(CODES))


def reading(**values: float) -> Reading:
    unknown = set(values) - set(CODES)
    assert not unknown
    by_code = tuple(values.get(code, 0.0) for code in CODES)
    return Reading({}, by_code, by_code)


@pytest.mark.parametrize("model", [SHIPPED.breakdown, SHIPPED.error])
@given(values=troubles, place=st.integers(0, len(CODES) - 1), more=st.floats(0, 3))
def test_more_trouble_never_lowers_a_probability(
    model: Head, values: list[float], place: int, more: float
) -> None:
    before = model.probability(values)
    values[place] += more
    assert 0 < before <= model.probability(values) < 1


def test_a_calm_turn_has_the_calm_probability() -> None:
    assert SHIPPED.breakdown.probability([0.0] * len(CODES)) == SHIPPED.breakdown.calm < 0.1


def test_weights_must_be_known_and_not_negative() -> None:
    with pytest.raises(ValueError, match="unknown reason codes: mood"):
        head(0.0, {"mood": 1.0})
    with pytest.raises(ValueError, match="must not be negative"):
        head(0.0, {"repeats": -1.0})


def test_the_rolling_estimate_takes_bad_news_in_faster_than_good() -> None:
    rolling = Rolling(0.0)
    up = rolling.update(1.0)
    down = up - rolling.update(0.0)
    assert up == pytest.approx(0.8)
    assert down / up == pytest.approx(0.6)


@pytest.mark.parametrize(("true", "shown"), [(0.10, 0.11), (0.25, 0.27)])
def test_of_turns_that_do_not_hang_together_it_is_too_high_by_what_the_page_says(
    true: float, shown: float
) -> None:
    random = np.random.default_rng(1)
    rolling = Rolling(true)
    found = [rolling.update(p) for p in random.beta(2.0, 2.0 * (1 - true) / true, 20_000).tolist()]
    assert float(np.mean(found)) == pytest.approx(shown, abs=0.005)


class TestLatch:
    marks = Hysteresis(high=2.0, low=0.0, low_turns=2, calm_turns=3)

    def test_once_above_the_high_mark_fires(self) -> None:
        assert Latch(self.marks).turn(2.1)

    def test_the_low_mark_needs_two_turns_in_a_row(self) -> None:
        latch = Latch(self.marks)
        assert [latch.turn(v) for v in (1.0, -1.0, 1.0, 1.0)] == [False, False, False, True]

    def test_it_fires_again_only_after_three_calm_turns_in_a_row(self) -> None:
        latch = Latch(self.marks)
        assert latch.turn(9.0)
        assert latch.turn(0.1), "nothing came of it yet"
        latch.disarm()
        values = (9.0, -1.0, -1.0, 9.0, -1.0, -1.0, -1.0, 9.0)
        assert [latch.turn(v) for v in values] == [False] * 7 + [True]

    def test_what_came_to_nothing_may_fire_again_at_once(self) -> None:
        latch = Latch(self.marks)
        latch.turn(9.0)
        latch.disarm()
        latch.arm()
        assert not latch.turn(1.0), "one turn above the low mark"
        assert latch.turn(1.0)

    @given(st.lists(st.floats(-5, 5), max_size=60))
    def test_between_two_firings_there_are_three_calm_turns(self, values: list[float]) -> None:
        latch = Latch(self.marks)
        fired = []
        for place, value in enumerate(values):
            if latch.turn(value):
                latch.disarm()
                fired.append(place)
        for first, second in pairwise(fired):
            between = values[first + 1 : second]
            runs = "".join("c" if value <= 0 else "x" for value in between)
            assert "ccc" in runs


def test_value_is_the_formula_of_the_design() -> None:
    policy = Policy.from_mapping(
        {
            "costs": {"fail": 10, "err": 4, "operator": 2, "wait": 0.1, "abandon": 5, "price": 0.5},
            "waiting": {"expected": 12, "patience": 60},
        },
        "p",
    )
    handoff = 2 + 0.1 * 12 + 5 * (1 - math.exp(-12 / 60)) + 0.5
    assert cost_of_handoff(policy, 12.0, 0.5) == pytest.approx(handoff)
    estimator = Estimator(policy, SHIPPED)
    seen = estimator.turn(reading(frustration=1.0), "general")
    assert seen.value == pytest.approx(10 * seen.breakdown + 4 * seen.error - handoff)
    assert seen.risk == pytest.approx((10 * seen.breakdown + 4 * seen.error) / 14)
    assert seen.confidence == pytest.approx((1 - seen.breakdown) * (1 - seen.error))


@given(
    troubles,
    st.floats(-20, 20),
    st.floats(0, 20),
    st.floats(0, 600),
    st.sampled_from(["general", "medical"]),
)
def test_risk_is_above_a_mark_exactly_when_the_value_is(
    values: list[float], low: float, gap: float, wait: float, category: str
) -> None:
    policy = Policy.from_mapping({"hysteresis": {"low": low, "high": low + gap}}, "p")
    estimator = Estimator(policy, SHIPPED)
    estimator.floor(wait, 0.5)
    seen = estimator.turn(Reading({}, tuple(values), tuple(values)), category)
    assert seen.marks is not None
    for mark, limit in ((seen.marks.low, low), (seen.marks.high, low + gap)):
        if abs(seen.value - limit) > 1e-9:
            assert (seen.risk > mark) is (seen.value > limit)


def test_where_nothing_is_at_stake_no_risk_is_worth_a_handoff() -> None:
    policy = Policy.from_mapping({"costs": {"fail": 0, "err": 0}}, "p")
    assert Estimator(policy, SHIPPED).calm("general").marks is None


def test_a_high_risk_category_has_more_to_lose() -> None:
    policy = Policy()
    assert cost_of_failure(policy, "medical") == 1.5 * cost_of_failure(policy, "general")
    angry = reading(frustration=1.0)
    general = Estimator(policy, SHIPPED).turn(angry, "general")
    medical = Estimator(policy, SHIPPED).turn(angry, "medical")
    assert medical.value > general.value


@given(troubles)
def test_reasons_are_the_three_largest_and_never_more_than_the_whole(values: list[float]) -> None:
    by_code = tuple(values)
    policy = Policy()
    seen = Estimator(policy, SHIPPED).turn(Reading({}, by_code, by_code), "general")
    weights = [reason.weight for reason in seen.reasons]
    assert len(weights) <= 3
    assert weights == sorted(weights, reverse=True)
    whole = seen.value - Estimator(policy, SHIPPED).calm("general").value
    assert sum(weights) <= whole + 0.002  # rounding of three


TURNS = [
    {"frustration": 0.6, "repeats": 1.0},
    {},
    {"stuck_slot": 1.0, "repeats": 1.0},
    {"frustration": 0.3},
]


@pytest.mark.parametrize("count", range(1, len(TURNS) + 1))
@pytest.mark.parametrize("category", ["general", "medical"])
def test_reasons_add_up_to_what_lifts_the_value_above_a_calm_call(
    count: int, category: str
) -> None:
    estimator = Estimator(Policy(), SHIPPED)
    calm = estimator.calm(category)
    for turn in TURNS[:count]:
        seen = estimator.turn(reading(**turn), category)
    rest = seen.value - calm.value - sum(reason.weight for reason in seen.reasons)
    assert -0.002 <= rest <= SMALLEST_REASON * (3 - len(seen.reasons)) + 0.002


@given(st.lists(st.tuples(*[st.floats(0, 3.0)] * 3), min_size=1, max_size=8))
def test_nothing_that_lifts_the_value_is_left_out(turns: list[tuple[float, ...]]) -> None:
    estimator = Estimator(Policy(), SHIPPED)
    calm = estimator.calm("general")
    for troubles in turns:
        named = dict(zip(("repeats", "tool_errors", "negations"), troubles, strict=True))
        seen = estimator.turn(reading(**named), "general")
    unnamed = SMALLEST_REASON * (3 - len(seen.reasons))  # too small to be said
    rest = seen.value - calm.value - sum(reason.weight for reason in seen.reasons)
    assert -0.002 <= rest <= unnamed + 0.002


def test_a_trouble_that_hardly_weighs_is_no_reason() -> None:
    slight = Estimator(Policy(), SHIPPED).turn(reading(frustration=0.05), "general")
    assert slight.value > Estimator(Policy(), SHIPPED).turn(reading(), "general").value
    assert slight.reasons == ()


def test_a_calm_turn_after_trouble_says_what_still_weighs_and_forgets_it_in_the_end() -> None:
    estimator = Estimator(Policy(), SHIPPED)
    first = estimator.turn(reading(frustration=1.0), "general").reasons[0]
    then = estimator.turn(reading(), "general").reasons[0]
    assert (first.code, then.code) == ("frustration", "frustration")
    assert then.weight == pytest.approx(0.4 * first.weight, abs=0.002)
    for _ in range(10):
        last = estimator.turn(reading(), "general")
    assert last.reasons == ()
    estimator.turn(reading(frustration=1.0), "general")
    estimator.reset()
    assert estimator.turn(reading(), "general").reasons == ()


def test_a_single_trouble_is_the_only_reason() -> None:
    seen = Estimator(Policy(), SHIPPED).turn(reading(stuck_slot=1.0), "general")
    assert [reason.code for reason in seen.reasons] == ["stuck_slot"]
    assert Estimator(Policy(), SHIPPED).turn(reading(), "general").reasons == ()


def test_costs_of_nothing_are_no_division_by_zero() -> None:
    policy = Policy.from_mapping({"costs": {"fail": 0, "err": 0}}, "p")
    assert Estimator(policy, SHIPPED).turn(reading(repeats=1), "general").risk == 0.0


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(["general", "legal"]))
def test_the_simple_rule_is_positive_exactly_below_a_threshold(
    probability: float, margin: float, category: str
) -> None:
    limit = 0.95 if category == "legal" else 0.90
    expected = probability < limit or margin < 0.15
    facts = IntentFacts("balance", probability, margin, category=category)
    assert (shortfall(Policy(), facts) > 0) == expected
