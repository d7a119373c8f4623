"""A trigram language model made from what the callers of a pack may say.

Expected counts: a placeholder `{name}` stands for each phrase of its class with equal weight, so a
class of a thousand amounts weighs as much as one word, and nothing is sampled. Smoothing is
Witten-Bell's, interpolated: P(w|h) = (c(hw) + T(h) P(w|h')) / (c(h) + T(h)), where T(h), the number
of kinds of word seen after h, counts a word seen a fraction of a time as that fraction of a kind.
A small general part (numbers, dates, money, yes and no, courtesies, fillers) is mixed in.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from voice_hitl.language import LanguageSource
from voice_hitl.speech.numerals import cardinal, ordinal
from voice_hitl.speech.spoken import spoken

START, END = "<s>", "</s>"
ORDER = 3
# Of all sentences, the share that the general part counts for.
GENERAL_SHARE = 0.05
_UNSEEN = 0.5  # added to each word's count: no word of the vocabulary is impossible

Gram = tuple[str, ...]

_TOKEN = re.compile(r"\{\s*(\w+)\s*\}|[^{}]+")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*'?")

GENERAL = LanguageSource(
    sentences=(
        *("yes", "yeah", "yes please", "yes it is", "yes that's right", "that's right", "correct"),
        *("no", "nope", "no thank you", "no thanks", "no that's not right", "that's wrong"),
        *(
            "okay",
            "ok",
            "sure",
            "all right",
            "please",
            "thank you",
            "thanks",
            "thank you very much",
        ),
        *("hello", "hi", "good morning", "goodbye", "bye", "sorry", "excuse me", "one moment"),
        *("um", "uh", "well", "i don't know", "i'm not sure", "can you repeat that", "pardon"),
        *("{number}", "{number} dollars", "{number} dollars and {number} cents", "{digit} {digit}"),
        *("{digit} {digit} {digit} {digit}", "{month} {day}", "the {day} of {month}", "{weekday}"),
        *("on {weekday}", "next {weekday}", "last {weekday}", "today", "tomorrow", "yesterday"),
        *("at {hour} o'clock", "{hour} a m", "{hour} p m", "in the morning", "in the afternoon"),
    ),
    classes={
        "number": tuple(cardinal(n) for n in (*range(1, 100), *range(100, 1001, 100), 2000, 5000)),
        "digit": (*(cardinal(n) for n in range(10)), "oh"),
        "hour": tuple(cardinal(n) for n in range(1, 13)),
        "day": tuple(ordinal(n) for n in range(1, 32)),
        "month": (
            *("january", "february", "march", "april", "may", "june", "july", "august"),
            *("september", "october", "november", "december"),
        ),
        "weekday": (
            *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
        ),
    },
)


def words_of(text: str) -> list[str]:
    """Return the words of `text` as they are spoken: lower case, figures in words, no signs."""
    plain = spoken(text).lower().replace("’", "'")
    return _WORD.findall(plain)


@dataclass(frozen=True, slots=True)
class _Class:
    """A class of phrases by what a trigram can see of it; weights of each mapping sum to 1."""

    heads: Mapping[Gram, float]  # the first word; of longer phrases also the first two
    inner: Mapping[Gram, float]  # whole n-grams that begin at the phrase's second word or later
    tails: Mapping[Gram, float]  # the last two words; one, if the phrase has no more

    @classmethod
    def of(cls, phrases: Iterable[str]) -> _Class:
        texts = sorted({tuple(words_of(phrase)) for phrase in phrases} - {()})
        heads: dict[Gram, float] = defaultdict(float)
        inner: dict[Gram, float] = defaultdict(float)
        tails: dict[Gram, float] = defaultdict(float)
        for text in texts:
            share = 1 / len(texts)
            heads[text[:1]] += share
            if len(text) > 1:
                heads[text[:2]] += share
            for end in range(1, len(text)):
                for size in range(1, min(ORDER, end + 1) + 1):
                    inner[text[end + 1 - size : end + 1]] += share
            tails[text[-2:]] += share
        return cls(dict(heads), dict(inner), dict(tails))


class Counts:
    """Expected counts of the n-grams of sentences, n from 1 to `ORDER`."""

    def __init__(self) -> None:
        self.grams: dict[Gram, float] = defaultdict(float)

    def add(self, sentence: str, classes: Mapping[str, _Class], weight: float = 1.0) -> None:
        """Count a sentence `weight` times; empty classes are passed over."""
        contexts: dict[Gram, float] = {(START,): weight}
        for match in _TOKEN.finditer(sentence):
            if match[1] is None:
                for word in words_of(match[0]):
                    contexts = self._word(contexts, word)
            elif classes[match[1]].heads:
                contexts = self._phrase(contexts, classes[match[1]], weight)
        if contexts.keys() != {(START,)}:
            self._word(contexts, END)

    def _word(self, contexts: Mapping[Gram, float], word: str) -> dict[Gram, float]:
        following: dict[Gram, float] = defaultdict(float)
        for context, weight in contexts.items():
            for start in range(len(context) + 1):
                self.grams[(*context[start:], word)] += weight
            following[(*context, word)[1 - ORDER :]] += weight
        return following

    def _phrase(
        self, contexts: Mapping[Gram, float], phrases: _Class, weight: float
    ) -> dict[Gram, float]:
        following: dict[Gram, float] = defaultdict(float)
        for context, before in contexts.items():
            for head, share in phrases.heads.items():
                # n-grams that end in the phrase's first or second word and begin before it ...
                for start in range(len(context)):
                    gram = (*context[start:], *head)
                    if len(gram) <= ORDER:
                        self.grams[gram] += before * share
                if len(head) == 1:
                    self.grams[head] += before * share
            for tail, share in phrases.tails.items():
                kept = tail if len(tail) == ORDER - 1 else (*context, *tail)[1 - ORDER :]
                following[kept] += before * share
        for gram, share in phrases.inner.items():  # ... and those that begin within it
            self.grams[gram] += weight * share
        return following


@dataclass(frozen=True, slots=True)
class Trigrams:
    """A backing-off model: `probabilities` of n-grams, and `backoffs` of histories (1 if absent)."""

    vocabulary: tuple[str, ...]  # without the sentence marks
    probabilities: Mapping[Gram, float]
    backoffs: Mapping[Gram, float]

    def probability(self, word: str, history: Gram = ()) -> float:
        """Return P(word | history), the last two words of `history` mattering; 0 if unknown."""
        history = history[1 - ORDER :]
        found = self.probabilities.get((*history, word))
        if found is not None:
            return found
        if not history:
            return 0.0
        return self.backoffs.get(history, 1.0) * self.probability(word, history[1:])

    def arpa(self) -> str:
        """Return the model in the ARPA format."""
        orders: list[list[Gram]] = [[] for _ in range(ORDER)]
        for gram in sorted(self.probabilities):
            orders[len(gram) - 1].append(gram)
        orders[0].insert(0, (START,))
        sizes = [f"ngram {n}={len(grams)}" for n, grams in enumerate(orders, 1) if grams]
        lines = ["\\data\\", *sizes]
        for n, grams in enumerate(orders, 1):
            if grams:
                lines += ["", f"\\{n}-grams:", *map(self._line, grams)]
        return "\n".join([*lines, "", "\\end\\", ""])

    def _line(self, gram: Gram) -> str:
        probability = self.probabilities.get(gram)
        head = "-99" if probability is None else f"{math.log10(probability):.5f}"
        tail = f" {math.log10(self.backoffs.get(gram, 1.0)):.5f}" if len(gram) < ORDER else ""
        return f"{head} {' '.join(gram)}{tail}"


def smooth(grams: Mapping[Gram, float], extra: Iterable[str] = ()) -> Trigrams:
    """Return the model of expected counts; `extra` words are in the vocabulary at any rate."""
    vocabulary = sorted({gram[0] for gram in grams if len(gram) == 1} | set(extra) | {END})
    total = sum(grams.get((word,), 0.0) for word in vocabulary)
    whole = total + _UNSEEN * len(vocabulary)
    probabilities: dict[Gram, float] = {
        (word,): (grams.get((word,), 0.0) + _UNSEEN) / whole for word in vocabulary
    }
    backoffs: dict[Gram, float] = {}
    for order in range(2, ORDER + 1):
        for history, seen in _by_history(grams, order):
            count = math.fsum(seen.values())
            kinds = math.fsum(min(1.0, n) for n in seen.values())
            for word, n in seen.items():
                lower = probabilities[(*history[1:], word)]
                probabilities[(*history, word)] = (n + kinds * lower) / (count + kinds)
            backoffs[history] = kinds / (count + kinds)
    words = tuple(word for word in vocabulary if word != END)
    return Trigrams(words, probabilities, backoffs)


def _by_history(grams: Mapping[Gram, float], order: int) -> Iterator[tuple[Gram, dict[str, float]]]:
    histories: dict[Gram, dict[str, float]] = defaultdict(dict)
    for gram, count in grams.items():
        if len(gram) == order and count > 0:
            histories[gram[:-1]][gram[-1]] = count
    yield from histories.items()


def build(source: LanguageSource, general: float = GENERAL_SHARE) -> Trigrams:
    """Return the model of a pack's words; `general` is the share of the general part, 0..1.

    Raises `KeyError` for a placeholder without a class.
    """
    counts = Counts()
    own = {name: _Class.of(phrases) for name, phrases in source.classes.items()}
    for sentence in source.sentences:
        counts.add(sentence, own)
    if general > 0:
        shared = {name: _Class.of(phrases) for name, phrases in GENERAL.classes.items()}
        weight = general * max(1, len(source.sentences)) / len(GENERAL.sentences)
        for sentence in GENERAL.sentences:
            counts.add(sentence, shared, weight)
    return smooth(counts.grams)
