"""Sounds with known content, and how alike two sounds are."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
Levels = NDArray[np.float64]

RATE = 8000
STEP = 0.01  # seconds between two levels


def babble(seed: int, seconds: float = 6.0, rate: int = RATE) -> Samples:
    """Voiced bursts of random pitch, loudness and length with pauses between: no two seeds sound alike.

    Like speech enough to pass a browser's noise suppression, unlike a steady tone.
    """
    chance = np.random.default_rng(seed)
    sound = np.zeros(round(seconds * rate))
    at = 0.0
    while at < seconds:
        length = chance.uniform(0.12, 0.4)
        first, last = round(at * rate), min(len(sound), round((at + length) * rate))
        time = np.arange(last - first) / rate
        pitch = chance.uniform(110, 240) * (1 + 0.1 * np.sin(2 * np.pi * 4 * time))
        phase = 2 * np.pi * np.cumsum(pitch) / rate
        voiced = sum(np.sin(k * phase) / k for k in range(1, 12))
        fade = np.minimum(1, np.minimum(time, time[::-1]) / 0.015)
        sound[first:last] = chance.uniform(0.35, 1.0) * fade * voiced
        at += length + chance.uniform(0.06, 0.35)
    quiet: Levels = 9000 * sound / np.abs(sound).max()
    return quiet.astype(np.int16)


def write_wav(path: Path, samples: Samples, rate: int) -> None:
    """Write one channel of 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


def levels(samples: Samples, rate: int = RATE) -> Levels:
    """Loudness every `STEP` seconds, linear."""
    size = round(STEP * rate)
    blocks = samples[: len(samples) // size * size].astype(np.float64).reshape(-1, size)
    loudness: Levels = np.sqrt((blocks**2).mean(axis=1))
    return loudness


def likeness(heard: Levels, said: Levels) -> float:
    """The best correlation, in [-1, 1], of what was heard with any stretch of what is said again and again.

    Works on loudness over time, which survives codecs, gain control and resampling; two different
    utterances of a few seconds stay well below 0.6.
    """
    said = np.tile(said, len(heard) // len(said) + 2)
    heard = heard - heard.mean()
    norm = np.linalg.norm(heard)
    if norm == 0:
        return 0.0
    best = -1.0
    for lag in range(len(said) - len(heard)):
        part = said[lag : lag + len(heard)]
        part = part - part.mean()
        best = max(best, float(heard @ part / (norm * np.linalg.norm(part) + 1e-9)))
    return best
