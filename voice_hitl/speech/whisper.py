"""Recognition by faster-whisper, from a model folder that is already on disk; never downloads.

Runs inside a worker process. Whisper hears 30 s at a time and does not stream, so partials are made by
decoding the growing utterance again, no more often than twice the time it takes.

Confidences: a word's is the mean probability of its tokens, as faster-whisper gives it. An utterance's is the
product over its content words, which is the probability that all are right if errors come one by one;
text that repeats itself (whisper's own sign of a loop: it compresses over 2.4 times) gets at most
`LOOP_CONFIDENCE`. They are not calibrated on telephone speech: calibrate downstream. Partials carry 0.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voice_hitl.errors import ConfigError
from voice_hitl.language import Expectation, Hypothesis, Word
from voice_hitl.speech.models import missing_files
from voice_hitl.speech.workers.process import RECOGNITION_NICENESS, EngineSpec
from voice_hitl.speech.workers.tasks import RATE, Pcm, RecognitionEngine

PARTIAL_EVERY = 0.6  # seconds of new audio, at least
LOOP_RATIO = 2.4
LOOP_CONFIDENCE = 0.1
_HOTWORDS = 400  # characters; whisper gives a prompt at most 223 tokens
_SLICE = 30.0  # seconds: feeding costs nothing, so all at once
_FUNCTION_WORDS = frozenset(
    (
        *("a", "an", "and", "are", "at", "be", "for", "from", "i", "in", "is", "it", "my", "of"),
        *("on", "or", "please", "so", "that", "the", "this", "to", "uh", "um", "was", "with"),
    )
)


def spec(
    model: Path,
    *,
    language: str = "en",
    device: str = "auto",
    compute_type: str = "auto",
    threads: int = 0,
) -> EngineSpec:
    """Return what a worker needs to recognize with `model`.

    `device` and `compute_type` are ctranslate2's ("auto": the GPU if there is one, the fastest type
    it supports); `threads` 0 leaves the number of CPU threads to the library. Raises `ConfigError`
    for a folder that holds no model.
    """
    if missing := missing_files(model):
        raise ConfigError(
            f"{model} is not a faster-whisper model: {', '.join(missing)} missing; "
            "give a folder with model.bin, config.json, tokenizer.json and vocabulary.json"
        )
    return EngineSpec(
        engine="voice_hitl.speech.whisper:load",
        options={
            "model": str(model),
            "language": language,
            "device": device,
            "compute_type": compute_type,
            "threads": threads,
        },
        niceness=RECOGNITION_NICENESS,
    )


def load(options: Mapping[str, Any]) -> RecognitionEngine:
    """Load the model in this process and try it; raise `ConfigError`."""
    folder = options["model"]
    model = _open(folder, options)
    settings = Settings(options["language"], 5 if model.model.device == "cuda" else 2)
    try:
        # The first decoding also compiles and allocates what the first caller should not wait for.
        transcribe(model, np.zeros(RATE, np.int16), settings, final=True)
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"{folder}: the model loads but cannot decode: {error}") from error
    return RecognitionEngine(lambda: WhisperStream(model, settings), slice_seconds=_SLICE)


def _open(folder: str, options: Mapping[str, Any]) -> Any:
    from faster_whisper import WhisperModel

    try:
        return WhisperModel(
            folder,
            device=options["device"],
            compute_type=options["compute_type"],
            cpu_threads=options["threads"],
        )
    except BaseException as error:
        # The tokenizer's library raises bare `Exception`s, which no name but the base's catches.
        if type(error) not in (Exception, RuntimeError, ValueError, KeyError, TypeError, OSError):
            raise
        raise ConfigError(
            f"{folder} cannot be loaded as a faster-whisper model: {error}"
        ) from error


@dataclass(frozen=True, slots=True)
class Settings:
    """How to decode, the same for all utterances."""

    language: str
    beam: int  # of the final decoding


class WhisperStream:
    """A `StreamDecoder` over a shared model."""

    def __init__(self, model: Any, settings: Settings) -> None:
        self._model = model
        self._settings = settings
        self._pieces: list[Pcm] = []
        self._samples = 0
        self._heard = 0  # samples in the last partial
        self._cost = 0.0  # seconds the last decoding took
        self._hotwords: str | None = None

    def start(self, expectation: Expectation, speaker: str) -> None:
        """Start an utterance; whisper learns nothing of speakers."""
        self.cancel()
        self._hotwords = hotwords(expectation)

    def feed(self, pcm: Pcm) -> None:
        """Keep the samples."""
        self._pieces.append(pcm)
        self._samples += len(pcm)

    def partial(self) -> Hypothesis | None:
        """Decode what there is, if enough is new since the last time."""
        if self._samples - self._heard < RATE * max(PARTIAL_EVERY, 2 * self._cost):
            return None
        self._heard = self._samples
        return self._decode(final=False)

    def finish(self) -> Hypothesis:
        """Decode all of it with the wider beam, words and their times."""
        hypothesis = self._decode(final=True)
        self.cancel()
        return hypothesis

    def speaker(self) -> str:
        """Nothing is learnt."""
        return ""

    def cancel(self) -> None:
        """Forget the utterance."""
        self._pieces.clear()
        self._samples = self._heard = 0

    def _decode(self, *, final: bool) -> Hypothesis:
        began = time.perf_counter()
        pcm = np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.int16)
        self._pieces[:] = [pcm]
        try:
            return transcribe(
                self._model, pcm, self._settings, final=final, hotwords=self._hotwords
            )
        finally:
            self._cost = time.perf_counter() - began


def transcribe(
    model: Any, pcm: Pcm, settings: Settings, *, final: bool, hotwords: str | None = None
) -> Hypothesis:
    """Decode one utterance of 8 kHz audio, at most 30 s."""
    segments, _ = model.transcribe(
        _wide(pcm),
        language=settings.language,
        beam_size=settings.beam if final else 1,
        temperature=0.0,  # a fallback to sampling would cost the caller seconds
        condition_on_previous_text=False,
        word_timestamps=final,
        hotwords=hotwords,
        # Fast speech has some 6 tokens a second; a loop must not run on to 448.
        max_new_tokens=min(200, 24 + int(12 * len(pcm) / RATE)),
    )
    found = list(segments)
    text = " ".join(part for segment in found if (part := segment.text.strip()))
    if not final:
        return Hypothesis(text, confidence=0.0)
    words = tuple(
        Word(text, float(word.start), float(word.end), min(1.0, max(0.0, float(word.probability))))
        for segment in found
        for word in segment.words or ()
        if (text := word.word.strip())
    )
    looping = any(segment.compression_ratio > LOOP_RATIO for segment in found)
    return Hypothesis(text, confidence(words, looping=looping), words, final=True)


def confidence(words: Sequence[Word], *, looping: bool = False) -> float:
    """Return the probability that every content word is right; see the module."""
    if not words:
        return 0.0
    content = [word for word in words if plain(word.text) not in _FUNCTION_WORDS]
    product = math.prod(word.confidence for word in content or words)
    return min(product, LOOP_CONFIDENCE) if looping else product


def plain(word: str) -> str:
    """Return a word without case and the punctuation around it."""
    return word.lower().strip(".,;:!?\"'()[]…-")


def hotwords(expectation: Expectation) -> str | None:
    """Return the expected phrases as whisper's hint, the first ones if they are many."""
    taken: list[str] = []
    length = 0
    for phrase in expectation.phrases:
        length += len(phrase) + 2
        if length > _HOTWORDS:
            break
        taken.append(phrase)
    return ", ".join(taken) or None


def _wide(pcm: Pcm) -> NDArray[np.float32]:
    import soxr

    wide: NDArray[np.float32] = soxr.resample(pcm.astype(np.float32) / 32768, RATE, 16000)
    return wide
