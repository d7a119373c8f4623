"""Whether a recording holds a clip, judged by the sound itself.

The clip is cut into windows of 0.4 s; each is searched in the recording by normalized
cross-correlation of the waveform (8 kHz, after mu-law or not). Windows must lie where the clip as a whole
lies, give or take `DRIFT`, and a change of place from one window to the next costs `SHIFT_COST`: lost
frames shift the rest once in a while, but other speech of the same voice, which also correlates somewhere,
would have to jump at every window. The score is the mean correlation of the windows, by energy.
"""

from __future__ import annotations

import audioop

import numpy as np
import numpy.typing as npt
from scipy import fft

RATE = 8000
WINDOW = 3200  # samples: 0.4 s
DRIFT = 0.25  # seconds that drops may shift a part against the whole
SHIFT_COST = 0.25
HEARD = 0.6  # at 1 % lost frames the clip scores above 0.75, other speech of one voice under 0.5
_TINY = 1e-9

Samples = npt.NDArray[np.int16]
_Floats = npt.NDArray[np.float32]


def contains_clip(recording: Samples | bytes, clip: Samples | bytes) -> float:
    """How surely `recording` holds `clip`, from 0 (not at all) to 1 (sample by sample).

    Both at 8 kHz, as int16 samples or as mu-law bytes. A silent or empty clip scores 0; so does a
    recording that is shorter than half of the clip. Clips under half a second say little: some other
    syllable may sound alike. Costs about 0.5 s for 11 s in 120 s, so run it in a thread.
    """
    return _search(_linear(recording), _linear(clip))[0]


def find_clip(recording: Samples | bytes, clip: Samples | bytes) -> float | None:
    """Where in the recording the clip begins, in seconds; None when it is not there.

    May be a little negative when the clip's beginning is missing.
    """
    score, lag = _search(_linear(recording), _linear(clip))
    return lag / RATE if score >= HEARD else None


def _search(recording: _Floats, clip: _Floats) -> tuple[float, int]:
    loud = np.flatnonzero(np.abs(clip) > 0)
    if loud.size == 0:
        return 0.0, 0
    lead = int(loud[0])
    clip = clip[lead : int(loud[-1]) + 1]
    if recording.size < max(WINDOW // 4, clip.size // 2):
        return 0.0, 0
    size = min(WINDOW, clip.size)
    # Silence around the recording lets the clip's first or last part be missing.
    margin = clip.size
    padded = np.pad(recording, margin)
    starts = list(range(0, clip.size - size + 1, size))
    windows = [clip[start : start + size] for start in starts]
    weights = np.array([window @ window for window in windows], dtype=np.float32)
    n = fft.next_fast_len(padded.size + size, real=True)
    spectrum = fft.rfft(padded, n)
    energy = _moving_energy(padded, size)
    scores = [_correlate(spectrum, n, window, energy) for window in windows]
    # The lag of the whole: where the windows' correlations, each moved back by its start, add up.
    span = min(score.size - start for score, start in zip(scores, starts, strict=True))
    total = np.zeros(span, dtype=np.float32)
    reach = round(DRIFT * RATE)
    for score, start, weight in zip(scores, starts, weights, strict=True):
        total += weight * _widest(score[start : start + span], RATE // 50)
    lag = int(np.argmax(total))
    near = [
        np.pad(score, reach, constant_values=-1.0)[lag + start : lag + start + 2 * reach + 1]
        for score, start in zip(scores, starts, strict=True)
    ]
    weights /= weights.sum()
    # The exact place is where most of the clip agrees; `lag` is as coarse as its blocks.
    agreed = sum(weight * score for weight, score in zip(weights, near, strict=True))
    return _best_path(near, weights), lag + int(np.argmax(agreed)) - reach - margin - lead


def _best_path(scores: list[_Floats], weights: _Floats) -> float:
    """The best mean correlation when a change of place between windows costs `SHIFT_COST`."""
    best = weights[0] * scores[0]
    for score, weight in zip(scores[1:], weights[1:], strict=True):
        near = np.maximum(best, np.maximum(np.roll(best, 1), np.roll(best, -1)))
        best = weight * score + np.maximum(near, best.max() - SHIFT_COST * weight)
    return float(np.clip(best.max(), 0.0, 1.0))


def _correlate(
    spectrum: npt.NDArray[np.complex64], n: int, window: _Floats, energy: _Floats
) -> _Floats:
    """Correlation in [-1, 1] of a window with every place of the recording."""
    product = fft.irfft(spectrum * np.conj(fft.rfft(window, n)), n)[: energy.size]
    result: _Floats = product / (energy * float(np.sqrt(window @ window) + _TINY))
    return result


def _moving_energy(signal: _Floats, size: int) -> _Floats:
    """Root energy of each stretch of `size` samples; a floor keeps silence from matching anything."""
    total = np.cumsum(np.pad(signal, (1, 0)).astype(np.float64) ** 2)
    floor = size * 30.0**2  # RMS 30 of 32768
    return np.sqrt(np.maximum(total[size:] - total[:-size], floor)).astype(np.float32)


def _widest(score: _Floats, reach: int) -> _Floats:
    """Running maximum over blocks of `reach` samples, so that small shifts still add up."""
    blocks = -(-score.size // reach)
    padded = np.full(blocks * reach, -1.0, dtype=np.float32)
    padded[: score.size] = score
    result: _Floats = np.repeat(padded.reshape(blocks, reach).max(axis=1), reach)[: score.size]
    return result


def _linear(audio: Samples | bytes) -> _Floats:
    if isinstance(audio, bytes):
        audio = np.frombuffer(audioop.ulaw2lin(audio, 2), dtype=np.int16)
    return audio.astype(np.float32)
