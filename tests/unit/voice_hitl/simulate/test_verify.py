from __future__ import annotations

import audioop
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from voice_hitl.simulate.verify import HEARD, contains_clip, find_clip

Voice = Callable[..., bytes]
Samples = npt.NDArray[np.int16]


def linear(mulaw: bytes) -> Samples:
    return np.frombuffer(audioop.ulaw2lin(mulaw, 2), dtype=np.int16)


def around(sound: Samples, noise: float, rng: np.random.Generator, at: float = 3.0) -> Samples:
    """A sound at a place in 10 s of noise of this RMS."""
    whole = rng.normal(0, noise, 80_000)
    start = round(at * 8000)
    whole[start : start + sound.size] += sound
    return np.clip(whole, -32768, 32767).astype(np.int16)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def test_the_clip_itself_is_found_to_the_sample(voice: Voice, rng: np.random.Generator) -> None:
    clip = voice(2.0)
    recording = around(linear(clip), 20, rng, at=3.123)
    assert contains_clip(recording, clip) > 0.99
    assert find_clip(recording, clip) == pytest.approx(3.123, abs=1 / 8000)
    assert contains_clip(audioop.lin2ulaw(recording.tobytes(), 2), linear(clip)) > 0.98


def test_silence_around_the_clip_changes_neither_score_nor_place(
    voice: Voice, rng: np.random.Generator
) -> None:
    recording = around(linear(voice(1.0)), 20, rng, at=4.0)
    clip = voice(1.0, lead=0.5, trail=0.5)
    assert contains_clip(recording, clip) > 0.99
    assert find_clip(recording, clip) == pytest.approx(3.5, abs=1 / 8000)


@pytest.mark.parametrize("length", [0.5, 1.0, 3.0])
def test_another_clip_is_not_heard(voice: Voice, rng: np.random.Generator, length: float) -> None:
    for seed in range(5):
        recording = around(linear(voice(3.0, seed=seed)), 20, rng)
        assert contains_clip(recording, voice(length, seed=seed + 50)) < HEARD
        assert find_clip(recording, voice(length, seed=seed + 50)) is None


def test_noise_at_ten_decibels_does_not_hide_it(voice: Voice, rng: np.random.Generator) -> None:
    clip = linear(voice(2.0))
    level = float(np.sqrt((clip.astype(np.float64) ** 2).mean()))
    assert contains_clip(around(clip, level / 10**0.5, rng), clip) > 0.9
    assert contains_clip(around(clip * 0, level, rng), clip) < 0.2


def test_loudness_and_half_a_sample_do_not_matter(voice: Voice, rng: np.random.Generator) -> None:
    clip = linear(voice(2.0))
    between = ((clip[1:].astype(np.int32) + clip[:-1]) // 8).astype(np.int16)
    assert contains_clip(around(between, 5, rng), clip) > 0.9


def test_a_few_lost_frames_do_not_matter(voice: Voice, rng: np.random.Generator) -> None:
    clip = voice(4.0)
    frames = [clip[n : n + 160] for n in range(0, len(clip), 160)]
    for lost in ([30], [60, 140], [10, 11, 12], [50, 100, 150]):
        kept = b"".join(frame for n, frame in enumerate(frames) if n not in lost)
        assert contains_clip(around(linear(kept), 20, rng), clip) > HEARD


def test_half_of_it_is_not_all_of_it(voice: Voice, rng: np.random.Generator) -> None:
    clip = voice(2.0)
    half = contains_clip(around(linear(clip[:8000]), 20, rng), clip)
    assert half < 0.75
    assert contains_clip(around(linear(clip[:8000]), 20, rng), clip[:8000]) > 0.99


def test_parts_in_the_wrong_order_are_not_the_clip(voice: Voice, rng: np.random.Generator) -> None:
    clip = voice(4.0)
    turned = clip[24000:] + clip[16000:24000] + clip[8000:16000] + clip[:8000]
    assert contains_clip(around(linear(turned), 20, rng), clip) < HEARD


@pytest.mark.parametrize("clip", [b"", b"\xff" * 8000])
def test_nothing_is_never_heard(voice: Voice, clip: bytes) -> None:
    assert contains_clip(voice(2.0), clip) == 0.0
    assert contains_clip(clip, voice(2.0)) < 0.1
    assert find_clip(voice(2.0), clip) is None


def test_the_threshold_of_hearing_lies_between_the_two_cases(voice: Voice) -> None:
    clips = [voice(1.5, seed=n) for n in range(6)]
    same = [contains_clip(clip, clip) for clip in clips]
    others = [contains_clip(a, b) for a in clips for b in clips if a is not b]
    assert max(others) < HEARD < min(same)
