"""Measure the embedded recognizer on recordings with labels.

Labels are a JSON object, file name to ``{"slots": {name: value}, "text": "..."}``; both parts are
optional, other keys are ignored. Texts are compared as the recognizer writes them: lower case, no
punctuation, figures in words ("$20" is "twenty dollars"), single spaces. A slot is found if its
value is in the text at word boundaries; an all-slots hit has every labelled value.

Each recording is a caller of its own: nothing is carried from one to the next. It is fed in frames
of 20 ms; the final latency is the time between the last frame and the final text.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, StringConstraints, TypeAdapter, ValidationError
from rich.table import Table

from voice_hitl.audio import g711
from voice_hitl.errors import ConfigError
from voice_hitl.language import LanguageSource
from voice_hitl.speech.lm import words_of
from voice_hitl.speech.sphinx import SphinxEngine

RATE = 8000
FRAME = 160
_RESAMPLES = 2000
_SEED = 1
_MULAW, _PCM = 7, 1


class Label(BaseModel):
    """What is known of one recording."""

    slots: dict[str, Annotated[str, StringConstraints(min_length=1)]] = {}
    text: str | None = None


class Figure(BaseModel):
    """A share with its 95 % bootstrap interval (recordings drawn with replacement)."""

    value: float
    low: float
    high: float


class Latency(BaseModel):
    """Milliseconds."""

    p50: float
    p95: float


class Recording(BaseModel):
    """One recording's result."""

    file: str
    text: str
    confidence: float = Field(ge=0, le=1)
    seconds: float
    slots_found: int
    slots: int
    word_errors: int | None
    words: int | None


class RecognitionReport(BaseModel):
    """The result of an evaluation; figures are None where no label allows them."""

    recordings: list[Recording]
    seconds: float
    all_slots: Figure | None
    slot_recall: Figure | None
    word_error_rate: Figure | None
    real_time_factor: float  # processor seconds a second of audio, on one core
    final_latency_ms: Latency

    def table(self) -> Table:
        """Return the figures for people."""
        table = Table("figure", "value", "95 % interval", title="Recognition")
        table.add_row("recordings", f"{len(self.recordings)} ({self.seconds:.0f} s)", "")
        for name, figure in (
            ("all-slots accuracy", self.all_slots),
            ("slot recall", self.slot_recall),
            ("word error rate", self.word_error_rate),
        ):
            if figure is not None:
                interval = f"{figure.low:.3f} to {figure.high:.3f}"
                table.add_row(name, f"{figure.value:.3f}", interval)
        table.add_row("real-time factor", f"{self.real_time_factor:.3f}", "")
        latency = self.final_latency_ms
        table.add_row("final latency", f"p50 {latency.p50:.0f} ms, p95 {latency.p95:.0f} ms", "")
        return table


def evaluate_recognition(
    wav_dir: Path,
    labels: Path | Mapping[str, Label],
    source: LanguageSource,
    *,
    cache: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> RecognitionReport:
    """Recognize every labelled recording of a folder; `progress` is told (done, of how many).

    Raises `ConfigError` for labels or recordings that cannot be used.
    """
    known = read_labels(labels) if isinstance(labels, Path) else labels
    if not known:
        raise ConfigError(f"{labels}: no recording is labelled")
    decoder = SphinxEngine(source, cache).decoder()
    recordings: list[Recording] = []
    latencies: list[float] = []
    busy = 0.0
    for done, (file, label) in enumerate(sorted(known.items()), 1):
        pcm = read_wav(wav_dir / file)
        started = time.process_time()
        decoder.start()
        for at in range(0, len(pcm), FRAME):
            decoder.feed(pcm[at : at + FRAME])
        ended = time.perf_counter()
        found = decoder.finish()
        latencies.append(1000 * (time.perf_counter() - ended))
        busy += time.process_time() - started
        recordings.append(_judged(file, label, found.text, found.confidence, len(pcm) / RATE))
        progress(done, len(known))
    seconds = sum(recording.seconds for recording in recordings)
    p50, p95 = (float(np.percentile(latencies, share)) for share in (50, 95))
    with_slots = [r for r in recordings if r.slots]
    with_text = [r for r in recordings if r.words is not None]
    return RecognitionReport(
        recordings=recordings,
        seconds=seconds,
        all_slots=bootstrap([float(r.slots_found == r.slots) for r in with_slots]),
        slot_recall=bootstrap(
            [float(r.slots_found) for r in with_slots], [float(r.slots) for r in with_slots]
        ),
        word_error_rate=bootstrap(
            [float(r.word_errors or 0) for r in with_text],
            [float(r.words or 0) for r in with_text],
        ),
        real_time_factor=busy / seconds if seconds else 0.0,
        final_latency_ms=Latency(p50=p50, p95=p95),
    )


def corpus_source(path: Path) -> LanguageSource:
    """Return the language of a text file, a sentence a line; raise `ConfigError` if unreadable."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    # Braces in typed text are no placeholders.
    plain = (line.replace("{", " ").replace("}", " ").strip() for line in lines)
    return LanguageSource(tuple(line for line in plain if line))


def read_labels(path: Path) -> dict[str, Label]:
    """Return the labels of a file; raise `ConfigError` for one that is not as it should be."""
    try:
        return TypeAdapter(dict[str, Label]).validate_python(json.loads(path.read_bytes()))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = " > ".join(map(str, first["loc"])) or "the file"
        raise ConfigError(f"{path}: {place}: {first['msg']}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON: {error}") from error


def read_wav(path: Path) -> NDArray[np.int16]:
    """Return the samples of an 8 kHz mono WAV, mu-law or 16-bit; raise `ConfigError` otherwise."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if raw[:4] != b"RIFF" or raw[8:12] != b"WAVE":
        raise ConfigError(f"{path}: not a WAV file")
    form: tuple[int, ...] = ()
    at = 12
    while at + 8 <= len(raw):
        name, size = raw[at : at + 4], int.from_bytes(raw[at + 4 : at + 8], "little")
        body = raw[at + 8 : at + 8 + size]
        if name == b"fmt " and len(body) >= 16:
            form = tuple(
                int.from_bytes(body[i:j], "little") for i, j in ((0, 2), (2, 4), (4, 8), (14, 16))
            )
        elif name == b"data":
            if form == (_MULAW, 1, RATE, 8):
                return g711.decode(body)
            if form == (_PCM, 1, RATE, 16):
                return np.frombuffer(body[: len(body) // 2 * 2], "<i2").astype(np.int16)
            raise ConfigError(f"{path}: not 8 kHz mono in mu-law or 16-bit samples")
        at += 8 + size + size % 2
    raise ConfigError(f"{path}: a WAV file without sound")


def word_errors(reference: Sequence[str], heard: Sequence[str]) -> int:
    """Return the least number of substitutions, deletions and insertions between the two."""
    row = list(range(len(heard) + 1))
    for i, wanted in enumerate(reference, 1):
        diagonal, row[0] = row[0], i
        for j, word in enumerate(heard, 1):
            best = min(row[j] + 1, row[j - 1] + 1, diagonal + (wanted != word))
            diagonal, row[j] = row[j], best
    return row[-1]


def bootstrap(parts: Sequence[float], wholes: Sequence[float] | None = None) -> Figure | None:
    """Return sum(parts) / sum(wholes), each whole 1 by default; None where nothing was counted."""
    counted = np.asarray(parts, np.float64)
    out_of = np.ones_like(counted) if wholes is None else np.asarray(wholes, np.float64)
    if not len(counted) or not out_of.sum():
        return None
    drawn = np.random.default_rng(_SEED).integers(len(counted), size=(_RESAMPLES, len(counted)))
    shares = counted[drawn].sum(1) / np.maximum(out_of[drawn].sum(1), 1)
    low, high = (float(np.percentile(shares, edge)) for edge in (2.5, 97.5))
    return Figure(value=float(counted.sum() / out_of.sum()), low=low, high=high)


def _judged(file: str, label: Label, text: str, confidence: float, seconds: float) -> Recording:
    padded = f" {text} "
    found = sum(f" {' '.join(words_of(value))} " in padded for value in label.slots.values())
    judged: dict[str, Any] = {"word_errors": None, "words": None}
    if label.text is not None:
        reference = words_of(label.text)
        judged = {"word_errors": word_errors(reference, text.split()), "words": len(reference)}
    return Recording(
        file=file,
        text=text,
        confidence=confidence,
        seconds=seconds,
        slots_found=found,
        slots=len(label.slots),
        **judged,
    )
