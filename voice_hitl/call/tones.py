"""Sounds that are not speech."""

from __future__ import annotations

import numpy as np

from voice_hitl.audio import g711

HOLD_SECONDS = 2.0


def hold_tone() -> bytes:
    """Two soft notes and a pause, `HOLD_SECONDS` of mu-law: a waiting caller knows that the line lives."""
    samples = np.zeros(int(HOLD_SECONDS * g711.RATE))
    for start, hertz in ((0.1, 523.25), (0.35, 659.25)):
        length = int(0.45 * g711.RATE)
        t = np.arange(length) / g711.RATE
        note = np.sin(2 * np.pi * hertz * t) * np.exp(-t * 7.0) * np.minimum(1.0, t * 100.0)
        begin = int(start * g711.RATE)
        samples[begin : begin + length] += note
    return g711.encode((samples * 2600).astype(np.int16))
