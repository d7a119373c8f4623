from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_hitl.agent.dates import MONTHS, WEEKDAYS, read_dates, say_date, show_date, spoken_dates
from voice_hitl.agent.text import tokens

TODAY = dt.date(2025, 3, 12)  # a Wednesday


@given(st.integers(0, 364))
def test_a_day_of_the_last_year_is_said_and_read_back(back: int) -> None:
    day = TODAY - dt.timedelta(days=back)
    (found,) = read_dates(say_date(day).split(), TODAY)
    assert found.value == day


@given(st.dates(dt.date(1995, 1, 1), dt.date(2090, 12, 31)))
def test_a_day_with_its_year_is_shown_and_read_back(day: dt.date) -> None:
    (found,) = read_dates(tokens(show_date(day)), TODAY)
    assert found.value == day


@settings(max_examples=15)
@given(st.dates(dt.date(2024, 1, 1), dt.date(2030, 12, 31)), st.booleans())
def test_days_without_a_year_lie_on_the_asked_side(today: dt.date, future: bool) -> None:
    for text in spoken_dates():
        if text in ("today", "yesterday", "the day before yesterday") or text.endswith("ago"):
            continue
        if text.startswith("last"):
            continue
        for day in read_dates(text.split(), today, future=future):
            assert day.value >= today if future else day.value <= today, text


def test_everything_said_to_be_spoken_can_be_read() -> None:
    for text in spoken_dates():
        if text.endswith(("thirty first", "february thirtieth")):
            continue  # not every month has them
        assert read_dates(text.split(), TODAY), text


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("yesterday", dt.date(2025, 3, 11)),
        ("the day before yesterday", dt.date(2025, 3, 10)),
        ("last tuesday", dt.date(2025, 3, 11)),
        ("last wednesday", dt.date(2025, 3, 5)),
        ("on wednesday", dt.date(2025, 3, 12)),
        ("the third of march", dt.date(2025, 3, 3)),
        ("march third twenty twenty four", dt.date(2024, 3, 3)),
        ("march 3rd", dt.date(2025, 3, 3)),
        ("december twenty fifth", dt.date(2024, 12, 25)),
        ("the twenty first", dt.date(2025, 2, 21)),
        ("three days ago", dt.date(2025, 3, 9)),
        ("a week ago", dt.date(2025, 3, 5)),
        ("february twenty ninth", dt.date(2024, 2, 29)),
    ],
)
def test_spoken_days(text: str, day: dt.date) -> None:
    assert [found.value for found in read_dates(text.split(), TODAY)] == [day]


def test_days_ahead() -> None:
    def read(text: str) -> dt.date:
        return read_dates(text.split(), TODAY, future=True)[0].value

    assert read("friday") == dt.date(2025, 3, 14)
    assert read("next wednesday") == dt.date(2025, 3, 19)
    assert read("march third") == dt.date(2026, 3, 3)
    assert read("tomorrow") == dt.date(2025, 3, 13)


@pytest.mark.parametrize("text", ["march thirty second", "the account", "a card ago", "may", ""])
def test_what_is_no_day(text: str) -> None:
    assert read_dates(text.split(), TODAY) == []


@given(st.lists(st.sampled_from([*MONTHS[:3], *WEEKDAYS[:2], "the", "third", "of", "ago", "two"])))
def test_any_words_are_read_without_error(words: list[str]) -> None:
    end = 0
    for day in read_dates(words, TODAY):
        assert end <= day.start < day.end <= len(words)
        end = day.end
