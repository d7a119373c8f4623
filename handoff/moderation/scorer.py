"""A classifier of violations that a deployment trains on its own examples.

Which letter n-grams a sentence has, of length one, in a logistic regression; then Platt's map, fitted on
scores that the model gave to examples it had not seen (Platt 1999). No words are needed, so misspellings and
transcription errors cost little. None is shipped: see docs/patterns/moderation.md for what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedKFold
from sklearn.preprocessing import normalize

from handoff.calibration import Platt, logit, sigmoid
from handoff.signed import fit_platt

SIZES = (2, 3, 4)  # letters of an n-gram
FOLDS = 5
_STRENGTH = 10.0  # inverse regularization


@dataclass(frozen=True, slots=True)
class TextScorer:
    """P(violation) of a sentence; under 0.2 ms for one of 100 letters."""

    weights: Mapping[str, float]  # n-gram -> weight
    intercept: float
    calibration: Platt

    def __call__(self, text: str) -> float:
        """The probability that a sentence violates the rules, 0..1."""
        return self.calibration(self.raw(text))

    def raw(self, text: str) -> float:
        """The same before calibration."""
        found = [self.weights[gram] for gram in set(grams(text)) if gram in self.weights]
        length = math.sqrt(len(found)) or 1.0
        return sigmoid(self.intercept + sum(found) / length)


def grams(text: str) -> Iterator[str]:
    """The n-grams of each word, with a space at both ends."""
    for word in text.casefold().split():
        padded = f" {word} "
        for size in SIZES:
            for start in range(max(1, len(padded) - size + 1)):
                yield padded[start : start + size]


def fit_scorer(
    texts: Sequence[str],
    labels: Sequence[bool],
    *,
    groups: Sequence[str] | None = None,
    share: float | None = None,
) -> TextScorer:
    """Train on examples; `labels` are true for violations.

    `share` in (0, 1) is how much of real speech violates, where the examples hold more of it: the log odds
    are moved by the difference (prior correction; King & Zeng 2001). Without it the examples must be mixed
    as they occur, or the policy's thresholds mean something else.

    `groups` keeps examples that resemble each other (one theme, one author) on one side while calibrating, so
    that the probabilities speak of violations unlike those in the list. Deterministic. Raises `ValueError`
    when lengths differ, a label has fewer than five examples or `share` is not in (0, 1).
    """
    if share is not None and not 0 < share < 1:
        raise ValueError("the share of violations must be above 0 and below 1")
    scores, right = held_out_scores(texts, labels, groups=groups)
    model = _fit(texts, right)
    platt = fit_platt(scores, right)
    if share is not None:
        move = logit(share) - logit(right.count(True) / len(right))
        platt = Platt(platt.slope, platt.offset + move)
    return TextScorer(model.weights, model.intercept, platt)


def held_out_scores(
    texts: Sequence[str],
    labels: Sequence[bool],
    *,
    groups: Sequence[str] | None = None,
) -> tuple[list[float], list[bool]]:
    """Uncalibrated scores of examples by models that did not see them (nor their group), and the labels.

    What to judge a list of examples by, before anyone relies on it. Errors as in `fit_scorer`.
    """
    right = [bool(label) for label in labels]
    if len(texts) != len(right) or (groups is not None and len(groups) != len(right)):
        raise ValueError("texts, labels and groups must be of one length")
    if min(right.count(True), right.count(False)) < FOLDS:
        raise ValueError(f"at least {FOLDS} violations and {FOLDS} harmless examples are needed")
    if groups is None:
        parts = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(texts, right)
    else:
        folds = min(FOLDS, len(set(groups)))
        if folds < 2:
            raise ValueError("at least two groups are needed")
        parts = GroupKFold(folds).split(texts, right, groups)
    scores = [0.5] * len(right)
    for train, test in parts:
        known = [right[at] for at in train]
        if len(set(known)) < 2:
            raise ValueError("every group holds all examples of one label: mix them")
        model = _fit([texts[at] for at in train], known)
        for at in test:
            scores[at] = model.raw(texts[at])
    return scores, right


def _fit(texts: Sequence[str], labels: Sequence[bool]) -> TextScorer:
    counter = CountVectorizer(analyzer=lambda text: list(grams(text)), binary=True)
    design = normalize(counter.fit_transform(texts).astype(np.float64))
    model = LogisticRegression(C=_STRENGTH, max_iter=1000).fit(design, np.asarray(labels))
    weights = dict(zip(counter.get_feature_names_out(), model.coef_[0].tolist(), strict=True))
    return TextScorer(weights, float(model.intercept_[0]), Platt())
