import audioop

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.demo import studio


def tone(hertz: float, seconds: float = 1.0, amplitude: float = 0.1) -> studio.Samples:
    t = np.arange(round(seconds * studio.RATE)) / studio.RATE
    return np.asarray(amplitude * np.sin(2 * np.pi * hertz * t), dtype=np.float64)


def rms_db(samples: studio.Samples) -> float:
    return float(10 * np.log10((samples**2).mean()))


@pytest.mark.parametrize(
    ("hertz", "passes"), [(100, False), (1000, True), (2500, True), (3900, False)]
)
def test_the_telephone_band_ends_where_the_telephone_does(hertz: float, passes: bool) -> None:
    loss = rms_db(tone(hertz)) - rms_db(studio.telephone_band(tone(hertz))[2000:])
    assert (loss < 1.0) == passes
    assert (loss > 15.0) == (not passes)


@given(st.floats(-36, -12))
def test_levels_are_met_whatever_the_pauses(dbfs: float) -> None:
    speech = np.concatenate([np.zeros(4000), tone(700, amplitude=0.3), np.zeros(8000)])
    assert studio.level(studio.at_level(speech, dbfs)) == pytest.approx(dbfs, abs=1.0)


def test_peaks_bend_instead_of_clipping() -> None:
    spike = np.zeros(8000)
    spike[::200] = 1.0
    assert np.abs(studio.at_level(spike, -12)).max() < 1.25


def test_a_room_adds_a_tail_that_dies_away() -> None:
    click = np.zeros(4000)
    click[0] = 1.0
    wet = studio.in_room(click, direct_db=6.0, seed=1)
    tail = wet[1:]
    assert wet[0] == pytest.approx(1.0)
    assert rms_db(tail[40:400]) > rms_db(tail[1200:1700]) + 20


def test_noise_has_its_level_and_depends_on_its_seed_alone() -> None:
    noise = studio.line_noise(16_000, -50.0, seed=7)
    assert rms_db(noise) == pytest.approx(-50.0, abs=0.5)
    assert np.array_equal(noise, studio.line_noise(16_000, -50.0, seed=7))
    assert not np.array_equal(noise, studio.line_noise(16_000, -50.0, seed=8))


def test_a_loop_closes_without_a_jump() -> None:
    # 440.5 Hz: a plain cut of two seconds would end in the middle of a wave.
    looped = studio.loop(tone(440.25, seconds=3.0), seconds=2.0)
    assert looped.size == 16_000
    jump = abs(looped[0] - looped[-1])
    assert jump <= np.abs(np.diff(looped)).max() * 1.1


def test_fades_begin_and_end_in_silence() -> None:
    faded = studio.faded(tone(500))
    assert faded[0] == faded[-1] == 0.0
    assert np.array_equal(faded[400:-400], tone(500)[400:-400])


@given(st.floats(0.9, 1.1))
def test_a_shift_changes_pitch_and_length_alike(shift: float) -> None:
    wide = (tone(500, seconds=2.0) * 32768).astype(np.int16)
    shifted = studio.to_telephone_rate(wide, studio.RATE, shift)
    spectrum = np.abs(np.fft.rfft(shifted * np.hanning(shifted.size)))
    pitch = np.argmax(spectrum) * studio.RATE / shifted.size
    assert shifted.size == pytest.approx(16_000 / shift, abs=2)
    assert pitch == pytest.approx(500 * shift, abs=2)


def test_mu_law_keeps_the_sound() -> None:
    mulaw = studio.to_mulaw(tone(1000))
    back = np.frombuffer(audioop.ulaw2lin(mulaw, 2), np.int16) / 32768.0
    error = back - tone(1000)
    assert rms_db(tone(1000)) - rms_db(error) > 35
