"""Recorded speech for the tests of detection: the shipped callers, cut to what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

import voice_hitl.packs
from voice_hitl.audio import g711
from voice_hitl.audio.g711 import Pcm
from voice_hitl.audio.vad import SileroVad
from voice_hitl.simulate.wav import read_wav

CALLERS = Path(voice_hitl.packs.__file__).parent / "banking" / "scenarios"


@pytest.fixture(scope="session")
def model() -> SileroVad:
    return SileroVad()


@pytest.fixture(scope="session")
def utterances() -> list[Pcm]:
    """A few callers of the banking pack."""
    files = sorted(CALLERS.glob("balance*.wav"))[:4]
    assert files
    return [g711.decode(read_wav(file)) for file in files]
