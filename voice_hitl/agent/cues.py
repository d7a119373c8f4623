"""Detectors for what callers signal beside their request: that they want a person, that they lose patience.

A detector is a logistic regression over n-grams, trained on short examples and on pairs of sentences
stuck together, since callers wrap such a wish into other words. It scores the whole turn and every
window of six words, and a second logistic curve, fitted on held-out folds, makes a probability of both.
Words that only one trade uses are all one word to the detector of persons, so that what it learnt from a
bank's callers holds for a hotel's.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from voice_hitl.agent.corpus import Example
from voice_hitl.agent.languages import Language
from voice_hitl.agent.ngrams import Ngrams, generalize
from voice_hitl.agent.spec import ActName
from voice_hitl.agent.text import Tokens, find, plain

_FOLDS = 3
_STRENGTH = 5.0
_WINDOW = 6  # words
_MOST_WINDOWS = 60  # a monologue must not cost more than its first minute
_SEED = 7  # of the pairing of sentences
_THING = "<thing>"  # any word of a trade
# Who else may come to the phone, beside those whom the language's examples name: read as one of those.
_ROLE = "representative"
_ROLES = frozenset(
    {"adviser", "assistant", "attendant", "concierge", "desk", "employee", "executive", "host"}
    | {"nurse", "receptionist", "reception", "rep", "staff", "team", "worker"}
)
_PERSON: ActName = "person"
# Shares among callers' turns that the probabilities assume; training data has far more of each.
PERSON_SHARE = 0.06  # rather more than there are: a missed wish costs more than a needless question
FRUSTRATION_SHARE = 0.05


class Detector:
    """A calibrated yes/no detector. Immutable; safe to share between threads."""

    def __init__(
        self,
        positives: Sequence[Tokens],
        negatives: Sequence[Tokens],
        share: float,
        *,
        keep: frozenset[str] | None = None,
    ) -> None:
        """Train. `share` is the assumed share of positives among turns.

        `keep`: the words that are told apart; all others are one. None keeps every word.
        """
        self._keep = keep
        positives = [self._seen(words) for words in positives]
        negatives = [self._seen(words) for words in negatives]
        chance = random.Random(_SEED)
        pairs = [_joined(chance, each, chance.choice(negatives)) for each in positives]
        others = [_joined(chance, each, chance.choice(negatives)) for each in negatives]
        texts = [*positives, *pairs, *negatives, *others]
        truth = np.arange(len(texts)) < 2 * len(positives)
        # A sentence and the pair it opens are of one fold.
        parts = [len(positives)] * 2 + [len(negatives)] * 2
        folds = np.concatenate([np.arange(size) for size in parts]) % _FOLDS
        self._grams = Ngrams(texts)
        rows = self._grams.matrix(texts)
        long = [at for at, words in enumerate(texts) if len(words) > _WINDOW]
        windows = [_windows(texts[at]) for at in long]
        pieces = self._grams.matrix([piece for each in windows for piece in each])
        starts = np.cumsum([0, *(len(each) for each in windows[:-1])])
        features = np.zeros((len(texts), 2))
        for fold in range(_FOLDS):
            weights, bias = _regression(rows[folds != fold], truth[folds != fold])
            whole = rows @ weights
            best = whole.copy()
            best[long] = np.maximum.reduceat(pieces @ weights, starts)
            held = folds == fold
            features[held] = np.column_stack([whole, best])[held] + bias
        self._weights, self._bias = _regression(rows, truth)
        self._curve = _curve(features, truth, share)

    def __call__(self, words: Tokens) -> float:
        """Probability that the turn (tokens from `plain`) holds the cue."""
        if not words:
            return 0.0
        words = self._seen(words)
        whole = self._score(words)
        best = max(self._score(piece) for piece in _windows(words))
        z = self._curve[0] * whole + self._curve[1] * best + self._curve[2]
        return float(1 / (1 + np.exp(-np.clip(z, -30, 30))))

    def _seen(self, words: Tokens) -> Tokens:
        """The words as the n-grams see them."""
        if self._keep is None:
            return words
        return tuple(
            word
            if word in self._keep or word.startswith("<")
            else (_ROLE if word in _ROLES else _THING)
            for word in generalize(words)
        )

    def _score(self, words: Tokens) -> float:
        numbers, weights = self._grams.vector(words)
        return float(weights @ self._weights[numbers]) + self._bias


def _windows(words: Tokens) -> list[Tokens]:
    last = max(1, len(words) - _WINDOW + 1)
    return [words[at : at + _WINDOW] for at in range(min(last, _MOST_WINDOWS))]


def _joined(chance: random.Random, one: Tokens, other: Tokens) -> Tokens:
    return one + other if chance.random() < 0.5 else other + one


def _regression(
    rows: sparse.csr_matrix, truth: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], float]:
    fitted = LogisticRegression(C=_STRENGTH, class_weight="balanced", tol=1e-4, max_iter=300)
    fitted.fit(rows, truth)
    return fitted.coef_[0], float(fitted.intercept_[0])


def _curve(
    features: NDArray[np.float64], truth: NDArray[np.bool_], share: float
) -> tuple[float, float, float]:
    weights = np.where(truth, share / truth.sum(), (1 - share) / (~truth).sum()) * len(truth)
    fitted = LogisticRegression(C=1.0, max_iter=300)
    fitted.fit(features, truth, sample_weight=weights)
    return float(fitted.coef_[0][0]), float(fitted.coef_[0][1]), float(fitted.intercept_[0])


def train_detectors(
    examples: Sequence[Example], person: str, language: Language, others: Sequence[Tokens]
) -> tuple[Detector, Detector]:
    """The detectors of "wants a person" and of lost patience.

    `person` is the label of examples that ask for a person, `others` are turns that signal neither.
    """
    asking = [each.words for each in examples if each.label == person]
    annoyed = [plain(text) for text in language.spec.frustration]
    neither = [each.words for each in examples if each.label != person]
    neither += [*_neither(language), *others]
    return (
        Detector(asking, neither + annoyed, PERSON_SHARE, keep=_common_words(language)),
        # Who asks for a person often is annoyed: those examples say nothing either way.
        Detector(annoyed, neither, FRUSTRATION_SHARE),
    )


def person_detector(
    asking: Sequence[Tokens], others: Sequence[Tokens], language: Language
) -> Detector:
    """The detector of "wants a person" from sentences of any trade and the language's own."""
    spec = language.spec
    asking = [*asking, *(plain(text) for text in spec.acts[_PERSON].examples)]
    acts = [act.examples for name, act in spec.acts.items() if name != _PERSON]
    texts = [text for each in (*acts, spec.frustration, spec.elsewhere) for text in each]
    neither = [*others, *_neither(language), *(plain(text) for text in texts)]
    return Detector(asking, neither, PERSON_SHARE, keep=_common_words(language))


def _neither(language: Language) -> list[Tokens]:
    spec = language.spec
    return [plain(text) for text in (*spec.not_person, *spec.yes, *spec.no, *spec.unknown)]


def _common_words(language: Language) -> frozenset[str]:
    """Words that callers of every trade use: those of the language's turns of conversation."""
    spec = language.spec
    texts = [text for act in spec.acts.values() for text in act.examples]
    texts += [*spec.frustration, *spec.yes, *spec.no, *spec.unknown, *spec.corrections]
    texts += [*spec.polite, *spec.resume, *spec.unfinished]
    return frozenset(word for text in texts for word in plain(text))


def has_phrase(words: Tokens, phrases: Sequence[Tokens]) -> bool:
    """Whether any of the phrases occurs in the words."""
    return any(find(phrase, words) >= 0 for phrase in phrases)
