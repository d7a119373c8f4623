"""Adding voices: several people on one line."""

from __future__ import annotations

import audioop
from collections.abc import Sequence

from voice_hitl.audio import g711


def mix(frames: Sequence[bytes]) -> bytes:
    """The sum of mu-law frames of equal length, limited at full scale; no frame gives b"".

    Raises `audioop.error` for frames of different lengths.
    """
    if not frames:
        return b""
    if len(frames) == 1:
        return frames[0]
    total = g711.decode_bytes(frames[0])
    for frame in frames[1:]:
        total = audioop.add(total, g711.decode_bytes(frame), 2)
    return g711.encode_bytes(total)


def scale(frame: bytes, factor: float) -> bytes:
    """A mu-law frame made louder or softer, limited at full scale."""
    return g711.encode_bytes(audioop.mul(g711.decode_bytes(frame), 2, factor))
