"""Calendar days: read from spoken or typed words against a given today, said for a voice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from voice_hitl.agent.numbers import read_number, read_ordinal, spell, spell_ordinal

_YEAR = "january february march april may june july august september october november december"
_WEEK = "monday tuesday wednesday thursday friday saturday sunday"
MONTHS = _YEAR.split()
WEEKDAYS = _WEEK.split()


@dataclass(frozen=True, slots=True)
class Day:
    """A day found in words `start` (inclusive) to `end` (exclusive)."""

    value: dt.date
    start: int
    end: int


def say_date(value: dt.date) -> str:
    """Say a day of the year: "march third"."""
    return f"{MONTHS[value.month - 1]} {spell_ordinal(value.day)}"


def show_date(value: dt.date) -> str:
    """Write a day for a screen: "March 3, 2025"."""
    return f"{MONTHS[value.month - 1].capitalize()} {value.day}, {value.year}"


def read_dates(words: Sequence[str], today: dt.date, *, future: bool = False) -> list[Day]:
    """All days in the words, left to right; one without a year is the nearest past (or `future`)."""
    found: list[Day] = []
    at = 0
    while at < len(words):
        day = _read_day(words, at, today, future=future)
        if day is None:
            at += 1
        else:
            found.append(day)
            at = day.end
    return found


def _read_day(words: Sequence[str], at: int, today: dt.date, *, future: bool) -> Day | None:
    word = words[at]
    if word in ("today", "tonight"):
        return Day(today, at, at + 1)
    if word == "yesterday":
        return Day(today - dt.timedelta(days=1), at, at + 1)
    if word == "tomorrow":
        return Day(today + dt.timedelta(days=1), at, at + 1)
    if list(words[at : at + 4]) == ["the", "day", "before", "yesterday"]:
        return Day(today - dt.timedelta(days=2), at, at + 4)
    return (
        _ago(words, at, today)
        or _weekday(words, at, today, future=future)
        or _month_day(words, at, today, future=future)
        or _day_of_month(words, at, today, future=future)
    )


def _ago(words: Sequence[str], at: int, today: dt.date) -> Day | None:
    """Read "three days ago", "a week ago"."""
    number = read_number(words, at)
    count, after = (number.value, number.end) if number else (1, at + 1)
    if number is None and words[at] not in ("a", "an"):
        return None
    if after + 1 >= len(words) or words[after + 1] != "ago" or count > 1000:
        return None
    days = {"day": 1, "days": 1, "week": 7, "weeks": 7}.get(words[after])
    return Day(today - dt.timedelta(days=days * count), at, after + 2) if days else None


def _weekday(words: Sequence[str], at: int, today: dt.date, *, future: bool) -> Day | None:
    start, forward, last = at, future, False
    if words[at] in ("last", "next", "this", "on") and at + 1 < len(words):
        last = words[at] == "last"
        forward = words[at] == "next" or (future and not last)
        at += 1
    if words[at] not in WEEKDAYS:
        return None
    wanted = WEEKDAYS.index(words[at])
    if forward:
        ahead = (wanted - today.weekday()) % 7 or 7
        return Day(today + dt.timedelta(days=ahead), start, at + 1)
    back = (today.weekday() - wanted) % 7
    return Day(today - dt.timedelta(days=back or (7 if last else 0)), start, at + 1)


def _month_day(words: Sequence[str], at: int, today: dt.date, *, future: bool) -> Day | None:
    """Read "march third", "march 3 2025", "the third of march"."""
    start = at
    if words[at] == "the":
        at += 1
    if at < len(words) and words[at] in MONTHS and start == at:
        month = MONTHS.index(words[at]) + 1
        after = at + 1
        if after < len(words) and words[after] == "the":
            after += 1
        number = read_ordinal(words, after) or read_number(words, after)
        if number is None or not 1 <= number.value <= 31:
            return None
        end = number.end
    else:
        number = read_ordinal(words, at)
        if number is None or number.end >= len(words):
            return None
        month_at = number.end + (words[number.end] == "of")
        if month_at >= len(words) or words[month_at] not in MONTHS:
            return None
        month, end = MONTHS.index(words[month_at]) + 1, month_at + 1
    year, end = _year(words, end)
    value = (
        _valid(year, month, number.value)
        if year
        else _nearest(today, month, number.value, future=future)
    )
    return Day(value, start, end) if value else None


def _day_of_month(words: Sequence[str], at: int, today: dt.date, *, future: bool) -> Day | None:
    """Read "the third", "on the twenty first": the nearest such day."""
    if words[at] != "the":
        return None
    number = read_ordinal(words, at + 1)
    if number is None or not 1 <= number.value <= 31 or number.end - at > 3:
        return None
    step = dt.timedelta(days=1 if future else -1)
    value = today
    for _ in range(62):  # two months hold every day number
        if value.day == number.value:
            return Day(value, at, number.end)
        value += step
    return None


def _year(words: Sequence[str], at: int) -> tuple[int | None, int]:
    """Read "2025", "twenty twenty five", "two thousand twenty five" at `at`."""
    number = read_number(words, at)
    if number is None:
        return None, at
    if 1990 <= number.value <= 2099:
        return number.value, number.end
    rest = read_number(words, number.end)
    if number.value in (19, 20) and rest is not None and 10 <= rest.value <= 99:
        return number.value * 100 + rest.value, rest.end
    return None, at


def _nearest(today: dt.date, month: int, day: int, *, future: bool) -> dt.date | None:
    # February 29 may be up to eight years away.
    for distance in range(9):
        value = _valid(today.year + (distance if future else -distance), month, day)
        if value is not None and (value >= today if future else value <= today):
            return value
    return None


def _valid(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def spoken_dates() -> tuple[str, ...]:
    """What callers may say for a day, for a language model."""
    days = [f"{month} {spell_ordinal(day)}" for month in MONTHS for day in range(1, 32)]
    others = [f"the {spell_ordinal(day)}" for day in range(1, 32)]
    relative = [f"last {day}" for day in WEEKDAYS] + [f"on {day}" for day in WEEKDAYS]
    ago = [f"{spell(n)} days ago" for n in range(2, 15)] + ["a week ago", "two weeks ago"]
    return ("today", "yesterday", "the day before yesterday", *relative, *ago, *others, *days)
