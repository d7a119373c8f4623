"""What the server asks of any recognizer and any synthesizer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from voice_hitl.language import Expectation, Hypothesis

Pcm = NDArray[np.int16]  # 8 kHz mono


class Utterance(Protocol):
    """One lease of a decoder, from the caller's first word to the final text."""

    def feed(self, pcm: Pcm) -> None:
        """Give the next samples (any length). Never blocks."""

    async def finish(self) -> Hypothesis:
        """Return the final hypothesis; raise `RecognizerLost` if no worker could give one."""

    def cancel(self) -> None:
        """Give the decoder back without a result. Idempotent."""


class SpeakerMemory:
    """What one caller's utterances taught the recognizer about their voice; keep one a call."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = ""  # the engine's own words, opaque


class Recognizer(Protocol):
    """A speech recognition engine, already started."""

    name: str

    def open(
        self,
        on_partial: Callable[[Hypothesis], None],
        expectation: Expectation = Expectation(),
        memory: SpeakerMemory | None = None,
    ) -> Utterance:
        """Start an utterance; `on_partial` is called on the event loop.

        `memory` carries what is learnt of the speaker from one utterance of a call to the next.
        """

    async def aclose(self) -> None:
        """Stop the workers and wait until they are gone."""


class Synthesizer(Protocol):
    """A voice, already started."""

    name: str

    def synthesize(self, text: str) -> AsyncIterator[bytes]:
        """Yield mu-law 8 kHz chunks of one sentence; raise `SynthesisError`."""

    async def aclose(self) -> None:
        """Stop the workers and wait until they are gone."""
