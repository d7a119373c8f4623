"""What a worker does for one lease: recognize an utterance or speak a sentence, a slice at a time.

Everything here runs inside the worker process, which has one thread: `step` should return within some tens
of milliseconds, so that one caller's backlog does not delay another caller's last words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from voice_hitl.language import Expectation, Hypothesis, Word
from voice_hitl.speech.workers.frames import Kind

Pcm = NDArray[np.int16]
Emit = Callable[[Kind, bytes], None]

RATE = 8000
PARTIAL_EVERY = 960  # samples of new audio between two partials: 120 ms
BLOCK = 480  # samples fed to a decoder at a time: 60 ms
SHORTEST = 800  # samples: in less than 100 ms nobody says anything, and some decoders stumble


class Urgency(IntEnum):
    """The order in which a worker serves its leases; within one urgency they take turns."""

    LAST_WORDS = 0  # the caller has stopped speaking and waits, or a sentence is to be spoken
    BACKLOG = 1  # audio waits
    PARTIAL = 2  # a partial could be made


class Task(Protocol):
    """The work of one lease."""

    def feed(self, payload: bytes) -> None:
        """Take more input."""

    def finish(self) -> None:
        """No more input will come."""

    def urgency(self) -> Urgency | None:
        """How much the next step matters; None when there is nothing to do."""

    def step(self, emit: Emit) -> bool:
        """Work a slice, emit what came of it, and return whether the task is over."""

    def close(self) -> None:
        """Give back what the task holds, finished or not."""


class Engine(Protocol):
    """What a worker has loaded."""

    def open(self, payload: bytes) -> Task:
        """Start the task of a new lease from its OPEN payload."""


class StreamDecoder(Protocol):
    """A speech decoder for one utterance at a time, any number one after another."""

    def start(self, expectation: Expectation, speaker: str) -> None:
        """Start an utterance; `speaker` is what `speaker()` gave after the caller's last one, or ""."""

    def feed(self, pcm: Pcm) -> None:
        """Take the next samples."""

    def partial(self) -> Hypothesis | None:
        """Return what is understood so far, or None if it has not changed or is not worth the work."""

    def finish(self) -> Hypothesis:
        """Return the final hypothesis."""

    def speaker(self) -> str:
        """Return what was learnt of the speaker, for the same caller's next utterance."""

    def cancel(self) -> None:
        """Throw the running utterance away, if there is one."""


class RecognitionEngine:
    """Lends decoders, made when first needed, to recognition tasks.

    `slice_seconds` is the most audio fed at a time.
    """

    def __init__(self, make: Callable[[], StreamDecoder], slice_seconds: float = 0.2) -> None:
        self._make = make
        self._slice = max(1, int(slice_seconds * RATE))
        self._free: list[StreamDecoder] = [make()]

    def open(self, payload: bytes) -> RecognitionTask:
        """Start an utterance; the payload is what `encode_opening` returned."""
        expectation, speaker = decode_opening(payload)
        decoder = self._free.pop() if self._free else self._make()
        decoder.start(expectation, speaker)
        return RecognitionTask(decoder, self._slice, self._free.append)


class RecognitionTask:
    """One utterance: audio in, partials while it lasts, the hypothesis at its end.

    Whatever pieces the audio arrives in, the decoder gets it in the same blocks: what a decoder has
    adapted to so far depends on them, and the same audio must give the same text a second time.
    """

    def __init__(
        self, decoder: StreamDecoder, slice_samples: int, give_back: Callable[[StreamDecoder], None]
    ) -> None:
        self._decoder: StreamDecoder | None = decoder
        self._slice = max(1, slice_samples // BLOCK)  # blocks
        self._give_back = give_back
        self._audio = bytearray()
        self._since_partial = 0
        self._heard = 0  # samples
        self._ending = False

    def feed(self, payload: bytes) -> None:
        """Take int16 little-endian samples."""
        self._audio += payload

    def finish(self) -> None:
        """The utterance is complete."""
        self._ending = True

    def urgency(self) -> Urgency | None:
        """See `Urgency`."""
        if self._ending:
            return Urgency.LAST_WORDS
        if len(self._audio) >= 2 * BLOCK:
            return Urgency.BACKLOG
        return Urgency.PARTIAL if self._since_partial >= PARTIAL_EVERY else None

    def step(self, emit: Emit) -> bool:
        """Decode a slice, make a partial, or finish."""
        if self._decoder is None:
            return True
        if self._feed_slice(self._decoder):
            return False
        if not self._ending:
            self._since_partial = 0
            if (partial := self._decoder.partial()) is not None:
                emit(Kind.PARTIAL, encode_result(Result(partial)))
            return False
        if self._heard < SHORTEST:
            emit(Kind.FINAL, encode_result(Result(Hypothesis("", confidence=0.0, final=True))))
        else:
            emit(Kind.FINAL, encode_result(Result(self._decoder.finish(), self._decoder.speaker())))
        return True

    def close(self) -> None:
        """Give the decoder back."""
        if self._decoder is not None:
            self._decoder.cancel()
            self._give_back(self._decoder)
            self._decoder = None

    def _feed_slice(self, decoder: StreamDecoder) -> bool:
        """Feed the blocks of a slice; return whether there was any."""
        fed = False
        for _ in range(self._slice):
            if len(self._audio) < 2 * BLOCK and not (self._ending and self._audio):
                break
            samples = np.frombuffer(bytes(self._audio[: 2 * BLOCK]), dtype="<i2")
            del self._audio[: 2 * BLOCK]
            decoder.feed(samples)
            self._since_partial += len(samples)
            self._heard += len(samples)
            fed = True
        return fed


class Speaker(Protocol):
    """A voice that speaks one sentence at a time."""

    def speak(self, text: str) -> Iterator[bytes]:
        """Yield mu-law 8 kHz; raise `SynthesisError`."""


class SpeechEngine:
    """Speaks sentences with one voice."""

    def __init__(self, voice: Speaker) -> None:
        self._voice = voice

    def open(self, payload: bytes) -> SpeechTask:
        """Start a sentence; the payload is its text in UTF-8."""
        return SpeechTask(self._voice.speak(payload.decode()))


class SpeechTask:
    """One sentence: text in, chunks of audio out."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def feed(self, payload: bytes) -> None:
        """Nothing: the text came with the opening."""

    def finish(self) -> None:
        """Nothing: the text came with the opening."""

    def urgency(self) -> Urgency:
        """See `Urgency`."""
        return Urgency.LAST_WORDS

    def step(self, emit: Emit) -> bool:
        """Emit the next chunk."""
        chunk = next(self._chunks, None)
        if chunk is None:
            emit(Kind.FINAL, b"")
            return True
        emit(Kind.PARTIAL, chunk)
        return False

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a decoder says of an utterance: the hypothesis, and at its end what it learnt."""

    hypothesis: Hypothesis
    speaker: str = ""


def encode_opening(expectation: Expectation, speaker: str) -> bytes:
    """Return the OPEN payload of an utterance."""
    return orjson.dumps({"phrases": expectation.phrases, "speaker": speaker})


def decode_opening(payload: bytes) -> tuple[Expectation, str]:
    """Undo `encode_opening`."""
    opening = orjson.loads(payload)
    return Expectation(tuple(opening["phrases"])), opening["speaker"]


def encode_result(result: Result) -> bytes:
    """Return the PARTIAL or FINAL payload of an utterance."""
    return orjson.dumps(result)


def decode_result(payload: bytes) -> Result:
    """Undo `encode_result`; `ValueError`, `KeyError` or `TypeError` if it is none."""
    found = orjson.loads(payload)
    hypothesis = found["hypothesis"]
    words = tuple(Word(**word) for word in hypothesis.pop("words"))
    alternatives = tuple(hypothesis.pop("alternatives"))
    return Result(
        Hypothesis(**hypothesis, words=words, alternatives=alternatives), found["speaker"]
    )
