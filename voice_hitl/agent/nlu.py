"""Intents: which one a turn means, how sure that is, and how strange the turn is.

`Scorer` gives raw scores. Two small logistic regressions, fitted on turns that the scorer had not seen, make
probabilities of them (Platt 1999, with more than one input): that the named intent is right if any is, and
that none is. Whole intents are held out as well, so that the model learns what a request looks like that
no pack sentence prepared it for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from handoff.calibration import fit_temperature
from voice_hitl.agent.corpus import Example
from voice_hitl.agent.scorer import Matrix, Scorer, Scores, softmax
from voice_hitl.agent.text import Tokens

OUTSIDE = ""  # label of sentences that belong to no intent
FOLDS = 3
NOVEL_SHARE = 0.05  # assumed share of turns that no intent of the pack fits
_PARTS = 2  # the intents are left out in this many parts
_LEFT_OUT = 0.25  # weight of all left-out intents together, against labelled outside turns
_EVIDENCE = 4  # column of the features
_ENOUGH_HELD = 500  # held turns from which the folds are not asked how often the named one is right


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a turn may mean, best first."""

    intents: tuple[str, ...]
    shares: tuple[float, ...]  # temperature-scaled, same order, sum under 1: the rest is OUTSIDE
    probability: float  # calibrated P(the first is right), 0..1, with NOVEL_SHARE of turns outside
    confidence: float  # calibrated P(the first is right | some intent fits), 0..1
    margin: float  # first share minus second, 0..1
    novelty: float  # calibrated P(no intent fits) at even odds, 0..1
    disagreement: float  # 0: the second model too finds the first likeliest, 1: gives it nothing

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


@dataclass(slots=True)
class _HeldOut:
    """Scores of turns by models that had not seen them, over the full label set."""

    labels: tuple[str, ...]
    scores: list[Scores] = field(default_factory=list)
    truth: list[str] = field(default_factory=list)
    from_folds: list[bool] = field(default_factory=list)
    left_out: list[bool] = field(default_factory=list)  # by a scorer that lacked some intents

    def add(
        self,
        scorer: Scorer,
        turns: Sequence[Example],
        *,
        folds: bool = False,
        left_out: bool = False,
    ) -> None:
        if turns:
            scores = scorer.score_all([each.words for each in turns])
            self.scores.append(scores.spread(scorer.labels, self.labels))
            self.truth += [each.label for each in turns]
            self.from_folds += [folds] * len(turns)
            self.left_out += [left_out] * len(turns)


class IntentModel:
    """A trained, calibrated intent model. Immutable; safe to share between threads."""

    def __init__(
        self,
        examples: Sequence[Example],
        outside: Sequence[Tokens] = (),
        *,
        novel: Sequence[str] = (),
        held: Sequence[Example] = (),
    ) -> None:
        """Train.

        `outside`: sentences that belong to no intent. `novel`: intents that may be left out in turn to
        learn what novelty looks like (all when empty). `held`: examples (label OUTSIDE among them) that
        calibrate before the model is trained on them as well.
        Raises `ValueError` with fewer than two intents.
        """
        if len({example.label for example in examples} - {OUTSIDE}) < 2:
            raise ValueError("an intent model needs at least two intents")
        first = 1 + max(example.group for example in examples)
        every = [
            *examples,
            *(Example(words, OUTSIDE, first + at) for at, words in enumerate(outside)),
        ]
        known = {each.label for each in every}
        held = [each for each in held if each.label in known or each.label == OUTSIDE]
        self.labels = tuple(sorted(known | {each.label for each in held}))
        self._evidence = OUTSIDE not in known  # labelled outside turns teach more than it tells
        found = self._hold_out(every, novel)
        self._scorer = Scorer(every, evidence=self._evidence)
        if held:
            found.add(self._scorer, held)
        self._calibrate(found)
        if held:
            self._scorer = Scorer([*every, *held], evidence=self._evidence)

    def _hold_out(self, examples: Sequence[Example], novel: Sequence[str]) -> _HeldOut:
        held = _HeldOut(self.labels)
        folds = folds_of(examples, FOLDS)
        for fold in range(FOLDS):
            train = [each for each, at in zip(examples, folds, strict=True) if at != fold]
            test = [each for each, at in zip(examples, folds, strict=True) if at == fold]
            if len({each.label for each in train}) >= 2:
                held.add(Scorer(train, evidence=self._evidence), test, folds=True)
        leave_out = sorted(set(novel) or {each.label for each in examples} - {OUTSIDE})
        # Where they alone teach novelty, a fold of the others is judged by the same scorers: one that knows
        # fewer intents scores all turns differently, which must not pass for novelty.
        parts = FOLDS if self._evidence else _PARTS
        for part in range(parts):
            gone = set(leave_out[part::parts])
            strange = [replace(each, label=OUTSIDE) for each in examples if each.label in gone]
            rest: list[Example] = []
            beside: list[Example] = []
            for each, fold in zip(examples, folds, strict=True):
                if each.label not in gone:
                    (beside if self._evidence and fold == part else rest).append(each)
            if strange and len({each.label for each in rest}) >= 2:
                scorer = Scorer(rest, evidence=self._evidence)
                held.add(scorer, [*strange, *beside], left_out=True)
        return held

    def _calibrate(self, held: _HeldOut) -> None:
        scores = Scores.joined(held.scores)
        truth = np.array(held.truth)
        outside, left_out = truth == OUTSIDE, np.array(held.left_out)
        taught = ~left_out & np.isin(truth, self.labels)
        classes = np.searchsorted(self.labels, truth[taught])
        self._temperature = fit_temperature(scores.margins[taught], classes)
        self._second_temperature = fit_temperature(scores.likelihood[taught], classes)
        features = self._features(scores)
        tops = np.array(self.labels)[self._top(scores)]
        judged = ~outside & ~left_out
        fresh = judged & ~np.array(held.from_folds)
        if fresh.sum() >= _ENOUGH_HELD:
            judged = fresh
        self._right = _Curve(features[judged], (tops == truth)[judged])
        labelled = int((outside & ~left_out).sum())
        weights = np.ones(len(truth))
        strange = outside & left_out
        if labelled and strange.any():
            weights[strange] = _LEFT_OUT * labelled / strange.sum()
        unlabelled = not labelled and bool((left_out & ~outside).any())
        rows = left_out if unlabelled else np.ones(len(truth), dtype=bool)
        weights, outside = weights[rows], outside[rows]
        weights[~outside] *= weights[outside].sum() / max(1, (~outside).sum())
        weights /= max(weights.mean(), 1e-9)
        # Real strangers are not quite like intents left out: the steadiest feature counts for half.
        steady = _EVIDENCE if unlabelled else None
        self._novel = _Curve(features[rows], outside, weights, steady)

    def _top(self, scores: Scores) -> NDArray[np.int64]:
        """Index of the best intent, OUTSIDE excluded."""
        first = self.labels[0] == OUTSIDE
        return np.asarray(first + np.argmax(scores.margins[:, first:], axis=1), dtype=np.int64)

    def _features(self, scores: Scores) -> Matrix:
        """What both curves look at; one row a turn."""
        top = self._top(scores)
        rows = np.arange(len(top))
        first = int(self.labels[0] == OUTSIDE)
        margins = scores.margins[:, first:]
        best = scores.margins[rows, top]
        second = np.partition(margins, -2, axis=1)[:, -2]
        crowd = np.log(np.exp(4 * margins).sum(axis=1)) / 4
        outside = scores.margins[:, 0] if first else np.full(len(top), -1.0)
        likelihood = scores.likelihood[:, first:]
        own = scores.likelihood[rows, top]
        others = likelihood.copy()
        others[rows, top - first] = -np.inf
        stranger = scores.likelihood[:, 0] if first else np.zeros(len(top))
        return np.column_stack(
            [
                best,
                best - second,
                outside,
                crowd,
                scores.evidence,
                scores.likeness,
                scores.strangeness,
                scores.length,
                own,
                own - others.max(axis=1),
                stranger - own,
                likelihood.max(axis=1),
                scores.support,
            ]
        )

    def rank(self, words: Tokens) -> Ranking:
        """Rank the intents for a turn (tokens from `plain`). Well under a millisecond for a pack."""
        scores = self._scorer.score(words).spread(self._scorer.labels, self.labels)
        features = self._features(scores)
        shares = softmax(scores.margins / self._temperature)[0]
        order = [at for at in np.argsort(-shares, kind="stable") if self.labels[at] != OUTSIDE]
        best = float(shares[order[0]])
        confidence = self._right(features)
        novelty = self._novel(features) if words else 1.0
        strange = novelty * NOVEL_SHARE
        fits = (1 - novelty) * (1 - NOVEL_SHARE)
        return Ranking(
            intents=tuple(self.labels[at] for at in order),
            shares=tuple(float(shares[at]) for at in order),
            probability=confidence * fits / (fits + strange),
            confidence=confidence,
            margin=float(np.clip(best - shares[order[1]], 0.0, 1.0)),
            novelty=novelty,
            disagreement=self._disagreement(scores, order[0]),
        )

    def _disagreement(self, scores: Scores, top: int) -> float:
        shares = softmax(scores.likelihood[0] / self._second_temperature)
        first = int(self.labels[0] == OUTSIDE)
        return float(1 - shares[top] / shares[first:].max())

    def best(self, words: Tokens) -> tuple[str, float]:
        """The likeliest intent (or OUTSIDE) and its share; a tenth of the cost of `rank`."""
        margins = self._scorer.margins(self._scorer.vector(words))
        shares = softmax(margins / self._temperature)
        top = int(np.argmax(shares))
        return self._scorer.labels[top], float(shares[top])


class _Curve:
    """A logistic curve over a few standardized features."""

    def __init__(
        self,
        features: Matrix,
        target: NDArray[np.bool_],
        weights: Matrix | None = None,
        steady: int | None = None,  # the mean with a curve over this column alone
    ) -> None:
        self._center = features.mean(axis=0)
        self._scale = np.maximum(features.std(axis=0), 1e-6)
        if target.all() or not target.any():
            self._weights, self._bias = np.zeros(features.shape[1]), 4.0 if target.all() else -4.0
            return
        rows = (features - self._center) / self._scale
        self._weights, self._bias = self._fitted(rows, target, weights)
        if steady is not None:
            weight, bias = self._fitted(rows[:, [steady]], target, weights)
            self._weights[steady] += weight[0]
            self._weights, self._bias = self._weights / 2, (self._bias + bias) / 2

    @staticmethod
    def _fitted(
        rows: Matrix, target: NDArray[np.bool_], weights: Matrix | None
    ) -> tuple[Matrix, float]:
        fitted = LogisticRegression(C=1.0, max_iter=500)
        fitted.fit(rows, target, sample_weight=weights)
        return fitted.coef_[0], float(fitted.intercept_[0])

    def __call__(self, features: Matrix) -> float:
        z = float((features[0] - self._center) / self._scale @ self._weights) + self._bias
        return float(1 / (1 + np.exp(-np.clip(z, -30, 30))))


def folds_of(examples: Sequence[Example], count: int) -> list[int]:
    """A fold for each example: groups stay whole, every label is spread evenly, no chance in it."""
    fold_of_group: dict[int, int] = {}
    turn: dict[str, int] = {}
    for example in examples:
        if example.group not in fold_of_group:
            number = turn.get(example.label, 0)
            # Neighbours in the file, often alike, come into different folds.
            fold_of_group[example.group] = number % count
            turn[example.label] = number + 1
    return [fold_of_group[example.group] for example in examples]
