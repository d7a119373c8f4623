"""Streaming sample-rate conversion by soxr."""

from __future__ import annotations

from typing import Literal

import numpy as np
import soxr

from voice_hitl.audio.g711 import Pcm

Quality = Literal["QQ", "LQ", "MQ", "HQ", "VHQ"]


class StreamResampler:
    """Converts one int16 mono stream piece by piece; the pieces join without clicks.

    Raises `ValueError` for a rate that is not positive.
    """

    def __init__(self, source: int, target: int, quality: Quality = "MQ") -> None:
        if source <= 0 or target <= 0:
            raise ValueError(f"sample rates are positive, not {source} and {target}")
        self._stream = (
            None
            if source == target
            else soxr.ResampleStream(source, target, 1, dtype="int16", quality=quality)
        )

    def push(self, pcm: Pcm) -> Pcm:
        """The samples that are ready after `pcm`: soxr keeps a few milliseconds back."""
        if self._stream is None:
            return pcm
        made: Pcm = self._stream.resample_chunk(np.ascontiguousarray(pcm, np.int16))
        return made

    def flush(self) -> Pcm:
        """What was kept back; the stream is over."""
        if self._stream is None:
            return np.zeros(0, np.int16)
        made: Pcm = self._stream.resample_chunk(np.zeros(0, np.int16), last=True)
        return made
