from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from voice_hitl.speech.acoustic import BANDS, CEPSTRA, load_estimator
from voice_hitl.speech.frontend import Bands, FrontEnd, MeanVoice

ESTIMATE = load_estimator()


def noise(seconds: float, level: float = 2000, seed: int = 0) -> NDArray[np.int16]:
    made = np.random.default_rng(seed).normal(0, level, int(8000 * seconds))
    return made.astype(np.int16)


@given(st.lists(st.integers(0, 700), max_size=12))
def test_blocks_of_any_size_give_the_same_frames(sizes: list[int]) -> None:
    pcm = noise(0.5)
    bands, parts, at = Bands(), [], 0
    for size in [*sizes, len(pcm)]:
        parts.append(bands(pcm[at : at + size]))
        at += size
    assert np.allclose(np.concatenate(parts), Bands()(pcm), rtol=1e-12)


def test_a_frame_every_ten_milliseconds() -> None:
    assert Bands()(np.zeros(204, np.int16)).shape == (0, BANDS)
    assert Bands()(np.zeros(205, np.int16)).shape == (1, BANDS)
    assert Bands()(np.zeros(8000, np.int16)).shape == (98, BANDS)


def test_silence_is_finite_and_the_loudest_band_is_the_tones() -> None:
    assert np.isfinite(Bands()(np.zeros(800, np.int16))).all()
    tone = (8000 * np.sin(2 * np.pi * 1000 * np.arange(1600) / 8000)).astype(np.int16)
    assert Bands()(tone)[5].argmax() in (7, 8)  # centred on 934 and 1078 Hz


def test_pauses_do_not_move_the_mean() -> None:
    speech = Bands()(noise(1))
    pause = Bands()(np.zeros(16000, np.int16))
    plain, paused = MeanVoice(), MeanVoice()
    plain.learn(speech)
    paused.learn(speech)
    paused.learn(pause)
    assert np.array_equal(plain.mean(), paused.mean())
    assert paused.frames == len(speech)


def test_a_known_caller_starts_from_what_is_known() -> None:
    known = MeanVoice(tuple([9.0] * BANDS), 500)
    assert known.known
    assert known.mean() == pytest.approx(9.0)
    assert known.weight() == 200


@pytest.mark.parametrize("mean", [(), (1.0, 2.0)])
def test_a_mean_of_the_wrong_size_is_no_knowledge(mean: tuple[float, ...]) -> None:
    assert not MeanVoice(mean, 100).known


def test_an_unknown_caller_is_listened_to_before_the_first_cepstra() -> None:
    front = FrontEnd(ESTIMATE, MeanVoice())
    assert len(front.feed(noise(0.4))) == 0
    later = front.feed(noise(0.4))
    assert later.shape == (78, CEPSTRA)
    assert later.dtype == np.float32
    assert len(front.feed(noise(0.1))) == 10


def test_flush_gives_what_was_held_back() -> None:
    front = FrontEnd(ESTIMATE, MeanVoice())
    front.feed(noise(0.3))
    assert len(front.flush()) == 28
    assert len(front.flush()) == 0


def test_loudness_does_not_matter() -> None:
    quiet, loud = noise(1, 1000), noise(1, 8000)
    one, other = (FrontEnd(ESTIMATE, MeanVoice()).feed(pcm) for pcm in (quiet, loud))
    assert np.allclose(one, other, atol=1.5)  # the floor and rounding remain
