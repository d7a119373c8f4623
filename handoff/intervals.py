"""A figure with its interval, or the plain statement that there is too little to say."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z95 = 1.959964  # two-sided 95 % of the normal distribution
NOT_ENOUGH = "not enough data"


@dataclass(frozen=True, slots=True)
class Figure:
    """What `n` observations say: a value and its 95 % interval, or None three times and `note`."""

    n: int
    value: float | None
    low: float | None
    high: float | None
    note: str = ""

    def __str__(self) -> str:
        if self.value is None or self.low is None or self.high is None:
            return f"{self.note} (n={self.n})"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] (n={self.n})"


def too_little(n: int) -> Figure:
    """The figure that is none yet."""
    return Figure(n, None, None, None, NOT_ENOUGH)


def wilson(hits: float, n: float) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927), within [0, 1]; (0, 1) where n is 0.

    `n` may be an effective sample size. Raises `ValueError` unless 0 <= hits <= n.
    """
    if not 0 <= hits <= n:
        raise ValueError("hits must lie between 0 and n")
    if n == 0:
        return 0.0, 1.0
    share, z2 = hits / n, Z95 * Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # Rounding must not push the share itself out of its interval.
    return min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))


def share_figure(hits: int, n: int, minimum: int = 1) -> Figure:
    """A share of `n` with its Wilson interval; none below `minimum`."""
    if n < max(1, minimum):
        return too_little(n)
    return Figure(n, hits / n, *wilson(hits, n))


def mean_figure(n: int, total: float, squares: float, minimum: int = 2) -> Figure:
    """A mean with its normal interval, from count, sum and sum of squares; none below `minimum` (>= 2)."""
    if n < max(2, minimum):
        return too_little(n)
    mean = total / n
    variance = max(0.0, (squares - n * mean * mean) / (n - 1))
    half = Z95 * math.sqrt(variance / n)
    return Figure(n, mean, mean - half, mean + half)
