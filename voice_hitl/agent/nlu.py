"""Intents: which one a turn means, how sure that is, and how strange the turn is.

A multinomial logistic regression over n-grams names the intent. A nearest-centroid model over letters
alone, built differently, says whether it agrees. What both give, with the distance to the nearest training
sentences, goes through a second, small logistic regression that was fitted on held-out folds: it makes the
probability that the named intent is right (Platt, 1999, with more than one input). Whole intents are held
out as well, so that the model learns what a request looks like that no pack sentence prepared it for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from sklearn.linear_model import LogisticRegression

from voice_hitl.agent.corpus import Example
from voice_hitl.agent.ngrams import Ngrams, Vector
from voice_hitl.agent.text import Tokens

OUTSIDE = ""  # label of sentences that belong to no intent
FOLDS = 3
_PARTS = 2  # the intents are left out in this many parts
NOVEL_SHARE = 0.1  # assumed share of turns that no intent of the pack fits
_STRENGTH = 20.0  # inverse regularization; flat between 10 and 100 on the banking pack
_TOLERANCE = (
    0.016  # over the number of labels, since gradients shrink with them; tighter gains nothing
)
_CENTROID_SHARPNESS = 12.0  # turns cosines into shares; calibrated away afterwards
_NEIGHBOURS = 3

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a turn may mean, best first."""

    intents: tuple[str, ...]
    shares: tuple[float, ...]  # temperature-scaled, same order, sum under 1: the rest is OUTSIDE
    probability: float  # calibrated P(the first is right), 0..1
    margin: float  # first share minus second, 0..1
    novelty: float  # calibrated P(no intent fits), 0..1
    disagreement: float  # 0: the second model names the same intent, 1: gives it nothing

    @property
    def top(self) -> str:
        """The likeliest intent."""
        return self.intents[0]

    def share(self, intent: str) -> float:
        """The share of one intent; 0 for unknown ones."""
        for name, share in zip(self.intents, self.shares, strict=True):
            if name == intent:
                return share
        return 0.0


@dataclass(frozen=True, slots=True)
class _Scores:
    """Uncalibrated figures of some turns; one row a turn."""

    logits: Matrix  # of the intents, (turns, labels)
    centroid: Matrix  # shares of the second model, (turns, labels)
    likeness: Matrix  # mean cosine to the nearest training sentences, (turns,)
    strangeness: Matrix  # share of unknown words, (turns,)


class _Model:
    """Both models and the training sentences, before calibration."""

    def __init__(self, examples: Sequence[Example]) -> None:
        texts = [example.words for example in examples]
        labels = [example.label for example in examples]
        self.labels = tuple(sorted(set(labels)))
        self._grams = Ngrams(texts)
        self._trained = self._grams.matrix(texts)
        regression = LogisticRegression(
            C=_STRENGTH, tol=_TOLERANCE / len(self.labels), max_iter=300
        )
        regression.fit(self._trained, labels)
        coefficients, bias = regression.coef_, regression.intercept_
        if len(self.labels) == 2:  # scikit-learn keeps one row for two classes
            coefficients = np.vstack([np.zeros_like(coefficients), coefficients])
            bias = np.append(0.0, bias)
        # Rows a feature: one utterance reads a handful of rows.
        self._weights = np.ascontiguousarray(coefficients.T)
        self._bias = bias
        self._letters = self._grams.letters
        self._centroids = self._centroid_rows(labels)

    def _centroid_rows(self, labels: Sequence[str]) -> Matrix:
        which = np.array([self.labels.index(label) for label in labels])
        rows = np.zeros((len(self.labels), self._grams.size))
        for number in range(len(self.labels)):
            rows[number] = np.asarray(self._trained[which == number].sum(axis=0)).ravel()
        rows *= self._letters
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.ascontiguousarray((rows / np.maximum(norms, 1e-9)).T)

    def logits(self, vector: Vector) -> Matrix:
        numbers, weights = vector
        return np.asarray(weights @ self._weights[numbers] + self._bias, dtype=np.float64)

    def vector(self, words: Tokens) -> Vector:
        return self._grams.vector(words)

    def score(self, words: Tokens) -> _Scores:
        vector = self.vector(words)
        numbers, weights = vector
        letters = weights * self._letters[numbers]
        cosines = letters @ self._centroids[numbers] * np.sqrt(2)
        dense = np.zeros(self._grams.size)
        dense[numbers] = weights
        near = self._trained @ dense
        best = np.partition(near, -_NEIGHBOURS)[-_NEIGHBOURS:] if near.size > _NEIGHBOURS else near
        return _Scores(
            self.logits(vector)[None],
            _softmax(_CENTROID_SHARPNESS * cosines)[None],
            np.array([float(best.mean())]),
            np.array([self._grams.strangeness(words)]),
        )

    def score_all(self, texts: Sequence[Tokens]) -> _Scores:
        each = [self.score(words) for words in texts]
        return _Scores(
            np.concatenate([one.logits for one in each]),
            np.concatenate([one.centroid for one in each]),
            np.concatenate([one.likeness for one in each]),
            np.concatenate([one.strangeness for one in each]),
        )


@dataclass(slots=True)
class _HeldOut:
    """Scores of turns by models that had not seen them, over the full label set."""

    scores: list[_Scores] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def add(self, model: _Model, turns: Sequence[Example], labels: Sequence[str]) -> None:
        if not turns:
            return
        scores = model.score_all([each.words for each in turns])
        columns = [labels.index(label) for label in model.labels]
        logits = np.full((len(turns), len(labels)), -1e3)
        centroid = np.zeros((len(turns), len(labels)))
        logits[:, columns] = scores.logits
        centroid[:, columns] = scores.centroid
        self.scores.append(_Scores(logits, centroid, scores.likeness, scores.strangeness))
        self.labels += [each.label for each in turns]

    def joined(self) -> _Scores:
        return _Scores(
            *(
                np.concatenate([getattr(one, name) for one in self.scores])
                for name in _Scores.__slots__
            )
        )


class IntentModel:
    """A trained, calibrated intent model. Immutable; safe to share between threads."""

    def __init__(
        self,
        examples: Sequence[Example],
        outside: Sequence[Tokens] = (),
        *,
        novel: Sequence[str] = (),
    ) -> None:
        """Train.

        `outside`: sentences that belong to no intent. `novel`: intents that may be left out in turn to
        learn what novelty looks like (all when empty).
        Raises `ValueError` with fewer than two intents.
        """
        if len({example.label for example in examples}) < 2:
            raise ValueError("an intent model needs at least two intents")
        first = 1 + max(example.group for example in examples)
        every = [
            *examples,
            *(Example(words, OUTSIDE, first + at) for at, words in enumerate(outside)),
        ]
        self._model = _Model(every)
        self.labels = self._model.labels
        held = self._hold_out(every, novel)
        scores = held.joined()
        labels = np.array(held.labels)
        self._temperature = _fit_temperature(scores.logits, labels, self.labels)
        features = self._features(scores)
        known = labels != OUTSIDE
        tops = np.array(self.labels)[self._top(scores)]
        weights = np.where(
            known, 1.0, NOVEL_SHARE / (1 - NOVEL_SHARE) * known.sum() / max(1, (~known).sum())
        )
        self._right = _fit_binary(features, known & (tops == labels), weights)
        self._novel = _fit_binary(features, ~known, weights=None)

    def _hold_out(self, examples: Sequence[Example], novel: Sequence[str]) -> _HeldOut:
        held = _HeldOut()
        folds = folds_of(examples, FOLDS)
        for fold in range(FOLDS):
            train = [each for each, at in zip(examples, folds, strict=True) if at != fold]
            test = [each for each, at in zip(examples, folds, strict=True) if at == fold]
            if len({each.label for each in train}) >= 2:
                held.add(_Model(train), test, self.labels)
        leave_out = sorted(set(novel) or {each.label for each in examples} - {OUTSIDE})
        for part in range(_PARTS):
            gone = set(leave_out[part::_PARTS])
            rest = [each for each in examples if each.label not in gone]
            strange = [replace(each, label=OUTSIDE) for each in examples if each.label in gone]
            if strange and len({each.label for each in rest}) >= 2:
                held.add(_Model(rest), strange, self.labels)
        return held

    def _top(self, scores: _Scores) -> NDArray[np.int64]:
        """Index of the best intent, OUTSIDE excluded."""
        logits = scores.logits
        if self.labels[0] == OUTSIDE:
            return np.asarray(1 + np.argmax(logits[:, 1:], axis=1), dtype=np.int64)
        return np.asarray(np.argmax(logits, axis=1), dtype=np.int64)

    def _features(self, scores: _Scores) -> Matrix:
        shares = _softmax(scores.logits / self._temperature)
        top = self._top(scores)
        rows = np.arange(len(top))
        best = np.clip(shares[rows, top], 1e-6, 1 - 1e-6)
        others = shares.copy()
        others[rows, top] = 0.0
        if self.labels[0] == OUTSIDE:
            others[:, 0] = 0.0
        return np.column_stack(
            [
                np.log(best / (1 - best)),
                best - others.max(axis=1),
                scores.likeness,
                scores.strangeness,
                scores.centroid[rows, top] / np.maximum(scores.centroid.max(axis=1), 1e-9),
            ]
        )

    def rank(self, words: Tokens) -> Ranking:
        """Rank the intents for a turn (tokens from `plain`). Well under a millisecond."""
        scores = self._model.score(words)
        features = self._features(scores)
        shares = _softmax(scores.logits / self._temperature)[0]
        order = [at for at in np.argsort(-shares) if self.labels[at] != OUTSIDE]
        return Ranking(
            intents=tuple(self.labels[at] for at in order),
            shares=tuple(float(shares[at]) for at in order),
            probability=self._right(features),
            margin=float(np.clip(features[0, 1], 0.0, 1.0)),
            novelty=self._novel(features) if words else 1.0,
            disagreement=float(1 - features[0, 4]),
        )

    def best(self, words: Tokens) -> tuple[str, float]:
        """The likeliest intent (or OUTSIDE) and its share; a tenth of the cost of `rank`."""
        logits = self._model.logits(self._model.vector(words))
        shares = _softmax(logits / self._temperature)
        top = int(np.argmax(shares))
        return self.labels[top], float(shares[top])


class _Binary:
    """A fitted logistic curve over a few features."""

    def __init__(self, weights: Matrix, bias: float) -> None:
        self._weights = weights
        self._bias = bias

    def __call__(self, features: Matrix) -> float:
        z = float(features[0] @ self._weights) + self._bias
        return float(1 / (1 + np.exp(-np.clip(z, -30, 30))))


def _fit_binary(features: Matrix, target: NDArray[np.bool_], weights: Matrix | None) -> _Binary:
    if target.all() or not target.any():
        return _Binary(np.zeros(features.shape[1]), 4.0 if target.all() else -4.0)
    balance = None if weights is not None else "balanced"
    fitted = LogisticRegression(C=1.0, class_weight=balance, max_iter=500)
    fitted.fit(features, target, sample_weight=weights)
    return _Binary(fitted.coef_[0], float(fitted.intercept_[0]))


def _fit_temperature(logits: Matrix, labels: NDArray[np.str_], names: Sequence[str]) -> float:
    """The temperature with the least held-out log loss (Guo et al., 2017)."""
    columns = np.array([names.index(str(label)) if label in names else -1 for label in labels])
    usable = columns >= 0
    rows, wanted = logits[usable], columns[usable]

    def loss(log_temperature: float) -> float:
        scaled = rows / np.exp(log_temperature)
        top = scaled.max(axis=1)
        logsum = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        return float(np.mean(logsum - scaled[np.arange(len(rows)), wanted]))

    found = optimize.minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded")
    return float(np.exp(found.x))


def _softmax(values: Matrix) -> Matrix:
    shifted = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), dtype=np.float64)


def folds_of(examples: Sequence[Example], count: int) -> list[int]:
    """A fold for each example: groups stay whole, every label is spread evenly, no chance in it."""
    fold_of_group: dict[int, int] = {}
    turn: dict[str, int] = {}
    for example in examples:
        if example.group not in fold_of_group:
            number = turn.get(example.label, 0)
            # A step that is coprime to the order in the file keeps neighbours, often alike, apart.
            fold_of_group[example.group] = number % count
            turn[example.label] = number + 1
    return [fold_of_group[example.group] for example in examples]
