"""G.711 mu-law (ITU-T G.711), the telephone's sample format, by `audioop`'s lookup tables."""

from __future__ import annotations

import audioop

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

RATE = 8000  # samples a second
FRAME = 160  # samples, and mu-law bytes, in 20 ms
FRAME_SECONDS = FRAME / RATE
SILENCE = b"\xff"  # positive zero
SILENT_FRAME = SILENCE * FRAME


def decode(ulaw: bytes) -> Pcm:
    """Expand mu-law to a read-only int16 array of the same number of samples."""
    return np.frombuffer(audioop.ulaw2lin(ulaw, 2), np.int16)


def encode(pcm: Pcm) -> bytes:
    """Compress int16 samples to mu-law; raise `TypeError` for any other sample type."""
    if pcm.dtype != np.int16:
        raise TypeError(f"mu-law is made from int16 samples, not from {pcm.dtype}")
    return audioop.lin2ulaw(pcm.tobytes(), 2)


def decode_bytes(ulaw: bytes) -> bytes:
    """Expand mu-law to little-endian int16 bytes, twice as many."""
    return audioop.ulaw2lin(ulaw, 2)


def encode_bytes(pcm: bytes) -> bytes:
    """Compress int16 bytes to mu-law; raise `audioop.error` for an odd number of bytes."""
    return audioop.lin2ulaw(pcm, 2)


def silence(samples: int) -> bytes:
    """That many samples of mu-law silence."""
    return SILENCE * samples
