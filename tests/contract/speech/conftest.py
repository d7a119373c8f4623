"""One contract for every engine: each test here runs on each of them, in real worker processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from voice_hitl.audio import g711
from voice_hitl.language import LanguageSource
from voice_hitl.speech import engines, whisper
from voice_hitl.speech.espeak import EspeakVoice, available
from voice_hitl.speech.recognizer import ProcessRecognizer
from voice_hitl.speech.voice import VoiceSettings
from voice_hitl.speech.workers.pool import Watch, WorkerPool
from voice_hitl.speech.workers.process import EngineSpec

Pcm = NDArray[np.int16]

SENTENCES = (
    "what is the balance of my checking account",
    "i lost my credit card yesterday",
    "please transfer fifty dollars to my savings account",
    "i want to speak to a person",
    "when does the branch open",
    "yes that is right",
    "no thank you",
)
SOURCE = LanguageSource(SENTENCES)


@dataclass(frozen=True)
class Backend:
    """An engine and what may be asked of it."""

    name: str
    spec: EngineSpec
    understands: bool  # the tiny whisper's weights are random
    learns: bool  # what a caller's voice is like


@pytest.fixture(scope="session")
def tiny_whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a whisper model with random weights, made here."""
    folder = tmp_path_factory.mktemp("models") / "tiny-random"
    script = Path(__file__).with_name("tiny_whisper.py")
    subprocess.run([sys.executable, str(script), str(folder)], check=True)
    return folder


@pytest.fixture(scope="session", params=["sphinx", "whisper"])
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backend:
    """Return each recognition engine in turn."""
    if request.param == "sphinx":
        cache = tmp_path_factory.mktemp("sphinx")
        return Backend("sphinx", engines.sphinx(SOURCE, cache), understands=True, learns=True)
    model = request.getfixturevalue("tiny_whisper")
    spec = whisper.spec(model, device="cpu", compute_type="float32", threads=1)
    return Backend("whisper", spec, understands=False, learns=False)


Recognizers = Callable[..., ProcessRecognizer]


@pytest.fixture
def recognizers(backend: Backend) -> Recognizers:
    """Make recognizers on the engine."""

    def make(*, leases_each: int = 8, watch: Watch | None = None) -> ProcessRecognizer:
        watch = watch or Watch(hung_after=20)
        pool = WorkerPool(backend.spec, size=1, leases_each=leases_each, watch=watch)
        return ProcessRecognizer(backend.name, pool, final_within=30)

    return make


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recognizer(backend: Backend) -> AsyncIterator[ProcessRecognizer]:
    """Return a recognizer with three decoders, for all tests that leave it as it was."""
    async with ProcessRecognizer(
        backend.name, WorkerPool(backend.spec, size=1, leases_each=3), final_within=30
    ) as opened:
        yield opened


@pytest.fixture(scope="session")
def said() -> Callable[[str], Pcm]:
    """Return telephone audio of a sentence, spoken by the embedded voice, with silence around it."""
    if not available():
        pytest.skip("the extra espeak, which speaks for the tests, is not installed")
    voice = EspeakVoice(VoiceSettings())
    quiet = np.zeros(1600, np.int16)
    return lambda text: np.concatenate([quiet, g711.decode(voice.render(text)), quiet])


@pytest.fixture(autouse=True)
def no_worker_left() -> Iterator[None]:
    """Fail a test that leaves a child process behind."""
    before = set(psutil.Process().children(recursive=True))
    yield
    left = [p for p in psutil.Process().children(recursive=True) if p not in before]
    assert not left, f"left running: {left}"
