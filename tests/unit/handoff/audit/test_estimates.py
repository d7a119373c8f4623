from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.audit import Audited, ErrorRate, Estimate, Sampler, error_rate
from handoff.policy import Policy

SIZE, TIMES = 1000, 250
GENERATOR = np.random.default_rng(11)
RISKS = GENERATOR.beta(1, 6, SIZE)
WRONG = GENERATOR.uniform(size=SIZE) < 0.05 + 0.6 * RISKS  # risk tells, so even draws would mislead
TRUTH = float(WRONG.mean())


def audits_of(sampler: Sampler) -> list[Audited]:
    draws = [sampler.draw(str(number), float(risk)) for number, risk in enumerate(RISKS)]
    return [
        Audited(draw.propensity, bool(wrong))
        for draw, wrong in zip(draws, WRONG, strict=True)
        if draw.chosen
    ]


@pytest.fixture(scope="module")
def repeated() -> list[list[Audited]]:
    """The same items, sampled under 250 different keys."""
    return [audits_of(Sampler(Policy(), key=f"key {n}".encode())) for n in range(TIMES)]


def the(estimate: Estimate | None) -> Estimate:
    assert estimate is not None
    return estimate


def test_the_inverse_estimate_is_unbiased(repeated: list[list[Audited]]) -> None:
    rates = [the(error_rate(audits, SIZE).inverse) for audits in repeated]
    values = np.array([rate.value for rate in rates])
    tolerance = 4 * values.std(ddof=1) / math.sqrt(TIMES)
    assert abs(values.mean() - TRUTH) < tolerance
    assert tolerance < 0.02
    assert np.mean([r.error**2 for r in rates]) == pytest.approx(values.var(ddof=1), rel=0.35)


def test_the_normalised_estimate_is_nearly_so_and_steadier(repeated: list[list[Audited]]) -> None:
    found = [error_rate(audits, SIZE) for audits in repeated]
    normalised = np.array([the(rate.normalised).value for rate in found])
    inverse = np.array([the(rate.inverse).value for rate in found])
    assert abs(normalised.mean() - TRUTH) < 4 * normalised.std(ddof=1) / math.sqrt(TIMES) + 0.005
    assert normalised.std() < inverse.std()


def test_the_plain_share_of_wrong_audits_would_mislead(repeated: list[list[Audited]]) -> None:
    plain = np.array([np.mean([audit.wrong for audit in audits]) for audits in repeated])
    assert plain.mean() - TRUTH > 8 * plain.std(ddof=1) / math.sqrt(TIMES)


@pytest.mark.parametrize("kind", ["inverse", "normalised"])
def test_intervals_hold_the_truth_about_as_often_as_they_say(
    repeated: list[list[Audited]], kind: str
) -> None:
    rates = [the(getattr(error_rate(audits, SIZE), kind)) for audits in repeated]
    share = np.mean([rate.low <= TRUTH <= rate.high for rate in rates])
    assert 0.90 <= share <= 0.99  # 0.95, three standard errors and the normal curve aside


def test_answers_that_are_missing_at_random_do_no_harm(repeated: list[list[Audited]]) -> None:
    generator = np.random.default_rng(3)
    values = []
    for audits in repeated:
        heard = [
            audit if generator.uniform() < 0.7 else Audited(audit.propensity, None)
            for audit in audits
        ]
        values.append(the(error_rate(heard, SIZE).inverse).value)
    # A ratio of two sums: its bias vanishes as audits grow, and there are about 50 here.
    assert abs(np.mean(values) - TRUTH) < 4 * np.std(values) / math.sqrt(TIMES) + 0.005


def test_figures_by_hand() -> None:
    rate = error_rate([Audited(0.5, True), Audited(0.25, False), Audited(0.5, None)], 10)
    assert (rate.drawn, rate.answered, rate.clipped) == (3, 2, 0)
    normalised, inverse = the(rate.normalised), the(rate.inverse)
    assert normalised.value == pytest.approx(2 / 6)
    spread = 0.5 * (2 * 2 / 3) ** 2 + 0.75 * (4 / 3) ** 2
    assert normalised.error == pytest.approx(math.sqrt(spread) / 6)
    assert inverse.value == pytest.approx(2 / 10 * 8 / 6)  # 6 of 8 parts of the weight answered
    assert inverse.error == pytest.approx(math.sqrt(0.5 * 4) / 10 * 8 / 6)


def test_clipping_only_ever_lowers_the_inverse_estimate_and_says_how_often() -> None:
    audits = [Audited(0.001, True), Audited(0.5, True), Audited(0.5, False)]
    free, cut = error_rate(audits, 2000, clip=1000), error_rate(audits, 2000, clip=50)
    assert (free.clipped, cut.clipped) == (0, 1)
    assert the(free.inverse).value == pytest.approx(1002 / 2000)
    assert the(cut.inverse).value == pytest.approx(52 / 2000)


def test_none_wrong_is_no_certainty() -> None:
    rate = error_rate([Audited(0.05, False)] * 60, 1200)
    for estimate in (the(rate.inverse), the(rate.normalised)):
        assert estimate.value == estimate.low == 0
        assert 0.04 < estimate.high < 0.08


def test_when_everything_was_audited_there_is_no_error() -> None:
    rate = error_rate([Audited(1.0, True), Audited(1.0, False)], 2)
    assert rate.inverse == rate.normalised == Estimate(0.5, 0.0, 0.5, 0.5)


def test_without_answers_nothing_is_said() -> None:
    assert error_rate([]) == ErrorRate(None, 0, 0, 0, None, None)
    assert error_rate([Audited(0.1, None)], 5) == ErrorRate(5, 1, 0, 0, None, None)
    assert error_rate([Audited(0.1, True)]).inverse is None


@given(
    st.lists(
        st.builds(Audited, st.floats(0.001, 1), st.booleans() | st.none()), min_size=1, max_size=40
    )
)
def test_intervals_are_in_order_and_within_bounds(audits: list[Audited]) -> None:
    rate = error_rate(audits, 1000)
    for estimate in (rate.inverse, rate.normalised):
        if estimate is not None:
            assert estimate.value >= 0 and estimate.error >= 0
            assert 0 <= estimate.low <= estimate.high <= 1
            assert estimate.low <= estimate.value + 1e-12


@pytest.mark.parametrize(
    ("audits", "population", "clip", "words"),
    [
        ([Audited(0.0, True)], 5, 50.0, "propensity"),
        ([Audited(1.5, True)], 5, 50.0, "propensity"),
        ([Audited(0.5, True)], 5, 0.5, "clip"),
        ([Audited(0.5, True)] * 2, 1, 50.0, "cannot be drawn from 1"),
    ],
)
def test_nonsense_is_refused(
    audits: list[Audited], population: int, clip: float, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        error_rate(audits, population, clip=clip)
