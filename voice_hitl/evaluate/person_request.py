"""How well a caller's wish for a person is heard.

A line is `{text, wants_person}`; further fields may stand beside them. The detector is the one that calls use
(`voice_hitl.agent.cues`), trained on the training part and on the shipped language's own examples, and
judged at the shipped threshold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from rich.table import Table
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from handoff.policy import Policy
from voice_hitl.agent.cues import person_detector
from voice_hitl.agent.languages import load_language
from voice_hitl.agent.text import plain
from voice_hitl.evaluate.files import DataError
from voice_hitl.evaluate.reports import REPLICATES, Interval, Report, intervals, on_intervals

_KEYWORDS = re.compile(
    r"\b(?:person|human|agent|operator|representative|manager|supervisor"
    r"|(?:speak|talk) (?:to|with) (?:someone|somebody|anyone))\b",
    re.IGNORECASE,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Line(BaseModel):
    """One line of the files."""

    text: str
    wants_person: bool


class PersonRequestReport(Report):
    """The figures at the shipped threshold; positive wants a person. NaN where none is."""

    precision: float
    recall: float
    ap: float
    threshold: float
    baselines: dict[str, dict[str, float]]  # name -> precision, recall, ap
    intervals: dict[str, Interval]
    baseline_intervals: dict[str, dict[str, Interval]]
    lines: int
    wanting: int
    groups: int  # lines of different words

    def table(self) -> Table:
        """What a person reads."""
        table = Table(title=f"Wants a person: {self.wanting} of {self.lines} lines")
        keys = ("precision", "recall", "ap")
        for heading in ("", "precision", "recall", "AP"):
            table.add_column(heading, justify="left" if not heading else "right")
        own = {key: float(getattr(self, key)) for key in keys}
        rows = [("ours", own, self.intervals)]
        rows += [(n, f, self.baseline_intervals[n]) for n, f in self.baselines.items()]
        for name, found, spread in rows:
            cells = [_cell(found[key], spread.get(key)) for key in keys]
            table.add_row(name.replace("_", " "), *cells)
        said = on_intervals(self.intervals, self.groups, "line")
        table.caption = f"at threshold {self.threshold}; {said}"
        return table


def group_of(row: Line) -> str:
    """What must not be split: lines of the same words."""
    return " ".join(plain(row.text))


def check_test(rows: Sequence[Line], file: Path) -> None:
    """Refuse a test file that cannot tell one kind of line from the other; raises `DataError`."""
    kinds = {row.wants_person for row in rows}
    if len(kinds) == 1:
        words = "every line wants" if kinds.pop() else "no line wants"
        raise DataError(f"{file}: {words} a person: give lines of both kinds")


def evaluate_person_request(
    train: Sequence[Line],
    test: Sequence[Line],
    *,
    language: str = "en",
    replicates: int = REPLICATES,
) -> PersonRequestReport:
    """Train on the training part and the language's examples, score the test part.

    Raises `DataError` when the training part is all of one kind or the test part has no line, `PackError`
    for an unknown language. `replicates`: resamplings behind the intervals.
    """
    if len({row.wants_person for row in train}) < 2:
        raise DataError("the training part needs lines that want a person and lines that do not")
    if not test:
        raise DataError("the test part holds no line to score")
    threshold = Policy().thresholds.wants_person
    wanted = np.array([row.wants_person for row in test], dtype=bool)
    scores = {"ours": _ours(train, test, language)}
    scores |= {name: baseline(train, test) for name, baseline in BASELINES.items()}
    found = {name: _figures(wanted, p, threshold) for name, p in scores.items()}
    groups = [group_of(row) for row in test]
    spread = {name: _spread(wanted, p, threshold, groups, replicates) for name, p in scores.items()}
    return PersonRequestReport(
        **found.pop("ours"),
        threshold=threshold,
        baselines=found,
        intervals=spread.pop("ours"),
        baseline_intervals=spread,
        lines=len(test),
        wanting=int(wanted.sum()),
        groups=len(set(groups)),
    )


def _ours(train: Sequence[Line], test: Sequence[Line], language: str) -> Floats:
    asking = [plain(row.text) for row in train if row.wants_person]
    others = [plain(row.text) for row in train if not row.wants_person]
    with threadpool_limits(limits=1):
        detector = person_detector(asking, others, load_language(language))
    return np.array([detector(plain(row.text)) for row in test])


def _keywords(train: Sequence[Line], test: Sequence[Line]) -> Floats:
    """The word list that teams begin with."""
    return np.array([float(_KEYWORDS.search(row.text) is not None) for row in test])


def _tf_idf(train: Sequence[Line], test: Sequence[Line]) -> Floats:
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=r"(?u)\S+")
    try:
        known = words.fit_transform([row.text for row in train])
    except ValueError:  # not one word
        return np.zeros(len(test))
    model = LogisticRegression(C=10.0, class_weight="balanced", max_iter=1000)
    model.fit(known, [row.wants_person for row in train])
    found: Floats = model.predict_proba(words.transform([row.text for row in test]))[:, 1]
    return found


BASELINES: Mapping[str, Callable[[Sequence[Line], Sequence[Line]], Floats]] = {
    "keywords": _keywords,
    "tfidf_logistic": _tf_idf,
}


def _spread(
    wanted: Bools, scores: Floats, threshold: float, groups: Sequence[str], replicates: int
) -> dict[str, Interval]:
    return intervals(
        groups,
        lambda rows: _figures(wanted[rows], scores[rows], threshold),
        replicates=replicates,
    )


def _figures(wanted: Bools, scores: Floats, threshold: float) -> dict[str, float]:
    said = scores >= threshold
    hits = float((said & wanted).sum())
    return {
        "precision": hits / said.sum() if said.any() else float("nan"),
        "recall": hits / wanted.sum() if wanted.any() else float("nan"),
        "ap": float(average_precision_score(wanted, scores)) if wanted.any() else float("nan"),
    }


def _cell(value: float, spread: Interval | None) -> str:
    return f"{value:.3f}" + (f" ({spread.low:.2f} to {spread.high:.2f})" if spread else "")
