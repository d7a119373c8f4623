from __future__ import annotations

import audioop

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.audio import g711
from voice_hitl.audio.mixer import mix, scale

frames = st.binary(min_size=160, max_size=160)


@given(st.lists(frames, min_size=2, max_size=4))
def test_the_mix_is_the_limited_sum(parts: list[bytes]) -> None:
    total = np.zeros(160, np.int64)
    for part in parts:  # limited at each step, as on a bridge
        total = np.clip(total + g711.decode(part), -32768, 32767)
    assert mix(parts) == g711.encode(total.astype(np.int16))


@given(frames)
def test_silence_changes_nothing(frame: bytes) -> None:
    assert g711.decode_bytes(mix([frame, g711.SILENT_FRAME])) == g711.decode_bytes(frame)
    assert mix([frame]) is frame


def test_nobody_is_nothing() -> None:
    assert mix([]) == b""


def test_frames_of_different_lengths_are_refused() -> None:
    with pytest.raises(audioop.error):
        mix([b"\xff" * 160, b"\xff" * 80])


@given(frames, st.floats(0, 4))
def test_scaling_is_limited(frame: bytes, factor: float) -> None:
    scaled = g711.decode(scale(frame, factor)).astype(int)
    expected = np.clip(np.floor(g711.decode(frame) * factor), -32768, 32767)
    assert np.all(np.abs(scaled - expected) <= (np.abs(expected) + 132) / 32 + 644)
    assert np.all(np.sign(scaled) * np.sign(expected) >= 0)
