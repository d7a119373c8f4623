"""What every evaluation reports: figures, with intervals by bootstrap over groups (calls, utterances)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

REPLICATES = 200
MIN_GROUPS = 10  # with fewer, the same few are drawn again and again: intervals come out too narrow
SAME = 1e-9  # figures that lie closer differ by rounding


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
    No interval is given of fewer than `MIN_GROUPS` groups, nor of a figure that is not finite in most
    replicates or the same in all: its spread is not known then, and not zero.
    """
    rows: dict[Hashable, list[int]] = {}
    for row, group in enumerate(groups):
        rows.setdefault(group, []).append(row)
    members = [np.array(found, dtype=np.int64) for found in rows.values()]
    if len(members) < MIN_GROUPS:
        return {}
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
        if 2 * len(values) > replicates and max(values) - min(values) > SAME
    }


def on_intervals(found: Mapping[str, Interval], groups: int, by: str) -> str:
    """What a table says of its intervals; `by` names a group in the singular."""
    if groups < MIN_GROUPS:
        return f"no intervals: fewer than {MIN_GROUPS} of what is resampled ({by})"
    if not found:
        return f"no intervals: resampling (by {by}) changes no figure"
    return f"95 % intervals by {by}, where resampling tells"
