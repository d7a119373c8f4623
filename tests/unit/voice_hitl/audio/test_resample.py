from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_hitl.audio.resample import StreamResampler


def tone(
    hertz: float, rate: int, seconds: float
) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    t = np.arange(int(rate * seconds)) / rate
    return (10_000 * np.sin(2 * np.pi * hertz * t)).astype(np.int16)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=20))
def test_pieces_give_what_the_whole_gives(sizes: list[int]) -> None:
    sound = tone(440, 8000, 0.5)
    whole = StreamResampler(8000, 16000)
    expected = np.concatenate([whole.push(sound), whole.flush()])
    pieces, made, position = StreamResampler(8000, 16000), [], 0
    for size in sizes:
        made.append(pieces.push(sound[position : position + size]))
        position += size
    made += [pieces.push(sound[position:]), pieces.flush()]
    got = np.concatenate(made)
    assert len(got) == len(expected) == 2 * len(sound)
    assert np.abs(got.astype(int) - expected).max() <= 3  # soxr dithers


@pytest.mark.parametrize(("source", "target"), [(8000, 16000), (16000, 8000), (24000, 8000)])
def test_a_tone_stays_the_same_tone(source: int, target: int) -> None:
    resampler = StreamResampler(source, target, "HQ")
    got = np.concatenate([resampler.push(tone(1000, source, 0.5)), resampler.flush()])
    middle = slice(target // 10, target * 4 // 10)
    assert np.abs(got[middle].astype(int) - tone(1000, target, 0.5)[middle]).max() < 60


def test_equal_rates_pass_through() -> None:
    resampler = StreamResampler(8000, 8000)
    sound = tone(300, 8000, 0.1)
    assert resampler.push(sound) is sound
    assert not len(resampler.flush())


def test_rates_must_be_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        StreamResampler(8000, 0)
