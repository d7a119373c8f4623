"""Telephone samples to the cepstra that the acoustic model expects, as they arrive.

A frame every 10 ms: spectrum, pre-emphasis as the wideband model saw it, 20 log mel energies, less
the caller's mean spectrum, and from there by `acoustic.estimator` to 13 cepstra.

The mean is taken over speech only (frames within 26 dB of the loudest), so that pauses do not move
it. It starts from what is known of the caller, or from a flat one, and follows the utterance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from voice_hitl.speech.acoustic import BANDS, Matrix, filters

Pcm = NDArray[np.int16]

RATE = 8000
WINDOW, STEP = 205, 80  # samples: 25.6 and 10 ms
_BINS = 256
_SPACING = RATE / _BINS
_PRE_EMPHASIS = 0.97
_WIDE_RATE = 16000
_FLOOR = 1e3  # power: about the noise of mu-law coding; below it nothing is heard
_UNDER_PEAK = 6.0  # nepers of power under the loudest frame that still count as speech
_PEAK_FALL = 0.002  # a frame: a click does not set the bar for the whole utterance
_ENOUGH = 60  # frames of speech before the first cepstra of an unknown caller
_LONGEST_WAIT = 200  # frames
_UNKNOWN_WEIGHT = 20.0  # frames that a flat spectrum counts for
_KNOWN_WEIGHT = 200.0  # frames that an earlier utterance of the caller may count for


def _emphasis() -> Matrix:
    at = np.arange(_BINS // 2 + 1) * _SPACING
    gain = 1 - 2 * _PRE_EMPHASIS * np.cos(2 * np.pi * at / _WIDE_RATE) + _PRE_EMPHASIS**2
    return np.asarray(4 * gain, np.float64)  # 4: twice the samples at the wide rate, squared


class Bands:
    """Samples to log mel energies, (frames, BANDS); block sizes do not matter."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.int16)
        self._window = np.hamming(WINDOW)
        weights = filters(_BINS // 2 + 1, _SPACING) * _emphasis()
        self._weights = weights.T

    def __call__(self, pcm: Pcm) -> Matrix:
        """Return the log energies of the frames that `pcm` completes."""
        samples = np.concatenate([self._rest, pcm])
        frames = max(0, 1 + (len(samples) - WINDOW) // STEP)
        self._rest = samples[frames * STEP :]
        if not frames:
            return np.zeros((0, BANDS))
        windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::STEP][:frames]
        power = np.abs(np.fft.rfft(windows * self._window, _BINS)) ** 2
        return np.asarray(np.log(power @ self._weights + _FLOOR), np.float64)


class MeanVoice:
    """The mean spectrum of a caller's speech, as far as it is known."""

    def __init__(self, known: tuple[float, ...] = (), weight: float = 0.0) -> None:
        self.known = len(known) == BANDS and weight > 0
        self._prior = np.array(known if self.known else (0.0,) * BANDS, np.float64)
        self._prior_weight = min(weight, _KNOWN_WEIGHT) if self.known else _UNKNOWN_WEIGHT
        self._sum = np.zeros(BANDS)
        self._peak = -np.inf
        self.frames = 0

    def learn(self, bands: Matrix) -> None:
        """Take frames; those that are not speech are passed over."""
        for energy, frame in zip(bands.mean(axis=1), bands, strict=True):
            self._peak = max(self._peak - _PEAK_FALL, energy)
            if energy > self._peak - _UNDER_PEAK:
                self._sum += frame
                self.frames += 1

    def mean(self) -> Matrix:
        """Return the mean, (BANDS,)."""
        prior = self._prior
        if not self.known and self.frames:
            # Pre-emphasized speech is almost flat on average; only its level is unknown.
            prior = prior + (self._sum / self.frames).mean()
        total = self._prior_weight + self.frames
        return np.asarray((self._prior_weight * prior + self._sum) / total, np.float64)

    def weight(self) -> float:
        """Return how many frames of speech the mean stands on."""
        return (self._prior_weight if self.known else 0.0) + self.frames


class FrontEnd:
    """One utterance's samples to cepstra."""

    def __init__(self, estimate: Matrix, voice: MeanVoice) -> None:
        self.voice = voice
        self._estimate = estimate.T
        self._bands = Bands()
        self._waiting: list[Matrix] = []
        self._waited = 0
        self._started = voice.known

    def feed(self, pcm: Pcm) -> NDArray[np.float32]:
        """Return the cepstra, (frames, CEPSTRA), that can be given now."""
        bands = self._bands(pcm)
        self.voice.learn(bands)
        if not self._started:
            self._waiting.append(bands)
            self._waited += len(bands)
            if self.voice.frames < _ENOUGH and self._waited < _LONGEST_WAIT:
                return self._cepstra(bands[:0])
            return self.flush()
        return self._cepstra(bands)

    def flush(self) -> NDArray[np.float32]:
        """Return what was held back; the utterance may go on."""
        self._started = True
        held = np.concatenate([*self._waiting, np.zeros((0, BANDS))])
        self._waiting.clear()
        return self._cepstra(held)

    def _cepstra(self, bands: Matrix) -> NDArray[np.float32]:
        return np.ascontiguousarray((bands - self.voice.mean()) @ self._estimate, np.float32)
