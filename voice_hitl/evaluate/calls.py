"""How well breakdowns of calls are foreseen from their dialogue acts.

A line is a call: `{call_id, turns: [{speaker, acts: [{act, entities}]}], outcome}`; `handed_off` is the
outcome that counts. Scored are strict prefixes of three speaker turns or more that end after a caller's
turn; positive is one whose call ends handed off within the next four turns. Calls are ranked by their highest
prefix.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from handoff.acts import Prefix, fit, fit_breakdown, prefixes
from handoff.calibration import brier, ece
from handoff.risk import PRIOR_BREAKDOWN
from voice_hitl.evaluate.files import DataError
from voice_hitl.evaluate.reports import REPLICATES, Interval, Report, intervals, on_intervals

BUDGETS = ("0.05", "0.10", "0.15")  # shares of calls that are routed
LEAD_BUDGET = "0.10"
SHOWN = {
    "auc": "AUC",
    "ap": "AP",
    "brier": "Brier",
    "ece": "ECE",
    **{f"precision_at {budget}": f"prec. at {float(budget):.0%}" for budget in BUDGETS},
    **{f"recall_at {budget}": f"recall at {float(budget):.0%}" for budget in BUDGETS},
    "median_lead_turns": "lead, turns",
}

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


class Act(BaseModel):
    """What one move of a turn was, and which kinds of thing it named."""

    act: str
    entities: list[str] = Field(default_factory=list)


class Turn(BaseModel):
    """One speaker's turn."""

    speaker: Literal["agent", "caller"]
    acts: list[Act]


class Call(BaseModel):
    """One line of the file."""

    call_id: str
    turns: list[Turn]
    outcome: Literal["handed_off", "completed"]


class CallFigures(BaseModel):
    """The figures of one way to score; positive is a prefix shortly before a breakdown."""

    auc: float
    ap: float
    brier: float
    ece: float  # 10 bins of equal mass
    precision_at: dict[str, float]  # budget -> share of the routed calls that were handed off
    recall_at: dict[str, float]  # budget -> share of the handed-off calls that are routed
    median_lead_turns: float | None  # see `_lead`


class CallsReport(CallFigures, Report):
    """Our figures, the baselines' and their intervals by call."""

    baselines: dict[str, CallFigures]
    intervals: dict[str, Interval]  # by "auc", ..., "precision_at 0.10", ...
    baseline_intervals: dict[str, dict[str, Interval]]
    calls: int
    handed_off: int
    prefixes: int
    positives: int

    def table(self) -> Table:
        """What a person reads: a figure a row, ours and the baselines side by side."""
        title = f"Breakdowns: {self.handed_off} of {self.calls} calls, "
        table = Table(title=f"{title}{self.positives} of {self.prefixes} prefixes")
        columns = [(_flat(self), self.intervals)]
        columns += [(_flat(row), self.baseline_intervals[n]) for n, row in self.baselines.items()]
        for heading in ("", "ours", *self.baselines):
            words = heading.replace("_", "\n")
            table.add_column(words, justify="right" if heading else "left", no_wrap=True)
        for key, words in SHOWN.items():
            table.add_row(words, *(_cell(found[key], spread.get(key)) for found, spread in columns))
        table.caption = f"below a figure: {on_intervals(self.intervals, self.calls, 'call')}"
        return table


def group_of(row: Call) -> Hashable:
    """What must not be split: the call."""
    return row.call_id


def check_test(rows: Sequence[Call], file: Path) -> None:
    """Refuse a test file that cannot tell one kind of call from the other; raises `DataError`."""
    kinds = {row.outcome for row in rows}
    if len(kinds) == 1:
        raise DataError(f"{file}: every call is '{kinds.pop()}': give calls of both outcomes")


class _Calls:
    """Calls and their prefixes side by side."""

    def __init__(self, rows: Sequence[Call]) -> None:
        self.rows = rows
        self.calls: list[dict[str, Any]] = [row.model_dump() for row in rows]
        found = [list(prefixes(call)) for call in self.calls]
        self.prefixes: list[Prefix] = [prefix for each in found for prefix in each]
        self.labels: Floats = np.array([p.label for p in self.prefixes], dtype=np.float64)
        counts: Places = np.array([len(each) for each in found], dtype=np.int64)
        self.ends: Places = np.cumsum(counts)  # of each call's prefixes
        self.starts: Places = self.ends - counts
        self.handed: NDArray[np.bool_] = np.array([row.outcome == "handed_off" for row in rows])
        self.lengths = [len(row.turns) for row in rows]

    def highest(self, scores: Floats) -> Floats:
        """Each call's highest score; minus infinity for a call without prefixes."""
        spans = zip(self.starts, self.ends, strict=True)
        return np.array([scores[a:b].max(initial=-np.inf) for a, b in spans], dtype=np.float64)

    def left(self, call: int, scores: Floats, threshold: float) -> int:
        """Turns from a call's first prefix at or above a threshold that it reaches to its end."""
        start, end = self.starts[call], self.ends[call]
        first = int(start) + int(np.argmax(scores[start:end] >= threshold))
        return self.lengths[call] - self.prefixes[first].turns


def evaluate_calls(
    train: Sequence[Call], test: Sequence[Call], *, replicates: int = REPLICATES
) -> CallsReport:
    """Learn from the training calls, score the prefixes of the others.

    Raises `DataError` when the training part lacks prefixes of either kind or the test part has none at all.
    AUC and AP of a test part of one kind are NaN. `replicates`: resamplings behind the intervals.
    """
    known, asked = _Calls(train), _Calls(test)
    if len(set(known.labels.tolist())) < 2:
        raise DataError(
            "the training part needs prefixes of both kinds: shortly before a handoff, and not"
        )
    if not asked.prefixes:
        raise DataError("the test part holds no call with a prefix to score")
    scores = {"ours": _ours(known, asked)}
    scores |= {name: baseline(known, asked) for name, baseline in BASELINES.items()}
    everyone = np.arange(len(test))
    found = {name: _figures(asked, each, everyone) for name, each in scores.items()}
    groups = [group_of(row) for row in test]
    spread = {
        name: intervals(groups, partial(_resampled, asked, each), replicates=replicates)
        for name, each in scores.items()
    }
    return CallsReport(
        **found.pop("ours").model_dump(),
        baselines=found,
        intervals=spread.pop("ours"),
        baseline_intervals=spread,
        calls=len(test),
        handed_off=int(asked.handed.sum()),
        prefixes=len(asked.prefixes),
        positives=int(asked.labels.sum()),
    )


def routed(highest: Floats, share: float) -> Floats:
    """How far each call is among the `share` with the highest scores, in [0, 1].

    The number of routed calls is rounded, one at least. Calls that tie for the last places share them
    evenly: what breaking ties at random gives on average. A call that cannot be scored (minus infinity) is
    never routed.
    """
    wanted = max(1, round(share * len(highest)))
    threshold = np.sort(highest)[-min(wanted, len(highest))]
    sure, tied = highest > threshold, highest == threshold
    places = (wanted - sure.sum()) / tied.sum()
    found: Floats = np.where(sure, 1.0, np.where(tied, min(1.0, places), 0.0))
    return np.where(np.isneginf(highest), 0.0, found)


def _figures(asked: _Calls, scores: Floats, drawn: Places) -> CallFigures:
    """The figures over some calls, drawn with repeats."""
    rows = np.concatenate([np.arange(asked.starts[call], asked.ends[call]) for call in drawn])
    p, labels = scores[rows], asked.labels[rows]
    both = 0 < labels.sum() < len(labels)
    highest, handed = asked.highest(scores)[drawn], asked.handed[drawn]
    precision, recall = {}, {}
    for budget in BUDGETS:
        taken = routed(highest, float(budget))
        caught = float(taken[handed].sum())
        precision[budget] = caught / taken.sum() if taken.any() else float("nan")
        recall[budget] = caught / handed.sum() if handed.any() else float("nan")
    return CallFigures(
        auc=float(roc_auc_score(labels, p)) if both else float("nan"),
        ap=float(average_precision_score(labels, p)) if both else float("nan"),
        brier=brier(p, labels),
        ece=ece(p, labels),
        precision_at=precision,
        recall_at=recall,
        median_lead_turns=_lead(asked, scores, drawn, highest),
    )


def _lead(asked: _Calls, scores: Floats, drawn: Places, highest: Floats) -> float | None:
    """How early routed calls are caught: a median, in speaker turns of both sides.

    The threshold is the lowest of the calls' highest scores that a budget of 10 % routes. A call's lead is
    the number of turns from its first prefix that scores as much (the last turn of the prefix not counted) to
    the end of the stored call. The median is over calls that were handed off and are routed; None without
    any.
    """
    threshold = highest[routed(highest, float(LEAD_BUDGET)) > 0].min(initial=np.inf)
    caught = drawn[(highest >= threshold) & asked.handed[drawn]]
    leads = [asked.left(call, scores, threshold) for call in caught]
    return float(np.median(leads)) if leads else None


def _resampled(asked: _Calls, scores: Floats, drawn: Places) -> dict[str, float]:
    held = drawn[asked.ends[drawn] > asked.starts[drawn]]
    return _flat(_figures(asked, scores, drawn)) if len(held) else {}


def _flat(row: CallFigures) -> dict[str, float]:
    """The figures by one name each; those that do not exist are NaN."""
    lead = row.median_lead_turns
    found = {"auc": row.auc, "ap": row.ap, "brier": row.brier, "ece": row.ece}
    found |= {f"precision_at {budget}": value for budget, value in row.precision_at.items()}
    found |= {f"recall_at {budget}": value for budget, value in row.recall_at.items()}
    return found | {"median_lead_turns": float("nan") if lead is None else lead}


def _ours(known: _Calls, asked: _Calls) -> Floats:
    """The learned acts, one live reader a call."""
    model = fit(known.calls)
    return np.array([score for call in asked.calls for score in model.scores(call)])


def _turn_index(known: _Calls, asked: _Calls) -> Floats:
    """How long the call has been going on, and nothing else."""
    return _logistic(known, asked, lambda prefix: prefix.turns / 10)


def _trouble_count(known: _Calls, asked: _Calls) -> Floats:
    """How many troubles of any kind there were so far."""
    return _logistic(known, asked, lambda prefix: float(prefix.troubled))


def _simple_rule(known: _Calls, asked: _Calls) -> Floats:
    """Route at the first turn that is not understood, refused or fails; it scores how often that was right.

    The plain rule's thresholds need certainties, which records without words do not have.
    """
    fired = np.array([prefix.failed for prefix in known.prefixes])
    rates = [_rate(known.labels[~fired]), _rate(known.labels[fired])]
    rates[1] = max(rates)  # it hands over when it fires, whatever the training part says
    return np.array([rates[prefix.failed] for prefix in asked.prefixes])


def _troubles(known: _Calls, asked: _Calls) -> Floats:
    """The head *h* over the troubles that a live call shows, without the acts' names or the call's age."""
    head = fit_breakdown(known.calls, PRIOR_BREAKDOWN)
    return np.array([head.probability(prefix.recent) for prefix in asked.prefixes])


BASELINES: Mapping[str, Callable[[_Calls, _Calls], Floats]] = {
    "turn_index": _turn_index,
    "trouble_count": _trouble_count,
    "simple_rule": _simple_rule,
    "trouble_head": _troubles,
}


def _logistic(known: _Calls, asked: _Calls, value: Callable[[Prefix], float]) -> Floats:
    """P by one number, fitted on the training part."""
    before, now = ([[value(p)] for p in part.prefixes] for part in (known, asked))
    found: Floats = LogisticRegression().fit(before, known.labels).predict_proba(now)[:, 1]
    return found


def _rate(labels: Floats) -> float:
    """The share of positives, with one of each kind added, so that none is certain."""
    return float((labels.sum() + 1) / (len(labels) + 2))


def _cell(value: float, spread: Interval | None) -> str:
    if not np.isfinite(value):
        return "-"
    return f"{value:.3f}" + (f"\n{spread.low:.2f}-{spread.high:.2f}" if spread else "")
