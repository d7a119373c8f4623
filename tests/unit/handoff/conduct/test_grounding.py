from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.conduct import grounding
from handoff.conduct.grounding import (
    MOST_VALUES,
    REMEMBERED,
    Named,
    Seen,
    details,
    is_id,
    name_words,
    number,
    parts_of,
    words,
)


def test_words_are_found_whole_and_in_parts() -> None:
    assert set(words("Card credit_card_4421, $1,200.50!")) == {
        "card",
        "credit_card_4421",
        "credit",
        "4421",
        "1200.50",
        "1200",
        "50",
    }


@pytest.mark.parametrize(("text", "word"), [("957.0", "957"), ("$1,200", "1200"), ("2.5", "2.50")])
def test_numbers_stand_in_plain_form(text: str, word: str) -> None:
    assert word in words(text)


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    seen = Named()
    seen.add(words(text))
    assert all(word in seen for word in words(text))


def test_the_oldest_words_are_forgotten_first() -> None:
    seen = Named()
    seen.add(["early"])
    seen.add(f"{index:04}" for index in range(REMEMBERED))
    assert "early" not in seen
    assert f"{REMEMBERED - 1:04}" in seen
    assert not seen.names("early")


def test_a_word_said_again_counts_as_new() -> None:
    seen = Seen()
    seen.add(["early"])
    seen.add(f"w{index}" for index in range(REMEMBERED - 1))
    seen.add(["early"])
    seen.add(["one more"])
    assert "early" in seen


def test_a_name_is_spoken_of_in_any_form_that_begins_alike() -> None:
    caller = Named()
    caller.add(words("I am paying for two bookings"))
    assert caller.names("booking_id")
    assert caller.names("newBooking")
    assert not caller.names("insurance")
    assert not caller.names("id")


def test_a_value_is_said_when_all_its_parts_are() -> None:
    seen = Seen()
    seen.add(words("my flight is HAT 266, for 250 dollars"))
    assert seen.says("HAT266")
    assert seen.says("$250.00")
    assert seen.says(250.0)
    assert not seen.says("HAT267")
    assert not seen.says("")


def test_nested_arguments_are_unfolded_by_name() -> None:
    found = details(
        {"people": [{"name": "Ann", "age": 3}, {"name": "Bob", "age": None}], "fast": True}
    )
    assert found == {"name": ["Ann", "Bob"], "age": [3], "fast": ["yes"]}


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
            max_leaves=8,
        ),
        max_size=4,
    )
)
def test_any_arguments_are_unfolded_to_finite_values_with_parts(
    arguments: dict[str, object],
) -> None:
    found = details(arguments)
    values = [value for of_name in found.values() for value in of_name]
    assert len(values) <= MOST_VALUES
    assert all(isinstance(value, str) or math.isfinite(value) for value in values)
    for value in values:
        parts_of(value)
        is_id(value)


def test_what_is_too_deep_or_too_much_is_not_looked_at() -> None:
    deep: object = "x"
    for _ in range(5000):
        deep = [deep]
    assert details({"deep": deep, "many": ["y"] * 1000}) == {"many": ["y"] * MOST_VALUES}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("credit_card_12", True),
        ("FQ8APE", True),
        ("2024-05-20", False),
        ("10:30", False),
        ("$250.00", False),
        ("B12", False),
        ("economy", False),
        (250, False),
    ],
)
def test_what_looks_like_a_key(value: grounding.Value, expected: bool) -> None:
    assert is_id(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3.0), ("$1,200", 1200.0), ("250.00", 250.0), ("250", None), ("acct 2.50", None)],
)
def test_what_is_a_figure(value: grounding.Value, expected: float | None) -> None:
    assert number(value) == expected


def test_name_words_come_from_snake_and_camel_case() -> None:
    assert name_words("total_bagsId") == ["total", "bags"]
