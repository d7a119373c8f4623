from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.audio.gate import HANG, QUIETEST, RATIO, EnergyGate


def settled(rms: float, frames: int = 300) -> EnergyGate:
    """A gate that has heard steady sound which the model says is no speech."""
    gate = EnergyGate()
    for _ in range(frames):
        gate.frame(rms)
        gate.judged(0.0)
    return gate


def test_an_idle_line_keeps_it_shut() -> None:
    rng = np.random.default_rng(0)
    gate = EnergyGate()
    assert not any(gate.frame(rms) for rms in rng.uniform(2, QUIETEST, 500))


def test_steady_noise_is_learnt() -> None:
    rng = np.random.default_rng(0)
    gate = settled(800.0)
    opened = sum(gate.frame(rms) for rms in 800 * rng.uniform(0.9, 1.1, 500))
    assert opened == 0


@given(noise=st.floats(5, 3000), above=st.floats(1.0, 20))
def test_what_stands_out_opens_it_at_once(noise: float, above: float) -> None:
    gate = settled(noise)
    loud = max(gate.floor * RATIO, QUIETEST) * 1.01 * above
    assert gate.frame(loud)


def test_it_stays_open_for_a_while() -> None:
    gate = settled(50.0)
    gate.frame(500.0)
    opened = [gate.frame(50.0) for _ in range(HANG + 5)]
    assert opened == [True] * (HANG - 1) + [False] * 6


def test_speech_does_not_raise_the_floor() -> None:
    gate = settled(50.0)
    for _ in range(1500):  # 30 s without a breath
        assert gate.frame(2000.0)
        gate.judged(0.9)
    assert gate.floor < 150


def test_the_floor_falls_fast_after_noise() -> None:
    gate = settled(2000.0)
    for _ in range(30):
        gate.frame(50.0)
    assert gate.frame(400.0)


@given(st.lists(st.tuples(st.floats(0, 32768), st.floats(0, 1)), max_size=200))
def test_the_floor_never_exceeds_what_was_heard(frames: list[tuple[float, float]]) -> None:
    gate = EnergyGate()
    highest = gate.floor
    for rms, probability in frames:
        gate.frame(rms)
        gate.judged(probability)
        highest = max(highest, rms)
        assert 0 <= gate.floor <= highest
