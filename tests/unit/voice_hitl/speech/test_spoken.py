from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voice_hitl.speech.numerals import cardinal
from voice_hitl.speech.spoken import spoken

CASES = {
    "Your balance is $1,240.50.": "Your balance is one thousand two hundred forty dollars and fifty cents.",
    "$1 or $0.50 or $0.01": "one dollar or fifty cents or one cent",
    "A fee of $5, not -$3.20": "A fee of five dollars, not minus three dollars and twenty cents",
    "$2.5 million and €20": "two point five million dollars and twenty euros",
    "£1.01": "one pound and one penny",
    "at 4:30 pm.": "at four thirty PM",
    "at 9:05 a.m. sharp": "at nine oh five AM sharp",
    "9am to 5pm": "nine AM to five PM",
    "from 12:00 until 17:30": "from twelve o'clock until seventeen thirty",
    "at 0:00": "at midnight",
    "your card ending 4421": "your card ending four four two one",
    "the card ending in 0042 was blocked": "the card ending in zero zero four two was blocked",
    "card ****4421": "card ending in four four two one",
    "account number 1234-5678": "account number one two three four, five six seven eight",
    "code: 8812": "code: eight eight one two",
    "Call 1-800-555-0199.": "Call one, eight zero zero, five five five, zero one nine nine.",
    "(555) 010-4477": "five five five, zero one zero, four four seven seven",
    "case TR-1042": "case T R one zero four two",
    "on 2026-10-05": "on October fifth, twenty twenty-six",
    "10/05/2026": "October fifth, twenty twenty-six",
    "by May 5th, 2026, or Oct. 12": "by May fifth, twenty twenty-six, or October twelfth",
    "since 1999 and in March 2025": "since nineteen ninety-nine and in March twenty twenty-five",
    "the 1st, 2nd and 23rd": "the first, second and twenty-third",
    "4.5% a year": "four point five percent a year",
    "in 2–3 business days": "in two to three business days",
    "open 9-5": "open nine to five",
    "24/7": "twenty-four seven",
    "option #3": "option number three",
    "1,000,000 or 12345678": "one million or one two three four five six seven eight",
    "3, 4, and 5": "three, four, and five",
    "1,2,3": "one, two, three",
    "a 4G phone": "a four G phone",
    "A&B": "A and B",
    "FDIC insured ATMs": "F D I C insured A T M's",
    "-5 degrees": "minus five degrees",
}


@pytest.mark.parametrize(("written", "said"), CASES.items())
def test_it_reads_as_a_person_would(written: str, said: str) -> None:
    assert spoken(written) == said


def test_words_pass_unchanged() -> None:
    text = "I'm sorry, Mr. O'Brien: may I ask why? It's twenty-four past; we'll call you back!"
    assert spoken(text) == text


PIECES = (
    *("$", "€", "-", ":", "/", ".", ",", "%", "#", " ", "pm", "a.m.", "st", "May", "ending "),
    *("card ", "&", "x", "**", "(", ")", "+", "–", "AB", "in ", "million"),
)
figures_and_words = st.lists(
    st.one_of(
        st.sampled_from(PIECES),
        st.text("0123456789", min_size=1, max_size=9),
    ),
    max_size=14,
).map("".join)


@given(st.one_of(figures_and_words, st.text(max_size=60)))
def test_no_figure_survives_and_saying_it_twice_changes_nothing(text: str) -> None:
    said = spoken(text)
    assert not re.search(r"[0-9]", said)
    assert spoken(said) == said


@given(st.integers(0, 10**9), st.integers(0, 99))
def test_any_amount_of_money_is_said_in_full(dollars: int, cents: int) -> None:
    said = spoken(f"Pay ${dollars:,}.{cents:02} now")
    assert said.startswith("Pay ")
    assert said.endswith(" now")
    if dollars:
        assert f"{cardinal(dollars)} dollar" in said
    if cents:
        assert f"{cardinal(cents)} cent" in said
    assert spoken(f"Pay ${dollars}.{cents:02} now") == said


@given(st.integers(0, 23), st.integers(1, 59))
def test_any_time_is_said_without_a_colon(hour: int, minute: int) -> None:
    said = spoken(f"at {hour}:{minute:02} today")
    assert ":" not in said
    assert said.startswith(f"at {cardinal(hour)} ")
    assert said.endswith(f"{cardinal(minute)} today")


@example("2000")
@given(st.text("0123456789", min_size=2, max_size=16))
def test_a_cards_figures_are_said_one_by_one(figures: str) -> None:
    said = spoken(f"the card ending in {figures} is blocked")
    assert len(said.removeprefix("the card ending in ").split()) == len(figures) + 2
