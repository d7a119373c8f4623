"""The words that pass between recognition and the agent, known to both and to neither's engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LanguageSource:
    """What callers of a pack may say: the material of a language model.

    `sentences` may hold `{name}` placeholders, filled from `classes[name]`.
    """

    sentences: tuple[str, ...]
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Word:
    """One recognized word; times in seconds from the utterance's first sample."""

    text: str
    start: float
    end: float
    confidence: float  # 0..1


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What was understood of an utterance, so far or finally."""

    text: str
    confidence: float = 1.0  # calibrated P(every content word right), 0..1
    words: tuple[Word, ...] = ()
    alternatives: tuple[str, ...] = ()  # other readings, best first, without `text`
    final: bool = False


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the agent expects next; a hint that may rescore, never a filter."""

    phrases: tuple[str, ...] = ()  # likely answers ("yes", "no", slot values)
