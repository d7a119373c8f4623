from __future__ import annotations

import audioop
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_hitl.errors import ScenarioError
from voice_hitl.simulate.clips import Noise, load_clip, speech_intervals
from voice_hitl.simulate.wav import write_mono

Voice = Callable[..., bytes]


def linear(mulaw: bytes) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.frombuffer(audioop.ulaw2lin(mulaw, 2), dtype=np.int16)


def test_silence_around_the_speech_does_not_count(voice: Voice, tmp_path: Path) -> None:
    write_mono(tmp_path / "a.wav", voice(0.8, lead=0.3, trail=0.7))
    clip = load_clip(tmp_path / "a.wav")
    assert clip.name == "a.wav"
    assert clip.seconds == pytest.approx(1.8)
    assert clip.speech_start == pytest.approx(0.3, abs=0.02)
    assert clip.speech_end == pytest.approx(1.1, abs=0.02)


def test_a_quiet_background_does_not_count_either(voice: Voice) -> None:
    hiss = np.random.default_rng(0).normal(0, 25, 16000)
    sound = linear(voice(0.8, lead=0.4, trail=0.8)).astype(np.float64)
    (interval,) = speech_intervals((sound + hiss).astype(np.int16))
    assert interval == pytest.approx((0.4, 1.2), abs=0.02)


def test_only_a_long_pause_parts_the_speech(voice: Voice) -> None:
    together = voice(0.5, trail=0.2) + voice(0.5, seed=1)
    apart = voice(0.5, trail=0.4) + voice(0.5, seed=1)
    assert len(speech_intervals(linear(together))) == 1
    (first, second) = speech_intervals(linear(apart))
    assert first[1] == pytest.approx(0.5, abs=0.02)
    assert second[0] == pytest.approx(0.9, abs=0.02)


@settings(deadline=None)
@given(st.lists(st.integers(-32768, 32767), max_size=400))
def test_stretches_are_in_order_and_within_the_recording(samples: list[int]) -> None:
    intervals = speech_intervals(np.array(samples * 20, dtype=np.int16))
    edges = [edge for interval in intervals for edge in interval]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(samples) * 20 / 8000 for edge in edges)


def test_the_last_frame_is_filled_with_silence(voice: Voice, tmp_path: Path) -> None:
    write_mono(tmp_path / "a.wav", voice(0.5) + voice(0.005))
    clip = load_clip(tmp_path / "a.wav")
    assert {len(frame) for frame in clip.frames} == {160}
    assert clip.frames[-1].endswith(b"\xff" * 120)


def test_a_recording_without_speech_is_refused(tmp_path: Path) -> None:
    write_mono(tmp_path / "a.wav", b"\xff" * 8000)
    with pytest.raises(ScenarioError, match="holds no speech"):
        load_clip(tmp_path / "a.wav")


@pytest.mark.parametrize("snr_db", [0, 10, 25])
def test_noise_lies_so_far_under_the_speech(voice: Voice, tmp_path: Path, snr_db: float) -> None:
    write_mono(tmp_path / "speech.wav", voice(1.0))
    hiss = np.random.default_rng(0).normal(0, 900, 16000).astype(np.int16).tobytes()
    write_mono(tmp_path / "noise.wav", audioop.lin2ulaw(hiss, 2))
    clip = load_clip(tmp_path / "speech.wav")
    noise = Noise(tmp_path / "noise.wav", snr_db, clip.speech_rms)
    alone = linear(b"".join(noise.alone() for _ in range(100))).astype(np.float64)
    level = np.sqrt((alone**2).mean())
    assert 20 * np.log10(clip.speech_rms / level) == pytest.approx(snr_db, abs=0.5)
    mixed = linear(b"".join(noise.under(frame) for frame in clip.frames)).astype(np.float64)
    spoken = linear(b"".join(clip.frames)).astype(np.float64)
    assert np.corrcoef(mixed - spoken, alone[: len(spoken)])[0, 1] > 0.9


def test_noise_goes_on_after_its_end(voice: Voice, tmp_path: Path) -> None:
    write_mono(tmp_path / "noise.wav", voice(0.045))  # two frames and a rest that is left out
    noise = Noise(tmp_path / "noise.wav", 0, 1000)
    frames = [noise.alone() for _ in range(4)]
    assert frames[:2] == frames[2:]
    assert frames[0] != frames[1]


@pytest.mark.parametrize("audio", [b"", b"\xff" * 100, b"\xff" * 8000])
def test_a_file_without_noise_is_refused(tmp_path: Path, audio: bytes) -> None:
    write_mono(tmp_path / "a.wav", audio)
    with pytest.raises(ScenarioError, match="holds no noise"):
        Noise(tmp_path / "a.wav", 10, 1000)
