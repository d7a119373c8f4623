from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from handoff.audit import Sampler, SamplerState
from handoff.policy import Policy

KEY = b"a secret"
GENERATOR = np.random.default_rng(7)
MIXES: dict[str, NDArray[np.float64]] = {
    "low": GENERATOR.beta(1, 19, 20_000),
    "even": GENERATOR.uniform(0, 1, 20_000),
    "none": np.zeros(20_000),
    "all": np.ones(20_000),
    "two kinds": GENERATOR.choice([0.02, 0.8], 20_000, p=[0.9, 0.1]),
    "rising": np.linspace(0.05, 0.5, 20_000),
}


def drawn(risks: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    sampler = Sampler(Policy(), key=KEY)
    draws = [sampler.draw(f"call-{number}", float(risk)) for number, risk in enumerate(risks)]
    return np.array([d.propensity for d in draws]), np.array([d.chosen for d in draws])


@pytest.mark.parametrize("mix", MIXES)
def test_two_percent_evenly_and_three_by_risk_are_drawn_whatever_the_mix(mix: str) -> None:
    propensities, _ = drawn(MIXES[mix])
    # A rising mix runs ahead of the mean of the past, so too many are drawn.
    assert propensities.mean() == pytest.approx(0.05, rel=0.15 if mix == "rising" else 0.03)
    assert propensities.min() >= 0.02


@pytest.mark.parametrize("mix", MIXES)
def test_what_is_drawn_follows_the_logged_propensities(mix: str) -> None:
    propensities, chosen = drawn(MIXES[mix])
    for part in np.array_split(np.argsort(propensities, kind="stable"), 4):
        p = propensities[part]
        error = np.sqrt((p * (1 - p)).sum())
        assert abs(chosen[part].sum() - p.sum()) < 4 * error


def test_risk_is_what_the_second_part_is_proportional_to() -> None:
    sampler = Sampler(Policy(), key=KEY, state=SamplerState(5000, 0.1))
    assert sampler.propensity(0.1) == pytest.approx(0.05)
    assert sampler.propensity(0.2) == pytest.approx(0.08)
    assert sampler.propensity(0.0) == pytest.approx(0.023)  # a little, for there is always some
    assert Sampler(Policy(), key=KEY, state=SamplerState(5000, 0.001)).propensity(1) == 1.0


@given(st.lists(st.floats(0, 1), max_size=30), st.integers(0, 30))
def test_after_a_restart_the_draws_are_the_same(risks: list[float], at: int) -> None:
    whole = Sampler(Policy(), key=KEY)
    first = [whole.draw(str(number), risk) for number, risk in enumerate(risks)]
    before = Sampler(Policy(), key=KEY)
    second = [before.draw(str(number), risk) for number, risk in enumerate(risks[:at])]
    after = Sampler(Policy(), key=KEY, state=before.state)
    second += [after.draw(str(at + number), risk) for number, risk in enumerate(risks[at:])]
    assert first == second or at > len(risks)


@given(st.floats(0, 1))
def test_the_propensity_that_is_told_is_the_one_that_is_used(risk: float) -> None:
    sampler = Sampler(Policy(), key=KEY)
    told = sampler.propensity(risk)
    assert sampler.draw("call-1", risk).propensity == told


@pytest.mark.parametrize("risk", [float("nan"), -0.1, 1.1])
def test_a_risk_that_is_none_is_refused(risk: float) -> None:
    with pytest.raises(ValueError, match="a risk lies between 0 and 1"):
        Sampler(Policy(), key=KEY).draw("call-1", risk)


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ValueError, match="key is empty"):
        Sampler(Policy(), key=b"")
