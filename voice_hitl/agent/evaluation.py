"""How good the models are: accuracy, calibration and detection figures on held-out data.

Data are the JSON lines of `shared/data` (`{text, intent | null}` and `{text, wants_person}`) or a pack's own
examples. Nothing here is used while serving.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from voice_hitl.agent.corpus import Example
from voice_hitl.agent.nlu import OUTSIDE, IntentModel, folds_of
from voice_hitl.agent.text import Tokens, plain


@dataclass(frozen=True, slots=True)
class IntentFigures:
    """How well intents are named, and how honest the probabilities are."""

    turns: int  # turns that belong to an intent
    accuracy: float  # share of them named right
    ece: float  # expected calibration error of `probability`, ten equal bins; outside turns count as wrong
    brier: float
    outside: int  # turns that belong to none
    auroc: float | None  # how well novelty tells them apart; None without any


@dataclass(frozen=True, slots=True)
class DetectionFigures:
    """How well a yes/no detector works at one threshold."""

    positives: int
    negatives: int
    threshold: float
    precision: float
    recall: float
    auroc: float
    ece: float


def calibration_error(probabilities: ArrayLike, right: ArrayLike, bins: int = 10) -> float:
    """Expected calibration error: mean |claimed - true| over equal-width bins, weighted by size."""
    claimed, true = np.asarray(probabilities, float), np.asarray(right, float)
    which = np.minimum((claimed * bins).astype(int), bins - 1)
    error = 0.0
    for number in range(bins):
        inside = which == number
        if inside.any():
            error += inside.mean() * abs(claimed[inside].mean() - true[inside].mean())
    return float(error)


def auroc(scores: ArrayLike, positive: ArrayLike) -> float:
    """P(a positive scores above a negative), ties half (Mann-Whitney)."""
    values, truth = np.asarray(scores, float), np.asarray(positive, bool)
    order = np.argsort(values, kind="stable")
    ranks = np.empty(len(values))
    ranks[order] = np.arange(1, len(values) + 1)
    for value in np.unique(values):
        same = values == value
        ranks[same] = ranks[same].mean()
    count = int(truth.sum())
    wins = ranks[truth].sum() - count * (count + 1) / 2
    return float(wins / (count * (len(values) - count)))


def score_intents(
    model: IntentModel, texts: Sequence[Tokens], labels: Sequence[str]
) -> IntentFigures:
    """Score a trained model; label `OUTSIDE` marks turns that belong to no intent."""
    rankings = [model.rank(words) for words in texts]
    return _figures(
        [each.top for each in rankings],
        [each.probability for each in rankings],
        [each.novelty for each in rankings],
        labels,
    )


def cross_validate_intents(
    examples: Sequence[Example],
    outside: Sequence[Tokens] = (),
    *,
    novel: Sequence[str] = (),
    folds: int = 5,
) -> IntentFigures:
    """Train and score on `folds` splits that keep sentences of one template together."""
    first = 1 + max(example.group for example in examples)
    strange = [Example(words, OUTSIDE, first + at) for at, words in enumerate(outside)]
    every = [*examples, *strange]
    places = folds_of(every, folds)
    tops: list[str] = []
    claimed: list[float] = []
    novelty: list[float] = []
    labels: list[str] = []
    for fold in range(folds):
        train = [each for each, at in zip(every, places, strict=True) if at != fold]
        with threadpool_limits(limits=1):
            model = IntentModel(
                [each for each in train if each.label != OUTSIDE],
                [each.words for each in train if each.label == OUTSIDE],
                novel=novel,
            )
        for each, at in zip(every, places, strict=True):
            if at == fold:
                ranking = model.rank(each.words)
                tops.append(ranking.top)
                claimed.append(ranking.probability)
                novelty.append(ranking.novelty)
                labels.append(each.label)
    return _figures(tops, claimed, novelty, labels)


def _figures(
    tops: Sequence[str], claimed: Sequence[float], novelty: Sequence[float], labels: Sequence[str]
) -> IntentFigures:
    truth = np.array(labels)
    right = np.array(tops) == truth
    strange = truth == OUTSIDE
    return IntentFigures(
        turns=int((~strange).sum()),
        accuracy=float(right[~strange].mean()),
        ece=calibration_error(claimed, right),
        brier=float(np.mean((np.asarray(claimed) - right) ** 2)),
        outside=int(strange.sum()),
        auroc=auroc(novelty, strange) if strange.any() and not strange.all() else None,
    )


def score_detector(
    probabilities: Sequence[float], truth: Sequence[bool], threshold: float = 0.5
) -> DetectionFigures:
    """Figures of a detector at one threshold."""
    claimed, positive = np.asarray(probabilities, float), np.asarray(truth, bool)
    said = claimed >= threshold
    hits = int((said & positive).sum())
    return DetectionFigures(
        positives=int(positive.sum()),
        negatives=int((~positive).sum()),
        threshold=threshold,
        precision=hits / max(1, int(said.sum())),
        recall=hits / max(1, int(positive.sum())),
        auroc=auroc(claimed, positive),
        ece=calibration_error(claimed, positive),
    )


def read_intents(path: Path) -> list[Example]:
    """Read `{text, intent | null}` lines; each line is a group of its own, null is `OUTSIDE`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    return [
        Example(plain(row["text"]), row["intent"] or OUTSIDE, at) for at, row in enumerate(rows)
    ]
