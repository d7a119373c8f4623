from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.agent.money import CURRENCIES, read_amounts, say_amount, show_amount
from voice_hitl.agent.text import tokens

DOLLAR = CURRENCIES["USD"]
WORDS = "two fifty hundred dollars cents and a half grand point"


@given(
    st.decimals(Decimal("0.01"), Decimal("999999.99"), places=2),
    st.sampled_from(sorted(CURRENCIES)),
)
def test_what_is_said_is_read_back(value: Decimal, code: str) -> None:
    currency = CURRENCIES[code]
    words = say_amount(value, currency).split()
    (amount,) = read_amounts(words, currency)
    assert amount.value == value
    assert amount.unit
    assert (amount.start, amount.end) == (0, len(words))


@given(st.decimals(Decimal("0.01"), Decimal("999999.99"), places=2))
def test_what_is_shown_is_read_back(value: Decimal) -> None:
    (amount,) = read_amounts(tokens(show_amount(value, DOLLAR)), DOLLAR)
    assert amount.value == value


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("twenty five hundred dollars", "2500", True),
        ("two fifty", "250", False),
        ("two fifty dollars", "250", True),
        ("nineteen ninety nine", "19.99", False),
        ("a hundred bucks", "100", True),
        ("two grand", "2000", False),
        ("a couple hundred dollars", "200", True),
        ("a couple of thousand", "2000", False),
        ("fifty cents", "0.50", True),
        ("ten dollars and fifty cents", "10.50", True),
        ("ten dollars fifty", "10.50", True),
        ("a dollar fifty", "1.50", True),
        ("two and a half thousand dollars", "2500", True),
        ("one point five grand", "1500", False),
        ("three point two five dollars", "3.25", True),
        ("$2,500.50", "2500.50", True),
        ("a grand", "1000", False),
    ],
)
def test_colloquial_amounts(text: str, value: str, unit: bool) -> None:
    (amount,) = read_amounts(tokens(text), DOLLAR)
    assert (amount.value, amount.unit) == (Decimal(value), unit)


def test_amounts_within_a_sentence() -> None:
    words = tokens("it was eighty dollars and not two hundred and ten dollars")
    assert [amount.value for amount in read_amounts(words, DOLLAR)] == [80, 210]


def test_a_following_count_is_no_cents() -> None:
    words = tokens("ten dollars and two more things")
    assert [amount.value for amount in read_amounts(words, DOLLAR)] == [10, 2]


@pytest.mark.parametrize("text", ["a card", "please", "a couple of friends", "point five", ""])
def test_what_is_no_amount(text: str) -> None:
    found = read_amounts(tokens(text), DOLLAR)
    assert [amount.value for amount in found if amount.unit] == []


@given(st.lists(st.sampled_from(WORDS.split())))
def test_amounts_never_overlap(words: list[str]) -> None:
    end = 0
    for amount in read_amounts(words, DOLLAR):
        assert end <= amount.start < amount.end <= len(words)
        end = amount.end
