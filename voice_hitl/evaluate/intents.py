"""How well turns are named, and how well the model knows when not to trust itself.

A line is `{text, intent}`, intent null where none fits; further fields may stand beside them. Lines that
name a `conversation` are resampled by it, others one by one. The model is the one that calls use
(`voice_hitl.agent.nlu`). The validation part calibrates it and is then learnt from as well, by the
baselines too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel
from rich.table import Table
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from voice_hitl.agent.corpus import Example
from voice_hitl.agent.nlu import OUTSIDE, IntentModel
from voice_hitl.agent.text import plain
from voice_hitl.evaluate import selective
from voice_hitl.evaluate.files import DataError
from voice_hitl.evaluate.reports import REPLICATES, Interval, Report, intervals, on_intervals
from voice_hitl.evaluate.selective import BUDGETS, Judged

RULE_CONFIDENCE, RULE_MARGIN = 0.90, 0.15  # the plain rule of policy `rule: simple`
_TABLE_BUDGET = "0.10"

Embedder = Callable[[Sequence[str]], selective.Floats]  # texts -> (n, size), rows of length one


class Line(BaseModel):
    """One line of the files."""

    text: str
    intent: str | None
    conversation: str | int | None = None


class Spending(BaseModel):
    """What a budget, or a rule, routes to people, at 5 % outside turns."""

    routed: float  # share of turns
    routed_wrong: float | None  # share of the routed that was wrong; null when nothing was routed
    error_left: float | None  # on the automatic path


class Figures(BaseModel):
    """One model's figures; null where the test part cannot tell."""

    in_scope_accuracy: float | None
    auroc: float | None
    fpr95: float | None
    ece: float | None
    aurc: float
    budget: dict[str, Spending]


class IntentsReport(Report, Figures):
    """The figures of the model that calls use, beside the others'."""

    baselines: dict[str, Figures]
    rule: dict[str, Spending]  # the plain rule upon each model's probabilities
    intervals: dict[str, Interval]
    baseline_intervals: dict[str, dict[str, Interval]]
    turns: int
    outside: int
    intents: int
    groups: int

    def table(self) -> Table:
        """What a person reads."""
        table = Table(title=f"Intents: {self.turns} turns, {self.outside} of them outside")
        keys = ("in_scope_accuracy", "auroc", "fpr95", "ece", "aurc")
        headings = ("in scope", "AUROC", "FPR95", "ECE", "AURC", "wrong", "left")
        table.add_column("")
        for heading in headings:
            table.add_column(heading, justify="right")
        rows: list[tuple[str, Figures, Mapping[str, Interval]]] = [("ours", self, self.intervals)]
        rows += [(n, f, self.baseline_intervals[n]) for n, f in self.baselines.items()]
        for name, found, spread in rows:
            spent = found.budget[_TABLE_BUDGET]
            cells = [_cell(getattr(found, key), spread.get(key)) for key in keys]
            cells.append(_cell(spent.routed_wrong, spread.get(f"routed_wrong {_TABLE_BUDGET}")))
            cells.append(_cell(spent.error_left, spread.get(f"error_left {_TABLE_BUDGET}")))
            table.add_row(name.replace("_", " "), *cells)
        for name, spent in self.rule.items():
            wrong, left = _cell(spent.routed_wrong, None), _cell(spent.error_left, None)
            title = f"plain rule on {name.replace('_', ' ')}"
            table.add_row(title, *[""] * 4, f"routes {spent.routed:.1%}", wrong, left)
        said = on_intervals(self.intervals, self.groups, "conversation or line")
        table.caption = f"{said}; wrong, left: at a 10 % budget, 5 % outside"
        return table


def group_of(row: Line) -> Hashable | None:
    """The conversation; None for a line that stands alone."""
    return row.conversation


def group_or_words(row: Line) -> Hashable:
    """The conversation, or else the words: what train and test should not share."""
    named = group_of(row)
    return ("words", *plain(row.text)) if named is None else ("conversation", named)


def evaluate_intents(
    train: Sequence[Line],
    valid: Sequence[Line],
    test: Sequence[Line],
    *,
    embedder: Embedder | None = None,
    replicates: int = REPLICATES,
) -> IntentsReport:
    """Train, calibrate, and score the test part.

    Raises `DataError` with fewer than two intents in the training part or no line in the test part.
    `embedder` adds a model over sentence embeddings; `replicates`: resamplings behind the intervals.
    """
    if len({row.intent for row in train if row.intent}) < 2:
        raise DataError("the training part needs lines of at least two intents")
    if not test:
        raise DataError("the test part holds no line to score")
    with threadpool_limits(limits=1):  # the same sums on every machine, and none waits for another
        judged = {"ours": _ours(train, valid, test), **_baselines(train, valid, test)}
        if embedder is not None:
            from voice_hitl.evaluate.embeddings import embedded

            judged |= embedded(train, valid, test, embedder)
    groups = [_group(row, at) for at, row in enumerate(test)]
    spread = {name: _spread(each, groups, replicates) for name, (each, _) in judged.items()}
    figures = {name: _figures(each) for name, (each, _) in judged.items()}
    ours = figures.pop("ours")
    return IntentsReport(
        **ours.model_dump(),
        baselines=figures,
        rule={name: _rule(each, margin) for name, (each, margin) in judged.items()},
        intervals=spread.pop("ours"),
        baseline_intervals=spread,
        turns=len(test),
        outside=sum(not row.intent for row in test),
        intents=len({row.intent for row in train if row.intent}),
        groups=len(set(groups)),
    )


Verdict = tuple[Judged, selective.Floats]  # with the margin of the first intent over the second


def _ours(train: Sequence[Line], valid: Sequence[Line], test: Sequence[Line]) -> Verdict:
    known = examples_of(train)
    model = IntentModel(known, held=examples_of(valid, 1 + max(each.group for each in known)))
    ranked = [model.rank(plain(row.text)) for row in test]
    meant = [row.intent or OUTSIDE for row in test]
    judged = Judged(
        right=np.array([each.top == name for each, name in zip(ranked, meant, strict=True)]),
        outside=outside_of(test),
        confidence=np.array([each.confidence for each in ranked]),
        novelty=np.array([each.novelty for each in ranked]),
        trust=np.array([each.probability for each in ranked]),
    )
    return judged, np.array([each.margin for each in ranked])


def _baselines(
    train: Sequence[Line], valid: Sequence[Line], test: Sequence[Line]
) -> dict[str, Verdict]:
    """TF-IDF over words and a logistic regression; what it is unsure of is what it takes for outside."""
    inside = [row for row in (*train, *valid) if row.intent]
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=r"(?u)\S+")
    rows: Any = words.fit_transform([row.text for row in inside])
    model = LogisticRegression(C=10.0, max_iter=100, tol=1e-3)
    model.fit(rows, [row.intent for row in inside])
    shares = model.predict_proba(words.transform([row.text for row in test]))
    return {"tfidf_logistic": by_highest_share(shares, model.classes_, test)}


def by_highest_share(shares: selective.Floats, names: Any, test: Sequence[Line]) -> Verdict:
    """Judge a model that knows nothing but shares, (n, intents): the highest is all its doubt."""
    best = np.sort(shares, axis=1)
    top = np.asarray(names)[shares.argmax(axis=1)]
    right = np.array([name == row.intent for name, row in zip(top, test, strict=True)])
    judged = Judged(right, outside_of(test), best[:, -1], 1 - best[:, -1], best[:, -1])
    return judged, best[:, -1] - best[:, -2]


def examples_of(rows: Sequence[Line], first: int = 0) -> list[Example]:
    """Training examples; lines of one conversation share a group, numbered from `first`."""
    numbers: dict[Hashable, int] = {}
    return [
        Example(
            plain(row.text),
            row.intent or OUTSIDE,
            first + numbers.setdefault(_group(row, at), len(numbers)),
        )
        for at, row in enumerate(rows)
    ]


def outside_of(rows: Sequence[Line]) -> selective.Bools:
    """Which lines no intent fits."""
    return np.array([not row.intent for row in rows])


def _group(row: Line, at: int) -> Hashable:
    named = group_of(row)
    return ("line", at) if named is None else ("conversation", named)


def _rule(judged: Judged, margin: selective.Floats) -> Spending:
    routes = (judged.trust < RULE_CONFIDENCE) | (margin < RULE_MARGIN)
    routed, spent = selective.rule_spend(judged, routes)
    return _spending(routed, spent)


def _figures(judged: Judged) -> Figures:
    return Figures(
        in_scope_accuracy=_finite(selective.accuracy(judged)),
        auroc=_finite(selective.auroc(judged)),
        fpr95=_finite(selective.fpr95(judged)),
        ece=_finite(selective.calibration_error(judged)),
        aurc=selective.aurc(judged),
        budget={f"{b:.2f}": _spending(b, selective.spend(judged, b)) for b in BUDGETS},
    )


def _spread(judged: Judged, groups: Sequence[Hashable], replicates: int) -> dict[str, Interval]:
    return intervals(groups, lambda at: _flat(judged.rows(at)), replicates=replicates)


def _flat(judged: Judged) -> dict[str, float]:
    found = {
        "in_scope_accuracy": selective.accuracy(judged),
        "auroc": selective.auroc(judged),
        "fpr95": selective.fpr95(judged),
        "ece": selective.calibration_error(judged),
        "aurc": selective.aurc(judged),
    }
    for budget in BUDGETS:
        spent = selective.spend(judged, budget)
        found[f"routed_wrong {budget:.2f}"] = spent.routed_wrong
        found[f"error_left {budget:.2f}"] = spent.error_left
    return found


def _spending(routed: float, spent: selective.Spent) -> Spending:
    return Spending(
        routed=routed,
        routed_wrong=_finite(spent.routed_wrong),
        error_left=_finite(spent.error_left),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _cell(value: float | None, spread: Interval | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" + (f"\n{spread.low:.2f}-{spread.high:.2f}" if spread else "")
