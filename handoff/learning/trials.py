"""Champion against challenger: fit on some calls, try on others, believe only what cannot be chance.

The challenger is the champion's head refitted with the champion's weights as the prior, and calibrated on
predictions of calls that it was not fitted on. Both are then judged on calls that neither the fit nor the
calibration has seen (five folds by call).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from handoff.calibration import EPSILON, logit
from handoff.fitting import calibrated, fit_head, fit_map
from handoff.labels import HeadName
from handoff.learning.rows import Row
from handoff.risk import Head, Models

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FOLDS = 5
REPLICATES = 2000
CHUNK = 200  # replicates drawn at a time, to bound memory
BINS = 10  # of equal mass, for the calibration error
MIN_LABELS = 100
MIN_EACH = 20  # labels that say yes, and that say no
MIN_CALLS = 10  # calls that each of them comes from: two a fold


@dataclass(frozen=True, slots=True)
class Shortage:
    """What there is too little of."""

    what: str
    have: int
    need: int


@dataclass(frozen=True, slots=True)
class Figures:
    """How well a head predicts the labels; rows count by their weight."""

    log_loss: float  # mean, nats
    brier: float  # 0..1
    ece: float  # 0..1, over bins of equal mass


@dataclass(frozen=True, slots=True)
class Trial:
    """A challenger beside the champion, on calls that it was not fitted on."""

    rows: int
    calls: int
    positive: int  # rows that say yes
    champion: Figures
    challenger: Figures
    difference: float  # log loss, challenger minus champion: below 0 is better
    low: float  # its 95 % interval, resampling calls
    high: float
    head: Head  # the challenger, fitted on all rows

    @property
    def wins(self) -> bool:
        """Whether it may be proposed: surely a lower log loss, and calibration no worse."""
        return self.high < 0 and self.challenger.ece <= self.champion.ece


def shortages(rows: Sequence[Row]) -> tuple[Shortage, ...]:
    """What is missing before these rows of one head can be learned from; empty when nothing is."""
    found = [Shortage("labels", len(rows), MIN_LABELS)]
    for value, word in ((True, "yes"), (False, "no")):
        said = [row for row in rows if row.value is value]
        found.append(Shortage(f"labels that say {word}", len(said), MIN_EACH))
        calls = len({row.call_id for row in said})
        found.append(Shortage(f"calls with labels that say {word}", calls, MIN_CALLS))
    return tuple(short for short in found if short.have < short.need)


def challenge(
    rows: Sequence[Row], champion: Head, *, seed: int = 0
) -> Trial | tuple[Shortage, ...]:
    """Try a challenger on rows of one head; or say what is missing. `seed` is the bootstrap's."""
    missing = shortages(rows)
    if missing:
        return missing
    data = _Data.of(rows)
    ours = np.array([champion.probability(row.troubles) for row in rows])
    theirs = _held_out(data, lambda part: _fit(part, champion))
    before, after = _losses(ours, data.y), _losses(theirs, data.y)
    low, high = _interval(data, after - before, seed)
    return Trial(
        rows=len(rows),
        calls=len(set(data.groups)),
        positive=int(data.y.sum()),
        champion=_figures(ours, data),
        challenger=_figures(theirs, data),
        difference=float(np.average(after - before, weights=data.weights)),
        low=low,
        high=high,
        head=_fit(data, champion),
    )


def challenger_models(
    champion: Models, trials: Mapping[HeadName, Trial | tuple[Shortage, ...]], source: str
) -> Models:
    """The champion's models with every head that won in place of its own."""
    heads = {
        name: trial.head
        for name, trial in trials.items()
        if isinstance(trial, Trial) and trial.wins
    }
    return replace(champion, source=source, **heads) if heads else champion


# --- fitting ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Data:
    """Rows of one head as arrays; weights add up to what the rows are worth."""

    groups: tuple[str, ...]
    x: Floats
    y: Floats
    weights: Floats

    @classmethod
    def of(cls, rows: Sequence[Row]) -> _Data:
        """Weights are scaled to Kish's effective number (Kish 1965): a few rows with large weights must
        not overrule the prior as if they were many."""
        raw = np.array([row.weight for row in rows])
        return cls(
            tuple(row.call_id for row in rows),
            np.array([row.troubles for row in rows]),
            np.array([float(row.value) for row in rows]),
            raw * (raw.sum() / (raw**2).sum()),
        )

    def part(self, keep: Ints) -> _Data:
        """Some of the rows."""
        groups = tuple(self.groups[at] for at in keep)
        return _Data(groups, self.x[keep], self.y[keep], self.weights[keep])

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


def _place(kinds: set[bool]) -> int:
    return 1 if len(kinds) == 2 else 0 if True in kinds else 2


def _digest(call_id: str) -> bytes:
    return hashlib.sha256(call_id.encode()).digest()


def _fit(data: _Data, prior: Head) -> Head:
    """Refit, then calibrate on predictions of calls that were left out."""
    unseen = _held_out(data, lambda part: _refit(part, prior))
    found = fit_map([logit(p) for p in unseen], data.y, weights=data.weights)
    return calibrated(_refit(data, prior), found)


def _refit(data: _Data, prior: Head) -> Head:
    return fit_head(data.x, data.y, prior=prior, weights=data.weights)


def _held_out(data: _Data, fit: Callable[[_Data], Head]) -> Floats:
    """Each row's probability from a head that has not seen its call."""
    found = np.empty(len(data.y))
    for out in data.folds():
        head = fit(data.part(np.setdiff1d(np.arange(len(data.y)), out)))
        found[out] = [head.probability(troubles) for troubles in data.x[out].tolist()]
    return found


# --- judging ----------------------------------------------------------------------------------


def _losses(p: Floats, y: Floats) -> Floats:
    sure = np.clip(p, EPSILON, 1 - EPSILON)
    losses: Floats = -(y * np.log(sure) + (1 - y) * np.log1p(-sure))
    return losses


def _figures(p: Floats, data: _Data) -> Figures:
    return Figures(
        float(np.average(_losses(p, data.y), weights=data.weights)),
        float(np.average((p - data.y) ** 2, weights=data.weights)),
        _ece(p, data),
    )


def _ece(p: Floats, data: _Data) -> float:
    """As `calibration.ece`, with bins of equal weight."""
    order = np.argsort(p, kind="stable")
    w = data.weights[order]
    middle = (np.cumsum(w) - w / 2) / w.sum()
    bins = np.minimum((middle * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, weights=w * (p - data.y)[order], minlength=BINS)
    return float(np.abs(gaps).sum() / w.sum())


def _interval(data: _Data, differences: Floats, seed: int) -> tuple[float, float]:
    """The 95 % percentile interval of the mean difference, calls drawn with replacement."""
    numbers = {call: number for number, call in enumerate(sorted(set(data.groups)))}
    calls = np.array([numbers[group] for group in data.groups])
    total = np.bincount(calls, weights=data.weights * differences)
    weight = np.bincount(calls, weights=data.weights)
    chance = np.random.default_rng(seed)
    even = np.full(len(numbers), 1 / len(numbers))
    means: list[Floats] = []
    for _ in range(REPLICATES // CHUNK):
        drawn = chance.multinomial(len(numbers), even, size=CHUNK)
        means.append((drawn @ total) / (drawn @ weight))
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return float(low), float(high)
