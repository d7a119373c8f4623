from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.agent.numbers import (
    LARGEST,
    read_digits,
    read_number,
    read_ordinal,
    spell,
    spell_digits,
    spell_ordinal,
)

WORDS = "one twenty hundred thousand and a double oh point 7"


@given(st.integers(0, LARGEST))
def test_what_is_spelled_is_read_back_whole(value: int) -> None:
    words = spell(value).split()
    number = read_number(words)
    assert number is not None
    assert (number.value, number.start, number.end) == (value, 0, len(words))


@given(st.integers(1, LARGEST), st.lists(st.sampled_from(["please", "dollars", "to"]), max_size=3))
def test_a_number_ends_where_other_words_begin(value: int, rest: list[str]) -> None:
    words = spell(value).split()
    number = read_number([*words, *rest])
    assert number is not None
    assert number.end == len(words)


@given(st.text(alphabet="0123456789", min_size=1, max_size=12))
def test_digits_round_trip(digits: str) -> None:
    words = spell_digits(digits).split()
    assert read_digits(words) == (digits, len(words))


@given(st.integers(1, 99))
def test_ordinals_round_trip(value: int) -> None:
    number = read_ordinal(spell_ordinal(value).split())
    assert number is not None
    assert number.value == value


@given(st.lists(st.sampled_from(WORDS.split())))
def test_any_words_are_read_without_error_and_never_beyond_their_end(words: list[str]) -> None:
    for at in range(len(words)):
        number = read_number(words, at)
        assert number is None or at < number.end <= len(words)
        assert at <= read_digits(words, at)[1] <= len(words)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("two hundred and fifty", 250),
        ("twenty five hundred", 2500),
        ("a thousand", 1000),
        ("a hundred and one", 101),
        ("nineteen hundred and eighty four", 1984),
        ("two thousand five hundred", 2500),
        ("2500", 2500),
        ("five thousand and ten", 5010),
    ],
)
def test_spoken_forms(text: str, value: int) -> None:
    number = read_number(text.split())
    assert number is not None
    assert (number.value, number.end) == (value, len(text.split()))


@pytest.mark.parametrize("text", ["a card", "and five", "hundred", "please", ""])
def test_what_is_no_number(text: str) -> None:
    assert read_number(text.split()) is None


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("forty three twenty one", "4321"),
        ("double four oh two", "4402"),
        ("triple seven one", "7771"),
        ("forty three hundred", "4300"),
        ("4321", "4321"),
    ],
)
def test_digits_in_pairs(text: str, digits: str) -> None:
    assert read_digits(text.split())[0] == digits


@pytest.mark.parametrize("value", [-1, LARGEST + 1])
def test_spell_refuses_what_it_cannot_say(value: int) -> None:
    with pytest.raises(ValueError, match="can only say"):
        spell(value)


@pytest.mark.parametrize("value", [0, 100])
def test_spell_ordinal_refuses_what_it_cannot_say(value: int) -> None:
    with pytest.raises(ValueError, match="can only say"):
        spell_ordinal(value)
