"""Choose among the readings of an utterance with what the agent expects to hear."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# How much worse (nats of the decoder's scaled score) an expected reading may be and still win.
MARGIN = 0.05


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of an utterance, and the natural logarithm of its score."""

    text: str
    score: float


def distinct(readings: Iterable[Reading], most: int) -> list[Reading]:
    """Return at most `most` readings of different text, in their order; empty texts are dropped."""
    found: dict[str, Reading] = {}
    for reading in readings:
        if len(found) >= most:
            break
        if reading.text:
            found.setdefault(reading.text, reading)
    return list(found.values())


def expected(text: str, phrases: Sequence[str]) -> bool:
    """Tell whether one of the phrases is in `text`, at word boundaries."""
    padded = f" {text} "
    return any(f" {phrase} " in padded for phrase in phrases if phrase)


def choose(readings: Sequence[Reading], phrases: Sequence[str]) -> int:
    """Return the index of the reading to take; 0 unless an expected one is nearly as good.

    Raises `ValueError` without readings.
    """
    if not readings:
        raise ValueError("no readings to choose from")
    if not phrases or expected(readings[0].text, phrases):
        return 0
    for index, reading in enumerate(readings):
        if reading.score >= readings[0].score - MARGIN and expected(reading.text, phrases):
            return index
    return 0
