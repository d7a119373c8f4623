"""Raw scores of an utterance: models of it and the distance to the training sentences, before calibration.

The first model is a linear support vector machine over n-grams, one class against the rest (Crammer &
Singer's joint machine is no better here and takes four times as long). The second is built differently: a
language model of each label over the n-grams that a turn holds, smoothed with that of all sentences
(Jelinek & Mercer 1980; Zhai & Lafferty 2004). A third, a multinomial regression, says only how much speaks
for any class at all: its largest logit tells outside turns best where none were labelled. Support is how
seldom other labels' sentences hold the words that a turn has: it falls where words point elsewhere.
Distance is the cosine to the nearest training sentences and the share of unknown words.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from voice_hitl.agent.corpus import Example
from voice_hitl.agent.ngrams import Ngrams, Vector
from voice_hitl.agent.text import Tokens

_STRENGTH = 1.0  # inverse regularization; flat between 0.5 and 2 on CLINC150 and the banking pack
_EVIDENCE_STRENGTH = 3.0  # inverse regularization; 1 tells intents left out from others worse
_EVIDENCE_STEPS = 30  # of its fit; more of them change nothing here
_OWN = 0.9  # weight of a label's own sentences in its language model; the rest is that of all
_NEIGHBOURS = 3
_TOLERANCE = 1e-3
_CHUNK = 500  # texts scored at once: bounds memory
_ABSENT = -2.0  # margin of a class that a model was not taught; taught ones seldom go under it
_UNHEARD = -30.0  # its log-likelihood ratio

Matrix = NDArray[np.float64]
Found = tuple[NDArray[np.int64], NDArray[np.int64], Matrix]  # turn, feature, weight of each found


@dataclass(frozen=True, slots=True)
class Scores:
    """Uncalibrated figures of some turns; one row a turn."""

    margins: Matrix  # of the first model, (turns, labels), about -2..2, above 0: this class
    likelihood: Matrix  # of the second model: log(P(turn | label) / P(turn)), nats, (turns, labels)
    support: Matrix  # share of the first model's label among sentences with a turn's words, mean, (turns,)
    evidence: Matrix  # largest logit of the third model, (turns,); 0 without one
    likeness: Matrix  # mean cosine to the nearest training sentences, (turns,)
    strangeness: Matrix  # share of unknown words, (turns,)
    length: Matrix  # log(1 + words), (turns,)

    @classmethod
    def joined(cls, parts: Sequence[Scores]) -> Scores:
        """The rows of all parts, in order."""
        return cls(
            *(np.concatenate([getattr(each, name) for each in parts]) for name in cls.__slots__)
        )

    def spread(self, of: Sequence[str], over: Sequence[str]) -> Scores:
        """The same rows with the classes `of` put into their places among all labels `over`."""
        columns = [over.index(label) for label in of]
        margins = np.full((len(self.margins), len(over)), _ABSENT)
        likelihood = np.full_like(margins, _UNHEARD)
        margins[:, columns] = self.margins
        likelihood[:, columns] = self.likelihood
        return replace(self, margins=margins, likelihood=likelihood)


class Scorer:
    """Both models and the training sentences. Immutable; safe to share between threads."""

    def __init__(self, examples: Sequence[Example], *, evidence: bool = False) -> None:
        """Train on examples of at least two labels; the third model only where `evidence` is asked for."""
        texts = [example.words for example in examples]
        self.labels = tuple(sorted({example.label for example in examples}))
        number = {label: at for at, label in enumerate(self.labels)}
        classes = np.array([number[example.label] for example in examples])
        self._grams = Ngrams(texts)
        self._trained = self._grams.matrix(texts)
        machine = LinearSVC(C=_STRENGTH, random_state=0).fit(self._trained, classes)
        weights, bias = machine.coef_, machine.intercept_
        if len(self.labels) == 2:  # scikit-learn keeps one row for two classes
            weights, bias = np.vstack([-weights, weights]), np.append(-bias, bias)
        self._known = np.array([label != "" for label in self.labels])
        self._evidence, self._evidence_bias = (
            self._evidence_rows(classes)
            if evidence
            else (np.zeros((self._grams.size, 1)), np.zeros(1))
        )
        # Rows a feature: one utterance reads a handful of rows.
        self._weights = np.ascontiguousarray(weights.T)
        self._bias = bias
        self._letters = self._grams.letters
        self._ratios, self._sizes = self._language_models(classes)

    def _evidence_rows(self, classes: NDArray[np.int64]) -> tuple[Matrix, Matrix]:
        model = LogisticRegression(C=_EVIDENCE_STRENGTH, max_iter=_EVIDENCE_STEPS, tol=_TOLERANCE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(self._trained, classes)
        weights, bias = model.coef_, model.intercept_
        if len(self.labels) == 2:
            weights, bias = np.vstack([-weights, weights]) / 2, np.append(-bias, bias) / 2
        return np.ascontiguousarray(weights[self._known].T), bias[self._known]

    def _language_models(self, classes: NDArray[np.int64]) -> tuple[NDArray[np.float32], Matrix]:
        """Log-likelihood ratios, (features, labels), and each label's part of all that was counted."""
        members = sparse.csr_matrix(
            (np.ones(len(classes)), (classes, np.arange(len(classes)))),
            shape=(len(self.labels), len(classes)),
        )
        counts = (members @ (self._trained > 0)).toarray().T  # sentences of a label with a feature
        sizes = np.maximum(counts.sum(axis=0), 1.0) / max(counts.sum(), 1.0)
        ratios = counts / counts.sum(axis=1, keepdims=True) / sizes
        return np.log(_OWN * ratios + (1 - _OWN)).astype(np.float32), sizes

    def margins(self, vector: Vector) -> Matrix:
        """Margins of the first model alone, (labels,)."""
        numbers, weights = vector
        return np.asarray(weights @ self._weights[numbers] + self._bias, dtype=np.float64)

    def vector(self, words: Tokens) -> Vector:
        """The features of a text."""
        return self._grams.vector(words)

    def score(self, words: Tokens) -> Scores:
        """Score one turn."""
        numbers, weights = self.vector(words)
        dense = np.zeros(self._grams.size)
        dense[numbers] = weights
        return self._scores(
            self.margins((numbers, weights))[None],
            self._ratios[numbers].sum(axis=0)[None],
            (weights @ self._evidence[numbers] + self._evidence_bias)[None],
            (self._trained @ dense)[None],
            (np.zeros(len(numbers), dtype=np.int64), numbers, weights),
            [words],
        )

    def score_all(self, texts: Sequence[Tokens]) -> Scores:
        """Score many turns: the rows are those of `score`."""
        return Scores.joined(list(self._chunks(texts)))

    def _chunks(self, texts: Sequence[Tokens]) -> Iterator[Scores]:
        for start in range(0, max(1, len(texts)), _CHUNK):
            part = texts[start : start + _CHUNK]
            rows = self._grams.matrix(part)
            yield self._scores(
                rows @ self._weights + self._bias,
                (rows > 0) @ self._ratios,
                rows @ self._evidence + self._evidence_bias,
                (rows @ self._trained.T).toarray(),
                (np.repeat(np.arange(len(part)), np.diff(rows.indptr)), rows.indices, rows.data),
                part,
            )

    def _scores(
        self,
        margins: Matrix,
        likelihood: NDArray[np.float32],
        evidence: Matrix,
        near: Matrix,
        found: Found,
        texts: Sequence[Tokens],
    ) -> Scores:
        if near.shape[1] > _NEIGHBOURS:
            near = np.partition(near, -_NEIGHBOURS, axis=1)[:, -_NEIGHBOURS:]
        return Scores(
            margins=margins,
            likelihood=likelihood.astype(np.float64),
            support=self._support(margins, found),
            evidence=evidence.max(axis=1),
            likeness=near.mean(axis=1),
            strangeness=np.array([self._grams.strangeness(words) for words in texts]),
            length=np.log1p(np.array([len(words) for words in texts], dtype=np.float64)),
        )

    def _support(self, margins: Matrix, found: Found) -> Matrix:
        rows, numbers, weights = (each[~self._letters[found[1]]] for each in found)
        tops = np.flatnonzero(self._known)[margins[:, self._known].argmax(axis=1)][rows]
        # Back from the smoothed ratio to the label's share of the sentences that hold the feature.
        ratios = (np.exp(self._ratios[numbers, tops]) - (1 - _OWN)) / _OWN
        total = np.bincount(rows, weights * ratios * self._sizes[tops], len(margins))
        return total / np.maximum(np.bincount(rows, weights, len(margins)), 1e-9)


def softmax(values: Matrix) -> Matrix:
    """Shares that add up to one along the last axis."""
    shifted = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), dtype=np.float64)
