"""Telephone WAV files: 8 kHz mu-law (the standard `wave` module knows PCM only).

Container: RIFF; format tags 1 (PCM) and 7 (mu-law) of RFC 2361.
"""

from __future__ import annotations

import audioop
import struct
from pathlib import Path

import numpy as np

from voice_hitl.errors import ScenarioError

RATE = 8000
_PCM, _MULAW = 1, 7
_SILENCE = 0xFF


def read_wav(path: Path) -> bytes:
    """A mono recording at 8 kHz as mu-law, one byte a sample; 16-bit PCM is converted.

    Raises `ScenarioError` that says what is wrong with the file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror})") from error
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise ScenarioError(f"{path}: is no WAV file")
    form: tuple[int, int, int, int] | None = None
    position = 12
    while position + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, position)
        body = content[position + 8 : position + 8 + size]
        if name == b"fmt " and len(body) >= 16:
            tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
            form = (tag, channels, rate, bits)
        elif name == b"data":
            return _mulaw(path, form, body)
        position += 8 + size + size % 2
    raise ScenarioError(f"{path}: holds no audio")


def _mulaw(path: Path, form: tuple[int, int, int, int] | None, body: bytes) -> bytes:
    if form == (_MULAW, 1, RATE, 8):
        return body
    if form == (_PCM, 1, RATE, 16):
        return audioop.lin2ulaw(body[: len(body) & ~1], 2)
    raise ScenarioError(
        f"{path}: must be mono at {RATE} Hz, mu-law or 16-bit PCM; convert it with "
        f"`ffmpeg -i IN -ar {RATE} -ac 1 -c:a pcm_mulaw OUT.wav`"
    )


def write_stereo(path: Path, left: bytes, right: bytes) -> None:
    """Two mu-law channels as one stereo mu-law file; the shorter one is filled with silence."""
    length = max(len(left), len(right))
    both = np.full((length, 2), _SILENCE, dtype=np.uint8)
    both[: len(left), 0] = np.frombuffer(left, dtype=np.uint8)
    both[: len(right), 1] = np.frombuffer(right, dtype=np.uint8)
    path.write_bytes(_header(2, 2 * length) + both.tobytes())


def write_mono(path: Path, audio: bytes) -> None:
    """One mu-law channel."""
    path.write_bytes(_header(1, len(audio)) + audio + b"\0" * (len(audio) % 2))


def read_stereo(path: Path) -> tuple[bytes, bytes]:
    """The left and right channel that `write_stereo` wrote; raises `ScenarioError`."""
    content = path.read_bytes()
    start = len(_header(2, 0))
    if content[:start] != _header(2, len(content) - start):
        raise ScenarioError(f"{path}: is no stereo recording of a simulated call")
    return content[start::2], content[start + 1 :: 2]


def _header(channels: int, size: int) -> bytes:
    """RIFF header up to the audio; formats other than PCM need `cbSize` and a `fact` chunk."""
    form = struct.pack("<HHIIHHH", _MULAW, channels, RATE, RATE * channels, channels, 8, 0)
    fact = struct.pack("<I", size // channels)
    chunks = (
        b"WAVE"
        + struct.pack("<4sI", b"fmt ", len(form))
        + form
        + struct.pack("<4sI", b"fact", len(fact))
        + fact
        + struct.pack("<4sI", b"data", size)
    )
    return struct.pack("<4sI", b"RIFF", len(chunks) + size + size % 2) + chunks
