"""Learning the acts of a deployment from its recorded calls.

The logistic half also learns what becomes of a call later: broken down or not, soon or later, four competing
ends of which one is asked for; far more prefixes than the few just before a breakdown teach it so. The other
half is a random forest (Breiman 2001). Out-of-fold predictions, whole calls held out, calibrate their average
(Platt 1999). The settings below were chosen by five-fold cross-validation (docs/evaluation/calls.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from handoff.acts.forest import flatten
from handoff.acts.history import AGE, Fact, History, tokens
from handoff.acts.model import ActsModel, Call, Floats, Linear, average, pushed
from handoff.acts.troubles import SHORTEST
from handoff.calibration import Platt
from handoff.labels import HORIZON
from handoff.signed import fit_platt

KNOWN_CALLS = 4  # calls that must hold a token before it stands for itself
KNOWN_PREFIXES = 15  # and prefixes that must show a fact before it counts
KNOTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # quantiles of the prefixes' lengths
PENALTY = 0.03  # scikit-learn's C (inverse L2 strength), on facts scaled to [0, 1]
STEPS = 500
TREES, LEAF, TRIED = (
    150,
    25,
    0.1,
)  # trees, least prefixes in a leaf, share of the facts tried a split
FOLDS = 5
SOON = 3  # broken down soon; 2: broken down later, 1: completed soon, 0: completed later

Marks = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """All prefixes of all calls, call by call."""

    x: Floats  # (prefixes, facts), in [0, 1]: in units of each fact's largest value
    ends: Marks  # (prefixes,)
    calls: Marks  # (prefixes,) the place of each one's call
    pushes: Floats  # (prefixes,) log odds of what acts do not show

    def take(self, rows: NDArray[np.bool_]) -> _Table:
        """Some of the prefixes."""
        return _Table(self.x[rows], self.ends[rows], self.calls[rows], self.pushes[rows])

    @property
    def soon(self) -> NDArray[np.bool_]:
        """The labels."""
        found: NDArray[np.bool_] = self.ends == SOON
        return found


def fit(calls: Sequence[Call]) -> ActsModel:
    """Learn from recorded calls; deterministic, whatever their order.

    A caller's turn may have a `push`, log odds of what acts do not show (0 or more): what is calibrated is
    then P with it. In the first turns, where acts say nothing, it adds to the base rate.
    Raises `ValueError` when no prefix, or every prefix, is `HORIZON` turns or less before a breakdown.
    """
    calls = sorted(calls, key=lambda call: (str(call["call_id"]), len(call["turns"])))
    ends = [list(_ends(call)) for call in calls]
    marks = np.array([end for found in ends for _, end in found], dtype=np.int64)
    if len({end == SOON for end in marks}) < 2:
        raise ValueError("prefixes of both kinds are needed: shortly before a breakdown, and not")
    ages = [done for found in ends for done, _ in found]
    pushes = [
        float(call["turns"][done - 1].get("push", 0.0))
        for call, found in zip(calls, ends, strict=True)
        for done, _ in found
    ]
    knots = tuple(float(knot) for knot in np.unique(np.quantile(ages, KNOTS)))
    known = _known(calls)
    columns, x = _matrix([facts for call in calls for facts in _facts(call, known, knots)])
    ceiling = x.max(axis=0)
    owners = np.repeat(np.arange(len(calls)), [len(found) for found in ends])
    table = _Table(x / ceiling, marks, owners, np.array(pushes))
    regression, forest = _regression(table), _forest(table)
    weights, offsets = regression.coef_, regression.intercept_
    if len(regression.classes_) == 2:  # scikit-learn then keeps the second row alone
        weights, offsets = np.vstack([0.0 * weights, weights]), np.append(0.0, offsets)
    return ActsModel(
        known=known,
        knots=knots,
        columns=columns,
        typical=table.x.mean(axis=0),
        ceiling=ceiling,
        linear=Linear(weights, offsets),
        forest=flatten(forest),
        calibration=_calibration(table),
        base_rate=float(table.soon.mean()),
    )


def _ends(call: Call) -> Iterator[tuple[int, int]]:
    """The length of each prefix that counts (as `troubles.prefixes`), and what becomes of it."""
    length = len(call["turns"])
    broke = call["outcome"] == "handed_off"
    for done, turn in enumerate(call["turns"], start=1):
        if turn["speaker"] != "agent" and SHORTEST <= done < length:
            yield done, 2 * broke + (length - done <= HORIZON)


def _facts(
    call: Call, known: frozenset[str], knots: Sequence[float]
) -> Iterator[dict[Fact, float]]:
    """The facts of each prefix that counts."""
    history = History(known)
    wanted = {done for done, _ in _ends(call)}
    for done, turn in enumerate(call["turns"], start=1):
        history.add(turn["speaker"], turn["acts"])
        if done in wanted:
            yield dict(history.facts(knots))


def _known(calls: Sequence[Call]) -> frozenset[str]:
    counts: Counter[str] = Counter()
    for call in calls:
        held: set[str] = set()
        for turn in call["turns"]:
            for found in tokens(turn["speaker"], turn["acts"]):
                held.update(found)
        counts.update(held)
    return frozenset(token for token, count in counts.items() if count >= KNOWN_CALLS)


def _matrix(rows: Sequence[dict[Fact, float]]) -> tuple[dict[Fact, int], Floats]:
    """The facts that are seen often enough, sorted, and their values (prefixes, facts)."""
    counts = Counter(fact for facts in rows for fact, value in facts.items() if value)
    kept = sorted(f for f, count in counts.items() if count >= KNOWN_PREFIXES or f == AGE)
    columns = {fact: place for place, fact in enumerate(kept)}
    x = np.zeros((len(rows), len(columns)))
    for row, facts in enumerate(rows):
        for fact, value in facts.items():
            if fact in columns:
                x[row, columns[fact]] = value
    return columns, x


def _regression(table: _Table) -> LogisticRegression:
    model = LogisticRegression(C=PENALTY, max_iter=STEPS)
    return model.fit(csr_matrix(table.x), table.ends)


def _forest(table: _Table) -> RandomForestClassifier:
    model = RandomForestClassifier(
        n_estimators=TREES, min_samples_leaf=LEAF, max_features=TRIED, random_state=0
    )
    return model.fit(table.x.astype(np.float32), table.soon)


def _calibration(table: _Table) -> Platt:
    """Platt's map from predictions for calls that were held out; no map where there are too few calls."""
    folds = _folds(table)
    if folds is None:
        return Platt()
    scores = np.zeros(len(table.ends))
    for fold in range(FOLDS):
        rest, out = table.take(folds != fold), table.take(folds == fold)
        soon = _regression(rest).predict_proba(out.x)[:, -1]
        share = _forest(rest).predict_proba(out.x.astype(np.float32))[:, 1]
        found = zip(soon.tolist(), share.tolist(), out.pushes.tolist(), strict=True)
        scores[folds == fold] = [pushed(average(one, other), push) for one, other, push in found]
    return fit_platt(scores, table.soon.astype(float))


def _folds(table: _Table) -> Marks | None:
    """A fold for each prefix, whole calls together, calls that break down soon spread evenly."""
    broken = np.unique(table.calls[table.soon])
    whole = np.setdiff1d(np.unique(table.calls), broken)
    if min(len(broken), len(whole)) < FOLDS:
        return None
    fold = np.zeros(int(table.calls.max()) + 1, dtype=np.int64)
    for kind in (broken, whole):
        fold[kind] = np.arange(len(kind)) % FOLDS
    found: Marks = fold[table.calls]
    return found
