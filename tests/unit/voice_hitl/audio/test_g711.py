from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.audio import g711

ALL_CODES = bytes(range(256))


@given(st.binary(max_size=400))
def test_every_code_survives_the_round_trip(ulaw: bytes) -> None:
    # 0x7F is negative zero: the one code with a twin
    assert g711.encode(g711.decode(ulaw)) == ulaw.replace(b"\x7f", b"\xff")


@given(st.lists(st.integers(-32768, 32767), max_size=400))
def test_quantization_error_is_within_half_a_step(samples: list[int]) -> None:
    pcm = np.array(samples, np.int16)
    magnitude = np.abs(pcm.astype(int))
    error = np.abs(g711.decode(g711.encode(pcm)).astype(int) - pcm)
    # 16 steps a segment, segments double at magnitudes 2^k - 132 (G.711, table 2a, scaled to 16 bits);
    # 4: the coder drops two bits first; beyond 32635 it clips to 32124
    limit = np.where(magnitude > 32635, 644, (magnitude + 132) / 32 + 4)
    assert np.all(error <= limit)


def test_bytes_and_arrays_agree() -> None:
    assert g711.decode(ALL_CODES).tobytes() == g711.decode_bytes(ALL_CODES)
    pcm = g711.decode(ALL_CODES)
    assert g711.encode(pcm) == g711.encode_bytes(pcm.tobytes())


def test_known_values() -> None:
    # the largest, the smallest and zero (G.711, table 2a, scaled to 16 bits)
    assert g711.decode(b"\x80\x00\xff").tolist() == [32124, -32124, 0]


def test_silence_is_silent() -> None:
    assert not g711.decode(g711.silence(5)).any()
    assert len(g711.SILENT_FRAME) == g711.FRAME


def test_strided_samples_are_encoded_as_they_are_seen() -> None:
    pcm = np.arange(0, 3200, 10, dtype=np.int16)
    assert g711.encode(pcm[::2]) == g711.encode(pcm[::2].copy())


def test_other_sample_types_are_refused() -> None:
    with pytest.raises(TypeError, match="float64"):
        g711.encode(np.zeros(4))  # type: ignore[arg-type]
