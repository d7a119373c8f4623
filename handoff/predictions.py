"""How well the last predictions of a head fit what came of them: calibration error and Brier score, live."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from handoff.calibration import ece, equal_mass
from handoff.intervals import Figure, mean_figure, too_little

OUTCOMES = 2000  # a head; the newest
BINS = 10  # of equal mass
RESAMPLES = 1000


class Predictions:
    """The last `OUTCOMES` probabilities of a head, each with what came of it."""

    __slots__ = ("_came", "_count", "_said")

    def __init__(self) -> None:
        self._said = np.zeros(OUTCOMES)
        self._came = np.zeros(OUTCOMES)
        self._count = 0  # ever added

    def __len__(self) -> int:
        return min(self._count, OUTCOMES)

    def add(self, probability: float, outcome: bool) -> None:
        """Count one; `probability` in [0, 1]. The oldest is forgotten once there are `OUTCOMES`."""
        place = self._count % OUTCOMES
        self._said[place], self._came[place] = probability, outcome
        self._count += 1

    def ece(self, minimum: int) -> Figure:
        """The calibration error in ten bins of equal mass; none below `minimum`.

        The interval is of a parametric bootstrap (Efron & Tibshirani 1993, 6.5): a bin's mean error is drawn
        from the normal distribution with its mean and standard error, instead of drawing every prediction
        anew. Seeded, so that the same predictions have the same interval.
        """
        n = len(self)
        if n < max(BINS, minimum):
            return too_little(n)
        p, y = self._columns()
        place, gaps = equal_mass(p, BINS), p - y
        sizes = np.bincount(place)
        means = np.bincount(place, weights=gaps) / sizes
        errors = np.sqrt(np.bincount(place, weights=(gaps - means[place]) ** 2)) / sizes
        drawn = np.random.default_rng(0).standard_normal((RESAMPLES, BINS))
        again = np.abs(means + errors * drawn) @ sizes / n
        low, high = (float(edge) for edge in np.quantile(again, [0.025, 0.975]))
        value = ece(p, y, BINS)
        # Resampling adds noise, which ECE takes for error: the interval leans upwards, but holds its value.
        return Figure(n, value, min(low, value), max(high, value))

    def brier(self, minimum: int) -> Figure:
        """The mean squared error (Brier 1950); none below `minimum`."""
        p, y = self._columns()
        losses = (p - y) ** 2
        return mean_figure(len(self), float(losses.sum()), float(losses @ losses), minimum)

    def _columns(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What was said and what came, oldest first."""
        if self._count <= OUTCOMES:
            return self._said[: self._count], self._came[: self._count]
        begin = self._count % OUTCOMES
        return np.roll(self._said, -begin), np.roll(self._came, -begin)
