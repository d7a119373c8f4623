"""TF-IDF over words (one and two) and letters (two to four within a word), fast for single short texts.

Features of a word are looked up once and kept, so that a new utterance costs some dictionary reads.
Weights are the usual smoothed ones, (1 + log tf) * (log((1 + n) / (1 + df)) + 1), each family scaled to
length one. A text's first and last word make a pair with its border.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from voice_hitl.agent.dates import MONTHS, WEEKDAYS
from voice_hitl.agent.numbers import ORDINALS, TENS, UNITS
from voice_hitl.agent.text import Tokens

NUMBER = "<number>"
_FIRST, _LAST = "<first>", "<last>"
_NUMBER_WORDS = frozenset({*UNITS, *TENS, *ORDINALS, "hundred", "thousand", "million", "double"})
_SINGLE = frozenset({"one", "first", "second", "third"})  # alone, these are words of a sentence
_CLASSES = {**dict.fromkeys(MONTHS, "<month>"), **dict.fromkeys(WEEKDAYS, "<weekday>")}
_CLASSES["may"] = "may"  # far more often a verb
_LETTERS = range(2, 5)
_HALF = math.sqrt(0.5)  # both families together have length one

Vector = tuple[NDArray[np.int64], NDArray[np.float64]]  # feature numbers, weights


def generalize(words: Sequence[str]) -> Tokens:
    """Put one `<number>` for each run of number words, and classes for months and weekdays."""
    out: list[str] = []
    at = 0
    while at < len(words):
        end = at
        while end < len(words) and (
            words[end] in _NUMBER_WORDS
            or words[end][0].isdigit()
            or (words[end] == "and" and end > at and _is_number(words, end + 1))
        ):
            end += 1
        if end - at > 1 or (end - at == 1 and words[at] not in _SINGLE):
            out.append(NUMBER)
            at = end
        else:
            out.append(_CLASSES.get(words[at], words[at]))
            at += 1
    return tuple(out)


def _is_number(words: Sequence[str], at: int) -> bool:
    return at < len(words) and (words[at] in _NUMBER_WORDS or words[at][0].isdigit())


class Ngrams:
    """A vocabulary of n-grams with their weights."""

    def __init__(self, texts: Sequence[Tokens], least: int = 2) -> None:
        """Learn from texts; an n-gram must occur in `least` of them."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(set(self._grams(generalize(text))))
        kept = sorted(gram for gram, count in counts.items() if count >= least)
        self._numbers = {gram: number for number, gram in enumerate(kept)}
        self.size = len(kept)
        self._weights = np.array(
            [math.log((1 + len(texts)) / (1 + counts[gram])) + 1 for gram in kept]
        )
        self.letters = np.array([gram.startswith("#") for gram in kept], dtype=bool)
        self._known = {word for text in texts for word in generalize(text)}
        self._word_features: dict[str, list[int]] = {}

    @staticmethod
    def _grams(words: Tokens) -> Iterable[str]:
        yield from words
        yield from _pairs(words)
        for word in words:
            yield from _letters(word)

    def strangeness(self, words: Tokens) -> float:
        """Share of words never seen, 0..1."""
        general = generalize(words)
        return sum(word not in self._known for word in general) / len(general) if general else 1.0

    def vector(self, words: Tokens) -> Vector:
        """The features of one text."""
        found = np.array(self._found(words), dtype=np.int64)
        numbers, counts = np.unique(found, return_counts=True)
        weights = (1 + np.log(counts)) * self._weights[numbers]
        letters = self.letters[numbers]
        for family in (letters, ~letters):
            norm = math.sqrt(float(np.sum(weights[family] ** 2)))
            if norm > 0:
                weights[family] *= _HALF / norm
        return numbers, weights

    def matrix(self, texts: Sequence[Tokens]) -> sparse.csr_matrix:
        """The features of many texts, shape (texts, size): the vectors as rows."""
        found = [self._found(text) for text in texts]
        starts = np.cumsum([0, *map(len, found)])
        columns = np.fromiter(itertools.chain.from_iterable(found), np.int64, starts[-1])
        rows = sparse.csr_matrix(
            (np.ones(len(columns)), columns, starts), shape=(len(texts), self.size)
        )
        rows.sum_duplicates()
        rows.data = (1 + np.log(rows.data)) * self._weights[rows.indices]
        which = np.repeat(np.arange(len(texts)), np.diff(rows.indptr))
        letters = self.letters[rows.indices]
        for family in (letters, ~letters):
            squares = np.bincount(which[family], rows.data[family] ** 2, len(texts))
            rows.data[family] *= _HALF / np.sqrt(squares[which[family]])
        return rows

    def _found(self, words: Tokens) -> list[int]:
        """Feature numbers of a text, as often as they occur."""
        general = generalize(words)
        found: list[int] = []
        for word in general:
            features = self._word_features.get(word)
            if features is None:
                grams = (word, *_letters(word))
                features = [self._numbers[gram] for gram in grams if gram in self._numbers]
                if len(self._word_features) < 50_000:  # bounded: callers' words are not
                    self._word_features[word] = features
            found += features
        for pair in _pairs(general):
            number = self._numbers.get(pair)
            if number is not None:
                found.append(number)
        return found


def _pairs(words: Tokens) -> Iterable[str]:
    if words:
        for left, right in itertools.pairwise((_FIRST, *words, _LAST)):
            yield f"{left} {right}"


@lru_cache(maxsize=8192)
def _letters(word: str) -> tuple[str, ...]:
    padded = f"<{word}>"
    return tuple(
        f"#{padded[at : at + size]}" for size in _LETTERS for at in range(len(padded) - size + 1)
    )
