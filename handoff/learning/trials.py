"""Champion against challenger: fit on some calls, try on others, believe only what cannot be chance.

The challenger is the champion's head refitted with the champion's weights as the prior, and calibrated on
predictions of calls that it was not fitted on. Both are then judged on calls that neither the fit nor the
calibration has seen (five folds by call). What is judged is what a head makes of a labelled turn by itself:
live decisions are made with the running estimate over it, which also needs the turns that nobody labelled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handoff.calibration import logit
from handoff.fitting import calibrated, fit_head, fit_map
from handoff.labels import HeadName
from handoff.learning.judging import Contest, Floats, Ints, Rows, Shortage
from handoff.learning.rows import Row
from handoff.risk import Head, Models

MIN_LABELS = 100
MIN_EACH = 20  # labels that say yes, and that say no
MIN_CALLS = 10  # calls that each of them comes from: two a fold


@dataclass(frozen=True, slots=True)
class Trial(Contest):
    """A challenging head beside the champion's."""

    head: Head  # the challenger, fitted on all rows


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
    found = data.compare(ours, theirs, seed)
    return Trial(**found.values(), head=_fit(data, champion))


def challenger_models(
    champion: Models, trials: Mapping[HeadName, Trial | tuple[Shortage, ...]], source: str
) -> Models:
    """The champion's models with every head that won in place of its own."""
    heads: dict[str, Any] = {
        name: trial.head
        for name, trial in trials.items()
        if isinstance(trial, Trial) and trial.wins
    }
    return replace(champion, source=source, **heads) if heads else champion


# --- fitting ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Data(Rows):
    """Rows of one head as arrays; weights add up to what the rows are worth."""

    x: Floats

    @classmethod
    def of(cls, rows: Sequence[Row]) -> _Data:
        """Weights are scaled to Kish's effective number (Kish 1965): a few rows with large weights must
        not overrule the prior as if they were many."""
        raw = np.array([row.weight for row in rows])
        return cls(
            tuple(row.call_id for row in rows),
            np.array([float(row.value) for row in rows]),
            raw * (raw.sum() / (raw**2).sum()),
            np.array([row.troubles for row in rows]),
        )

    def part(self, keep: Ints) -> _Data:
        """Some of the rows."""
        groups = tuple(self.groups[at] for at in keep)
        return _Data(groups, self.y[keep], self.weights[keep], self.x[keep])


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
