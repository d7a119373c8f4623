from __future__ import annotations

import audioop

import numpy as np
import pytest
from numpy.typing import NDArray

from voice_hitl.audio import g711
from voice_hitl.call.tones import HOLD_SECONDS, hold_tone


@pytest.fixture(scope="module")
def sound() -> NDArray[np.int16]:
    return np.frombuffer(audioop.ulaw2lin(hold_tone(), 2), np.int16)


def loudness(sound: NDArray[np.int16], start: float, end: float) -> float:
    part = sound[int(start * g711.RATE) : int(end * g711.RATE)].astype(float)
    return float(np.sqrt(np.mean(part**2)))


def test_it_is_whole_frames_of_its_length() -> None:
    assert len(hold_tone()) == HOLD_SECONDS * g711.RATE
    assert len(hold_tone()) % g711.FRAME == 0


def test_it_is_audible_but_softer_than_speech(sound: NDArray[np.int16]) -> None:
    assert 1000 < np.abs(sound).max() < 6000
    assert loudness(sound, 0.1, 0.3) > 300


def test_two_notes_and_then_silence(sound: NDArray[np.int16]) -> None:
    for start, hertz in ((0.1, 523.25), (0.6, 659.25)):
        part = sound[int(start * g711.RATE) :][: g711.RATE // 5].astype(float)
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), g711.RATE))
        assert int(spectrum.argmax()) == pytest.approx(hertz, abs=6)
    assert loudness(sound, 0.0, 0.1) == 0
    assert loudness(sound, 0.9, HOLD_SECONDS) == 0


def test_its_notes_begin_softly(sound: NDArray[np.int16]) -> None:
    assert loudness(sound, 0.1, 0.102) < 0.3 * loudness(sound, 0.11, 0.13)
