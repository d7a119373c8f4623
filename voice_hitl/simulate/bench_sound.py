"""What the callers of the benchmarks say: recorded people with normal pauses, or without any."""

from __future__ import annotations

import audioop
import os
import random
from pathlib import Path

import numpy as np

from voice_hitl.audio import g711
from voice_hitl.errors import ScenarioError
from voice_hitl.simulate.wav import read_wav

SECONDS = 120  # of sound before it repeats
_PAUSES = (1.5, 5.0)  # seconds between utterances: the other side speaks
_NOISE = 4.0  # rms of an idle line


def recordings(folder: Path | None = None) -> tuple[str, list[bytes]]:
    """Recorded utterances (mu-law) and where they are from.

    `folder`, else the `barista` recordings under `VOICE_HITL_DATA`, else the callers of the shipped packs.
    Raises `ScenarioError` where there are none.
    """
    data = Path(os.environ.get("VOICE_HITL_DATA", "../shared/data"))
    packs = Path(__file__).parent.parent / "packs"
    choices = [folder] if folder else [data / "barista" / "wav", packs]
    for choice in choices:
        files = sorted(choice.rglob("*.wav"))
        if files:
            return "/".join(choice.parts[-2:]), [read_wav(file) for file in files]
    raise ScenarioError(f"no WAV file under {choices[0]}")


def conversation(utterances: list[bytes], rng: random.Random) -> bytes:
    """A caller who speaks and listens by turns, on a line with a little noise."""
    noise = np.random.default_rng(rng.randrange(2**32))
    parts: list[bytes] = []
    length = 0
    while length < SECONDS * g711.RATE:
        pause = int(rng.uniform(*_PAUSES) * g711.RATE)
        quiet = g711.encode(noise.normal(0.0, _NOISE, pause).astype(np.int16))
        parts += [rng.choice(utterances), quiet]
        length += len(parts[-2]) + pause
    return b"".join(parts)


def monologue(utterances: list[bytes], rng: random.Random) -> bytes:
    """A caller who never pauses: the loud frames of utterances, one after the other."""
    parts: list[bytes] = []
    length = 0
    while length < SECONDS * g711.RATE:
        loud = loud_part(rng.choice(utterances))
        parts.append(loud)
        length += len(loud)
    return b"".join(parts)


def loud_part(utterance: bytes) -> bytes:
    """The utterance without its quiet frames (more than 25 dB under its loudest)."""
    frames = [utterance[at : at + g711.FRAME] for at in range(0, len(utterance), g711.FRAME)]
    levels = [audioop.rms(g711.decode_bytes(frame), 2) for frame in frames]
    limit = max(levels, default=0) * 10 ** (-25 / 20)
    return b"".join(frame for frame, level in zip(frames, levels, strict=True) if level >= limit)
