from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.speech.numerals import (
    LARGEST,
    cardinal,
    decimal,
    digits,
    integer,
    ordinal,
    year,
)

_VALUES = {
    **{cardinal(n): n for n in range(20)},
    **{cardinal(n): n for n in range(20, 100, 10)},
}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}


def value(words: str) -> int:
    """Read a cardinal back; an implementation of its own, from the words."""
    total = group = 0
    for word in re.split(r"[ -]", words):
        if word == "hundred":
            group *= 100
        elif word in _SCALES:
            total, group = total + group * _SCALES[word], 0
        else:
            group += _VALUES[word]
    return total + group


@given(st.one_of(st.integers(0, 10**4), st.integers(0, LARGEST)))
def test_cardinals_can_be_read_back(number: int) -> None:
    assert value(cardinal(number)) == number


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (99, "ninety-nine"),
        (101, "one hundred one"),
        (1240, "one thousand two hundred forty"),
        (1_000_001, "one million one"),
    ],
)
def test_cardinals(number: int, words: str) -> None:
    assert cardinal(number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "first"),
        (2, "second"),
        (3, "third"),
        (12, "twelfth"),
        (20, "twentieth"),
        (21, "twenty-first"),
        (105, "one hundred fifth"),
        (1000, "one thousandth"),
    ],
)
def test_ordinals(number: int, words: str) -> None:
    assert ordinal(number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (2026, "twenty twenty-six"),
        (2005, "two thousand five"),
        (2000, "two thousand"),
        (1999, "nineteen ninety-nine"),
        (1905, "nineteen oh five"),
        (1900, "nineteen hundred"),
        (1066, "ten sixty-six"),
    ],
)
def test_years(number: int, words: str) -> None:
    assert year(number) == words


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ("3.05", "three point zero five"),
        ("1,000", "one thousand"),
        ("007", "zero zero seven"),
        ("1234567", "one two three four five six seven"),
        (".5", "zero point five"),
    ],
)
def test_decimals(figures: str, words: str) -> None:
    assert decimal(figures) == words


def test_figures_one_by_one() -> None:
    assert digits("44-21") == "four four two one"
    assert integer("0") == "zero"
    assert integer("00") == "zero zero"


@pytest.mark.parametrize("number", [-1, LARGEST + 1])
def test_out_of_range(number: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        cardinal(number)
    with pytest.raises(ValueError, match="outside"):
        year(number)
