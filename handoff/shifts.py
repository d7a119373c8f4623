"""Accuracy over minutes on shift, pooled over people; never one person's session, which is too small to read.

Answers whose truth is known (exercises, audited reviews) are counted by the minutes that their giver had
worked since shift or break began. The trend is found within each person (Mantel 1963), its test and its size
alike, so that less accurate people who work longer do not look like fatigue.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from handoff.intervals import NOT_ENOUGH, Figure, share_figure, too_little
from handoff.policy import Policy


@dataclass(frozen=True, slots=True)
class ShiftAnswer:
    """One answer whose truth is known."""

    operator_id: str
    minutes: float  # since their shift or last break began; 0 or more
    right: bool


@dataclass(frozen=True, slots=True)
class ShiftBin:
    """The accuracy of everyone's answers between two times; none where too few people or answers."""

    start: float  # minutes
    end: float  # minutes; infinite for the last
    people: int
    accuracy: Figure


@dataclass(frozen=True, slots=True)
class ShiftCurve:
    """`z` below 0 and `drop` above: accuracy falls with minutes; `p` is two-sided. All None where `note` says
    why."""

    bins: tuple[ShiftBin, ...]
    z: float | None
    p: float | None
    drop: float | None  # how far the trend falls from the first bin that can be told to the last
    note: str


class ShiftAnswers:
    """The newest answers, counted by person and bin, so that a curve does not go through them all."""

    __slots__ = ("_care", "_counts", "_last", "_most", "_newest")

    def __init__(self, policy: Policy, most: int) -> None:
        """Keeps `most` answers; the oldest is forgotten first."""
        self._care = policy.care
        self._last = math.ceil(self._care.work_minutes / self._care.curve_minutes)  # bin
        self._most = most
        self._newest: deque[tuple[str, int, bool]] = deque()
        self._counts: dict[str, dict[int, _Count]] = {}

    def add(self, answer: ShiftAnswer) -> None:
        """Count one; raises `ValueError` on minutes that are negative or not finite."""
        if not (math.isfinite(answer.minutes) and answer.minutes >= 0):
            raise ValueError("minutes on shift must be finite and not negative")
        place = min(int(answer.minutes / self._care.curve_minutes), self._last)
        self._newest.append((answer.operator_id, place, answer.right))
        count = self._counts.setdefault(answer.operator_id, {}).setdefault(place, _Count())
        count.n += 1
        count.right += answer.right
        if len(self._newest) > self._most:
            self._forget(*self._newest.popleft())

    def curve(self) -> ShiftCurve:
        """What the answers show; see `shift_curve`."""
        care = self._care
        bins = []
        for place in range(self._last + 1):
            here = [counts[place] for counts in self._counts.values() if place in counts]
            n, right = sum(count.n for count in here), sum(count.right for count in here)
            enough = n >= care.curve_minimum and len(here) >= care.curve_people
            end = math.inf if place == self._last else (place + 1) * care.curve_minutes
            figure = share_figure(right, n) if enough else too_little(n)
            bins.append(ShiftBin(place * care.curve_minutes, end, len(here), figure))
        told = [place for place, part in enumerate(bins) if part.accuracy.value is not None]
        if len(told) < 2 or len(self._counts) < care.curve_people:
            return ShiftCurve(tuple(bins), None, None, None, NOT_ENOUGH)
        trend = _trend(self._counts.values())
        if trend is None:
            note = "nobody's answers differ: no trend to test"
            return ShiftCurve(tuple(bins), None, None, None, note)
        z, slope = trend
        p = math.erfc(abs(z) / math.sqrt(2))
        drop = max(-1.0, min(1.0, -slope * (told[-1] - told[0])))
        return ShiftCurve(tuple(bins), z, p, drop, "")

    def _forget(self, operator_id: str, place: int, right: bool) -> None:
        counts = self._counts[operator_id]
        counts[place].n -= 1
        counts[place].right -= right
        if not counts[place].n:
            del counts[place]
        if not counts:
            del self._counts[operator_id]


def shift_curve(answers: Iterable[ShiftAnswer], policy: Policy) -> ShiftCurve:
    """The curve in bins of `care.curve_minutes` up to `care.work_minutes`; what is later goes into the last.

    A bin is told from `care.curve_minimum` answers of `care.curve_people` people, the trend from that many
    over all. Raises `ValueError` on minutes that are negative or not finite.
    """
    given = list(answers)
    counted = ShiftAnswers(policy, len(given))
    for answer in given:
        counted.add(answer)
    return counted.curve()


@dataclass(slots=True)
class _Count:
    """One person's answers in one bin."""

    n: int = 0
    right: int = 0


def _trend(people: Iterable[dict[int, _Count]]) -> tuple[float, float] | None:
    """Mantel's stratified trend: within each person, covariance of bin and right under exchangeability.

    Returns z, and the slope that all share (least squares with a level for each person): accuracy a bin.
    """
    together, variance, width = 0.0, 0.0, 0.0
    for counts in people:
        n = sum(count.n for count in counts.values())
        mean_bin = sum(place * count.n for place, count in counts.items()) / n
        rate = sum(count.right for count in counts.values()) / n
        spread = sum(count.n * (place - mean_bin) ** 2 for place, count in counts.items())
        together += sum((place - mean_bin) * count.right for place, count in counts.items())
        width += spread
        if n > 1:
            variance += spread * n * rate * (1 - rate) / (n - 1)
    return (together / math.sqrt(variance), together / width) if variance > 1e-12 else None
