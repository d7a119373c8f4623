"""How far two reviewers agree beyond chance: Cohen's kappa and Gwet's AC1, with 95 % intervals.

Kappa (Cohen 1960; its variance: Fleiss, Cohen & Everitt 1969) falls apart where one answer is rare, which is
the usual case here; AC1 (Gwet 2008, variance from there) does not. Both are said; none below 100 pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handoff.intervals import Z95, Figure, share_figure, too_little, wilson

ENOUGH_PAIRS = 100
ONE_ANSWER = "only one answer was ever given: chance cannot be told from agreement"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What `n` pairs of answers say."""

    n: int
    share: Figure  # that agree
    kappa: Figure
    ac1: Figure


def agreement(
    pairs: Iterable[tuple[str, str]], categories: Iterable[str] = (), minimum: int = ENOUGH_PAIRS
) -> Agreement:
    """Agreement of pairs of answers (first reviewer, second), each pair on one item.

    `categories`: every answer that could be given; those seen are added. Figures are none below `minimum`
    pairs, and kappa and AC1 also where fewer than two categories are known.
    """
    counted = Counter(pairs)
    n = sum(counted.values())
    if n < max(1, minimum):
        return Agreement(n, too_little(n), too_little(n), too_little(n))
    names = sorted({*categories, *(answer for pair in counted for answer in pair)})
    same = sum(count for (first, second), count in counted.items() if first == second)
    share = share_figure(same, n)
    if len(names) < 2:
        none = Figure(n, None, None, None, ONE_ANSWER)
        return Agreement(n, share, none, none)
    place = {name: index for index, name in enumerate(names)}
    table = np.zeros((len(names), len(names)))
    for (first, second), count in counted.items():
        table[place[first], place[second]] = count / n
    return Agreement(n, share, _kappa(table, n), _ac1(table, n))


def _kappa(table: NDArray[np.float64], n: int) -> Figure:
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    seen, chance = float(np.trace(table)), float(rows @ columns)
    if chance >= 1 - 1e-12:
        return Figure(n, None, None, None, ONE_ANSWER)
    value = (seen - chance) / (1 - chance)
    # weights[i, j]: share of answers that second reviewers gave as i plus that first ones gave as j
    weights = columns[:, None] + rows[None, :]
    on = float((np.diag(table) * (1 - np.diag(weights) * (1 - value)) ** 2).sum())
    off = float(((table - np.diag(np.diag(table))) * weights**2).sum()) * (1 - value) ** 2
    rest = (value - chance * (1 - value)) ** 2
    variance = max(0.0, (on + off - rest) / (n * (1 - chance) ** 2))
    return _with_interval(value, variance, seen, chance, n)


def _ac1(table: NDArray[np.float64], n: int) -> Figure:
    count = len(table)
    either = (table.sum(axis=1) + table.sum(axis=0)) / 2
    seen = float(np.trace(table))
    chance = float((either * (1 - either)).sum()) / (count - 1)
    value = (seen - chance) / (1 - chance)
    diagonal = float((np.diag(table) * (1 - either)).sum()) / (count - 1)
    pairs = (1 - (either[:, None] + either[None, :]) / 2) ** 2
    spread = float((table * pairs).sum()) / (count - 1) ** 2
    variance = (
        seen * (1 - seen)
        - 4 * (1 - value) * (diagonal - seen * chance)
        + 4 * (1 - value) ** 2 * (spread - chance**2)
    ) / (n * (1 - chance) ** 2)
    return _with_interval(value, max(0.0, variance), seen, chance, n)


def _with_interval(value: float, variance: float, seen: float, chance: float, n: int) -> Figure:
    """A normal interval; where all agreed or none did, whose variance is 0, Wilson's of the share instead."""
    half = Z95 * variance**0.5
    low, high = value - half, value + half
    if seen in (0.0, 1.0) or seen > 1 - 1e-12:
        share_low, share_high = wilson(round(seen * n), n)
        low, high = (share_low - chance) / (1 - chance), (share_high - chance) / (1 - chance)
    return Figure(n, value, max(-1.0, min(low, value)), min(1.0, max(high, value)))
