from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.conduct import CODES, PRIOR_WEIGHTS, SHIPPED_ACTION, WORDS, by_codes, fit_action

FACTS = st.lists(st.floats(0, 1), min_size=len(CODES), max_size=len(CODES))
CALM = (0.0,) * len(CODES)


@given(FACTS, st.integers(0, len(CODES) - 1))
def test_no_trouble_lowers_the_risk(facts: list[float], index: int) -> None:
    worse = facts.copy()
    worse[index] = 1.0
    assert SHIPPED_ACTION.probability(worse) >= SHIPPED_ACTION.probability(facts)


@given(FACTS)
def test_reasons_are_the_largest_and_in_words(facts: list[float]) -> None:
    risk = SHIPPED_ACTION.judge(facts)
    assert len(risk.reasons) <= 3
    weights = [reason.weight for reason in risk.reasons]
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) <= risk.probability + 0.002
    assert all(reason.words == WORDS[reason.code] for reason in risk.reasons)
    assert risk.facts == tuple(facts)


def test_a_calm_action_has_no_reasons() -> None:
    assert SHIPPED_ACTION.judge(CALM).reasons == ()


def test_the_heaviest_trouble_comes_first() -> None:
    facts = by_codes({"invented_id": 1.0, "changed_mind": 1.0})
    codes = [reason.code for reason in SHIPPED_ACTION.judge(facts).reasons]
    assert codes == ["invented_id", "changed_mind"]


@given(FACTS, FACTS, st.floats(0.001, 0.999))
def test_another_base_rate_keeps_the_ranking(
    one: list[float], other: list[float], rate: float
) -> None:
    moved = SHIPPED_ACTION.at(rate)
    if SHIPPED_ACTION.probability(one) > SHIPPED_ACTION.probability(other) + 1e-9:
        assert moved.probability(one) > moved.probability(other)
    assert moved.at(SHIPPED_ACTION.base_rate).intercept == pytest.approx(SHIPPED_ACTION.intercept)


def test_bayes_rule_for_another_base_rate() -> None:
    head = SHIPPED_ACTION
    before = head.probability(CALM)
    odds = before / (1 - before) * (0.1 / 0.9) / (head.base_rate / (1 - head.base_rate))
    assert head.at(0.1).probability(CALM) == pytest.approx(odds / (1 + odds))


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1])
def test_a_base_rate_lies_between(rate: float) -> None:
    with pytest.raises(ValueError, match="base rate"):
        SHIPPED_ACTION.at(rate)


def test_unknown_facts_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown facts: weather"):
        by_codes({"weather": 1.0})


def test_fitting_starts_from_the_prior_and_learns() -> None:
    chance = np.random.default_rng(3)
    facts = chance.uniform(size=(2000, len(CODES)))
    bad = chance.uniform(size=2000) < 1 / (1 + np.exp(-(4 * facts[:, 0] - 2)))
    fitted = fit_action(facts, bad, strength=0.1, source="drawn")
    assert fitted.weights[0] == pytest.approx(4, abs=0.6)
    assert fitted.base_rate == pytest.approx(bad.mean(), abs=1e-4)
    none = fit_action(np.zeros((4, len(CODES))), [0, 1, 1, 1], source="nothing to learn")
    assert none.weights == PRIOR_WEIGHTS
    assert none.probability(CALM) == pytest.approx(0.75, abs=1e-3)
