"""Engines for tests of the worker machinery: they do what the pool must survive, on demand.

Found by workers through PYTHONPATH, which the `toys` fixture sets.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from voice_hitl.errors import ConfigError, SynthesisError
from voice_hitl.language import Expectation, Hypothesis, Word
from voice_hitl.speech.workers.frames import Kind
from voice_hitl.speech.workers.tasks import Emit, Pcm, RecognitionEngine, SpeechEngine, Urgency


class Counter:
    """A decoder that "recognizes" how many samples it heard and what it was told."""

    def __init__(self) -> None:
        self.heard = 0
        self.told = Expectation()
        self.memory = ""

    def start(self, expectation: Expectation, speaker: str) -> None:
        self.heard, self.told, self.memory = 0, expectation, speaker

    def feed(self, pcm: Pcm) -> None:
        self.heard += len(pcm)
        if "hang" in self.told.phrases:
            time.sleep(3600)
        if "die" in self.told.phrases:
            os._exit(3)
        if "fail" in self.told.phrases:
            raise RuntimeError("the decoder choked")

    def partial(self) -> Hypothesis | None:
        return Hypothesis(str(self.heard), confidence=0.0)

    def finish(self) -> Hypothesis:
        end = self.heard / 8000
        return Hypothesis(
            str(self.heard), 0.5, (Word(str(self.heard), 0.0, end, 0.5),), ("other",), final=True
        )

    def speaker(self) -> str:
        return self.memory + "+"

    def cancel(self) -> None:
        self.heard = 0


class Stutter:
    """A voice that says each word as so many bytes."""

    def speak(self, text: str) -> Iterator[bytes]:
        for word in text.split():
            if word == "die":
                os._exit(3)
            if word == "fail":
                raise SynthesisError("the voice choked")
            if word == "hang":
                time.sleep(3600)
            yield word.encode()


class Echo:
    """A task that answers every FEED with its payload."""

    def __init__(self, opening: bytes) -> None:
        self._inputs = [opening]
        self._ending = False

    def feed(self, payload: bytes) -> None:
        self._inputs.append(payload)

    def finish(self) -> None:
        self._ending = True

    def urgency(self) -> Urgency | None:
        return Urgency.BACKLOG if self._inputs or self._ending else None

    def step(self, emit: Emit) -> bool:
        if self._inputs:
            emit(Kind.PARTIAL, self._inputs.pop(0))
            return False
        emit(Kind.FINAL, b"end")
        return True

    def close(self) -> None: ...


class EchoEngine:
    def open(self, payload: bytes) -> Echo:
        return Echo(payload)


def load_counter(options: dict[str, Any]) -> RecognitionEngine:
    return RecognitionEngine(Counter)


def load_voice(options: dict[str, Any]) -> SpeechEngine:
    return SpeechEngine(Stutter())


def load_echo(options: dict[str, Any]) -> EchoEngine:
    if "refuse" in options:
        raise ConfigError(options["refuse"])
    if "die" in options:
        os._exit(options["die"])
    if "fifo" in options:  # tell the test, and never get ready
        Path(options["fifo"]).write_text("loading")
        time.sleep(3600)
    if "once" in options:  # the first worker loads, its successors do not
        try:
            Path(options["once"]).mkdir()
        except FileExistsError:
            raise ConfigError("only once") from None
    if "babble" in options:
        os.write(int(sys.argv[1]), b"\xff" * 64)
    return EchoEngine()
