"""Champion beside challenger on rows that neither was fitted on: figures, and what cannot be chance."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handoff.calibration import EPSILON, ece

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FOLDS = 5
REPLICATES = 2000
CHUNK = 200  # replicates drawn at a time, to bound memory
BINS = 10  # of equal mass, for the calibration error


@dataclass(frozen=True, slots=True)
class Shortage:
    """What there is too little of."""

    what: str
    have: int
    need: int


@dataclass(frozen=True, slots=True)
class Scores:
    """How well the labels are predicted; rows count by their weight."""

    log_loss: float  # mean, nats
    brier: float  # 0..1
    ece: float  # 0..1, over bins of equal mass


@dataclass(frozen=True, slots=True)
class Contest:
    """A challenger beside the champion, on calls that it was not fitted on."""

    rows: int
    calls: int
    positive: int  # rows that say yes
    champion: Scores
    challenger: Scores
    difference: float  # log loss, challenger minus champion: below 0 is better
    low: float  # its 95 % interval, resampling calls
    high: float

    @property
    def wins(self) -> bool:
        """Whether it may be proposed: surely a lower log loss, and calibration no worse."""
        return self.high < 0 and self.challenger.ece <= self.champion.ece

    def values(self) -> dict[str, Any]:
        """The fields of the comparison itself."""
        return {field.name: getattr(self, field.name) for field in fields(Contest)}

    def evidence(self) -> dict[str, Any]:
        """The figures as JSON values."""
        found = self.values()
        for name in ("champion", "challenger"):
            figures = found[name]
            found[name] = {field.name: getattr(figures, field.name) for field in fields(Scores)}
        return found


@dataclass(frozen=True, slots=True)
class Rows:
    """What is judged on: rows of calls, what was so, and how much each row counts."""

    groups: tuple[str, ...]  # the rows' calls
    y: Floats  # 0 or 1
    weights: Floats

    def compare(self, ours: Floats, theirs: Floats, seed: int) -> Contest:
        """The champion's probabilities beside the challenger's; `seed` is the bootstrap's."""
        change = losses(theirs, self.y) - losses(ours, self.y)
        low, high = self._interval(change, seed)
        return Contest(
            rows=len(self.y),
            calls=len(set(self.groups)),
            positive=int(self.y.sum()),
            champion=self.figures(ours),
            challenger=self.figures(theirs),
            difference=float(np.average(change, weights=self.weights)),
            low=low,
            high=high,
        )

    def figures(self, p: Floats) -> Scores:
        """How well probabilities predict what was so."""
        return Scores(
            float(np.average(losses(p, self.y), weights=self.weights)),
            float(np.average((p - self.y) ** 2, weights=self.weights)),
            ece(p, self.y, BINS, self.weights),
        )

    def folds(self) -> list[Ints]:
        """Row numbers by fold: whole calls, each fold with both kinds of label."""
        kinds: dict[str, set[bool]] = {}
        for group, value in zip(self.groups, self.y, strict=True):
            kinds.setdefault(group, set()).add(bool(value))
        # Only yes, both, only no: dealt in this order, those with a yes are neighbours, and those with a no.
        order = sorted(kinds, key=lambda call: (_place(kinds[call]), _digest(call)))
        fold = {call: number % FOLDS for number, call in enumerate(order)}
        of_row = np.array([fold[group] for group in self.groups])
        return [np.flatnonzero(of_row == number) for number in range(FOLDS)]

    def _interval(self, differences: Floats, seed: int) -> tuple[float, float]:
        """The 95 % percentile interval of the mean difference, calls drawn with replacement."""
        numbers = {call: number for number, call in enumerate(sorted(set(self.groups)))}
        calls = np.array([numbers[group] for group in self.groups])
        total = np.bincount(calls, weights=self.weights * differences)
        weight = np.bincount(calls, weights=self.weights)
        chance = np.random.default_rng(seed)
        even = np.full(len(numbers), 1 / len(numbers))
        means: list[Floats] = []
        for _ in range(REPLICATES // CHUNK):
            drawn = chance.multinomial(len(numbers), even, size=CHUNK)
            means.append((drawn @ total) / (drawn @ weight))
        low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
        return float(low), float(high)


def losses(p: Sequence[float] | Floats, y: Floats) -> Floats:
    """The log loss of each row, in nats."""
    sure = np.clip(p, EPSILON, 1 - EPSILON)
    found: Floats = -(y * np.log(sure) + (1 - y) * np.log1p(-sure))
    return found


def _place(kinds: set[bool]) -> int:
    return 1 if len(kinds) == 2 else 0 if True in kinds else 2


def _digest(call_id: str) -> bytes:
    return hashlib.sha256(call_id.encode()).digest()
