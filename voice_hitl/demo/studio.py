"""Makes a synthetic voice sound like somebody on a telephone.

Everything works on float arrays at 8 kHz, full scale 1.0, and is deterministic for a given seed.
"""

from __future__ import annotations

import audioop

import numpy as np
import numpy.typing as npt
import soxr
from scipy import signal

RATE = 8000
Samples = npt.NDArray[np.float64]

_BAND = signal.butter(7, (300.0, 3400.0), "bandpass", fs=RATE, output="sos")  # ITU-T G.712
_MUFFLED = signal.butter(3, 1100.0, "lowpass", fs=RATE, output="sos")
_SPEECH_BELOW_PEAK = 10 ** (-30 / 20)  # what is quieter than this against the loudest is a pause
_HOP = 80  # 10 ms


def to_telephone_rate(wide: npt.NDArray[np.int16], rate: int, shift: float) -> Samples:
    """Resample 16-bit speech; `shift` above 1 makes a shorter vocal tract (higher and faster)."""
    floats = wide.astype(np.float64) / 32768.0
    resampled: Samples = soxr.resample(floats, rate * shift, RATE, quality="VHQ")
    return resampled


def telephone_band(samples: Samples) -> Samples:
    """What a telephone line lets through: 300 to 3400 Hz."""
    filtered: Samples = signal.sosfilt(_BAND, samples)
    return filtered


def muffled(samples: Samples) -> Samples:
    """Somebody who hardly opens the mouth: little is left above 1.1 kHz."""
    filtered: Samples = signal.sosfilt(_MUFFLED, samples)
    return filtered


def in_room(samples: Samples, direct_db: float, seed: int) -> Samples:
    """Add a small room: noise that decays by 60 dB in 0.22 s, `direct_db` under the direct sound."""
    random = np.random.default_rng(seed)
    t = np.arange(round(0.22 * RATE)) / RATE
    tail = random.standard_normal(t.size) * np.exp(-t * np.log(1000.0) / 0.22)
    tail[: RATE // 200] = 0.0  # the first reflection takes 5 ms
    tail *= 10 ** (-direct_db / 20) / np.sqrt((tail**2).sum())
    tail[0] = 1.0
    wet: Samples = signal.fftconvolve(samples, tail)
    return wet


def level(samples: Samples) -> float:
    """RMS of the speech in dB of full scale; pauses do not count."""
    hops = samples[: samples.size // _HOP * _HOP].reshape(-1, _HOP)
    energy = (hops**2).mean(axis=1)
    loud = energy[energy > energy.max(initial=0.0) * _SPEECH_BELOW_PEAK**2]
    return float(10 * np.log10(loud.mean())) if loud.size else -np.inf


def at_level(samples: Samples, dbfs: float) -> Samples:
    """Bring speech to an RMS level; peaks bend softly instead of clipping."""
    scaled = samples * 10 ** ((dbfs - level(samples)) / 20)
    return np.asarray(np.tanh(scaled * 0.8) / 0.8, dtype=np.float64)


def line_noise(size: int, dbfs: float, seed: int) -> Samples:
    """Hiss with a fall of 3 dB an octave, in the telephone band, with a little mains hum's harmonics."""
    random = np.random.default_rng(seed)
    spectrum = np.fft.rfft(random.standard_normal(size + RATE))
    spectrum /= np.sqrt(np.maximum(np.arange(spectrum.size), 1.0))
    noise = telephone_band(np.fft.irfft(spectrum))[RATE // 2 : RATE // 2 + size]
    noise /= np.sqrt((noise**2).mean())
    t = np.arange(size) / RATE
    hum = np.sin(2 * np.pi * 300 * t) + 0.5 * np.sin(2 * np.pi * 420 * t)
    return np.asarray((noise + 0.15 * hum) * 10 ** (dbfs / 20), dtype=np.float64)


def loop(samples: Samples, seconds: float, fade: float = 0.25) -> Samples:
    """Cut a stretch that can be played round and round: its end is faded into its beginning."""
    size, over = round(seconds * RATE), round(fade * RATE)
    cut = samples[: size + over].copy()
    ramp = np.sqrt(np.linspace(0.0, 1.0, over))
    cut[:over] = cut[:over] * ramp + cut[size : size + over] * ramp[::-1]
    return np.asarray(cut[:size], dtype=np.float64)


def faded(samples: Samples, seconds: float = 0.03) -> Samples:
    """Fade both ends, so that cutting the noise makes no click."""
    ramp = np.ones(samples.size)
    over = min(round(seconds * RATE), samples.size // 2)
    ramp[:over] = np.linspace(0.0, 1.0, over)
    ramp[samples.size - over :] = np.linspace(1.0, 0.0, over)
    return np.asarray(samples * ramp, dtype=np.float64)


def to_mulaw(samples: Samples) -> bytes:
    """ITU-T G.711 mu-law, one byte a sample."""
    pcm = np.clip(np.round(samples * 32768.0), -32768, 32767).astype(np.int16)
    return audioop.lin2ulaw(pcm.tobytes(), 2)
