"""Accuracy over minutes on shift, pooled over people; never one person's session, which is too small to read.

Answers whose truth is known (exercises, audited reviews) are counted by the minutes that their giver had
worked since shift or break began. The trend test is stratified by person (Mantel 1963), so that less accurate
people who work longer do not look like fatigue.
"""

from __future__ import annotations

import math
from collections import defaultdict
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
    """`z` below 0: accuracy falls with minutes; `p` is two-sided. Both None where `note` says why."""

    bins: tuple[ShiftBin, ...]
    z: float | None
    p: float | None
    drop: float | None  # accuracy of the first bin that can be told, less that of the last
    note: str


def shift_curve(answers: Iterable[ShiftAnswer], policy: Policy) -> ShiftCurve:
    """The curve in bins of `care.curve_minutes` up to `care.work_minutes`; what is later goes into the last.

    A bin is told from `care.curve_minimum` answers of `care.curve_people` people, the trend from that many
    over all. Raises `ValueError` on minutes that are negative or not finite.
    """
    care = policy.care
    count = math.ceil(care.work_minutes / care.curve_minutes) + 1
    binned: list[list[ShiftAnswer]] = [[] for _ in range(count)]
    by_person: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for answer in answers:
        if not (math.isfinite(answer.minutes) and answer.minutes >= 0):
            raise ValueError("minutes on shift must be finite and not negative")
        index = min(int(answer.minutes / care.curve_minutes), count - 1)
        binned[index].append(answer)
        by_person[answer.operator_id].append((index, answer.right))
    bins = []
    for index, here in enumerate(binned):
        people = len({answer.operator_id for answer in here})
        enough = len(here) >= care.curve_minimum and people >= care.curve_people
        right = sum(answer.right for answer in here)
        end = math.inf if index == count - 1 else (index + 1) * care.curve_minutes
        figure = share_figure(right, len(here)) if enough else too_little(len(here))
        bins.append(ShiftBin(index * care.curve_minutes, end, people, figure))
    told = [part.accuracy.value for part in bins if part.accuracy.value is not None]
    if len(told) < 2 or len(by_person) < care.curve_people:
        return ShiftCurve(tuple(bins), None, None, None, NOT_ENOUGH)
    z = _trend(list(by_person.values()))
    p = None if z is None else math.erfc(abs(z) / math.sqrt(2))
    note = "" if z is not None else "nobody's answers differ: no trend to test"
    return ShiftCurve(tuple(bins), z, p, told[0] - told[-1], note)


def _trend(people: list[list[tuple[int, bool]]]) -> float | None:
    """Mantel's stratified trend: within each person, covariance of bin and right under exchangeability."""
    together, variance = 0.0, 0.0
    for answers in people:
        n = len(answers)
        mean_bin = sum(index for index, _ in answers) / n
        rate = sum(right for _, right in answers) / n
        spread = sum((index - mean_bin) ** 2 for index, _ in answers)
        together += sum((index - mean_bin) * right for index, right in answers)
        if n > 1:
            variance += spread * n * rate * (1 - rate) / (n - 1)
    return together / math.sqrt(variance) if variance > 1e-12 else None
