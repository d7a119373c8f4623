"""What a caller says: recordings with the true extent of the speech in them, and background noise."""

from __future__ import annotations

import audioop
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voice_hitl.errors import ScenarioError
from voice_hitl.simulate.wav import RATE, read_wav

FRAME = 160  # samples: 20 ms
_HOP = 80  # samples: 10 ms, the grain of the speech's extent
_FLOOR = 40.0  # RMS of 32768 below which nothing is speech (-58 dBFS)
_BELOW_PEAK = 0.02  # speech fades out at -34 dB from its loudest 10 ms


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording, cut into 20 ms frames (the last one filled with silence)."""

    name: str
    frames: tuple[bytes, ...]  # mu-law, 160 bytes each
    speech: tuple[tuple[float, float], ...]  # stretches of speech, seconds from the first sample
    speech_rms: float  # of the stretches, of 32768

    @property
    def seconds(self) -> float:
        """Length of all frames."""
        return len(self.frames) * FRAME / RATE

    @property
    def speech_start(self) -> float:
        """Where the first stretch begins."""
        return self.speech[0][0]

    @property
    def speech_end(self) -> float:
        """Where the last stretch ends: silence behind it does not count."""
        return self.speech[-1][1]


@lru_cache(maxsize=512)
def load_clip(path: Path) -> Clip:
    """Read a recording; raises `ScenarioError`, also when nothing in it is speech."""
    mulaw = read_wav(path)
    pcm = np.frombuffer(audioop.ulaw2lin(mulaw, 2), dtype=np.int16)
    speech = speech_intervals(pcm)
    if not speech:
        raise ScenarioError(f"{path}: holds no speech")
    parts = [pcm[round(a * RATE) : round(b * RATE)] for a, b in speech]
    padded = mulaw + b"\xff" * (-len(mulaw) % FRAME)
    frames = tuple(padded[n : n + FRAME] for n in range(0, len(padded), FRAME))
    return Clip(path.name, frames, speech, _rms(np.concatenate(parts)))


def speech_intervals(
    pcm: npt.NDArray[np.int16], pause: float = 0.3
) -> tuple[tuple[float, float], ...]:
    """Stretches of speech by energy, to 10 ms; pauses up to `pause` seconds are part of a stretch.

    Meant for clean recordings: the threshold is 34 dB under the loudest 10 ms.
    """
    hops = len(pcm) // _HOP
    if hops == 0:
        return ()
    energy = pcm[: hops * _HOP].reshape(hops, _HOP).astype(np.float64)
    level = np.sqrt((energy**2).mean(axis=1))
    loud = np.flatnonzero(level > max(_FLOOR, _BELOW_PEAK * level.max()))
    if loud.size == 0:
        return ()
    breaks = [(a, b) for a, b in pairwise(loud.tolist()) if (b - a - 1) * _HOP / RATE > pause]
    starts = [int(loud[0]), *(b for _, b in breaks)]
    ends = [*(a for a, _ in breaks), int(loud[-1])]
    return tuple(
        (a * _HOP / RATE, (b + 1) * _HOP / RATE) for a, b in zip(starts, ends, strict=True)
    )


class Noise:
    """Background noise in a loop, at `snr_db` below speech of the level `speech_rms`.

    Raises `ScenarioError` for a silent or too short file.
    """

    def __init__(self, path: Path, snr_db: float, speech_rms: float) -> None:
        mulaw = read_wav(path)
        mulaw = mulaw[: len(mulaw) // FRAME * FRAME]
        level = _rms(np.frombuffer(audioop.ulaw2lin(mulaw, 2), dtype=np.int16)) if mulaw else 0.0
        if level < 1.0:
            raise ScenarioError(f"{path}: holds no noise")
        factor = speech_rms / (level * 10 ** (snr_db / 20))
        linear = audioop.mul(audioop.ulaw2lin(mulaw, 2), 2, factor)
        size = 2 * FRAME
        self._linear = [linear[n : n + size] for n in range(0, len(linear), size)]
        self._alone = [audioop.lin2ulaw(frame, 2) for frame in self._linear]
        self._next = 0

    def alone(self) -> bytes:
        """The next 20 ms of noise."""
        return self._alone[self._step()]

    def under(self, frame: bytes) -> bytes:
        """The next 20 ms of noise under a mu-law frame of speech; loud sums are clipped."""
        noise = self._linear[self._step()]
        return audioop.lin2ulaw(audioop.add(audioop.ulaw2lin(frame, 2), noise, 2), 2)

    def _step(self) -> int:
        present = self._next
        self._next = (present + 1) % len(self._linear)
        return present


def _rms(pcm: npt.NDArray[np.int16]) -> float:
    return float(np.sqrt((pcm.astype(np.float64) ** 2).mean())) if pcm.size else 0.0
