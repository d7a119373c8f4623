"""What every evaluation reports: figures, with intervals by bootstrap over groups (calls, utterances)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

REPLICATES = 200


class Interval(NamedTuple):
    """A figure's 95 % interval."""

    low: float
    high: float


class Report(BaseModel):
    """Base of every evaluation's JSON report."""

    model_config = ConfigDict(frozen=True)


def intervals(
    groups: Sequence[Hashable],
    measure: Callable[[NDArray[np.int64]], dict[str, float]],
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Interval]:
    """Percentile intervals of several figures, resampling whole groups (Efron & Tibshirani 1993).

    `groups` (n,) names the group of each row; `measure` gets row numbers, with repeats, and returns the
    figures by name. Figures that are not finite in a replicate (one class only) are left out of it.
    """
    rows: dict[Hashable, list[int]] = {}
    for row, group in enumerate(groups):
        rows.setdefault(group, []).append(row)
    members = [np.array(found, dtype=np.int64) for found in rows.values()]
    chance = np.random.default_rng(seed)
    found: dict[str, list[float]] = {}
    for _ in range(replicates):
        drawn = chance.integers(0, len(members), len(members))
        for name, value in measure(np.concatenate([members[at] for at in drawn])).items():
            if np.isfinite(value):
                found.setdefault(name, []).append(value)
    return {
        name: Interval(*(float(v) for v in np.quantile(values, [0.025, 0.975])))
        for name, values in found.items()
    }
