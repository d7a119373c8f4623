from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.telephony.fields import is_mulaw, is_sid, json_text, number_of, text_of

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)


@given(st.integers(0, 10**15 - 1))
def test_a_whole_number_is_read_in_every_form(number: int) -> None:
    assert number_of(number) == number_of(str(number)) == number_of(float(number)) == number


@pytest.mark.parametrize(
    "value", [None, True, -1, "-1", "", "1.5", 1.5, "1" * 16, 10**15, "²", [], float("nan")]
)
def test_what_is_no_whole_number_is_none(value: object) -> None:
    assert number_of(value) is None


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), ("", ""), (7, "7"), (1.5, "1.5"), (True, None), (None, None)]
)
def test_a_text_may_come_as_a_number(value: object, text: str | None) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("value", "good"),
    [("MZ" + "a" * 32, True), ("", False), ("a" * 65, False), ("MZ 1", False), ("é", False)],
)
def test_a_sid_is_short_and_plain(value: str, good: bool) -> None:
    assert is_sid(value) is good


@pytest.mark.parametrize(
    ("given_", "ours"),
    [
        (None, True),
        ({}, True),
        ({"encoding": "audio/x-mulaw", "sampleRate": "8000", "channels": 1.0}, True),
        ({"encoding": "audio/l16"}, False),
        ({"sampleRate": 16000}, False),
        ({"channels": 2}, False),
        ("audio/x-mulaw", False),
    ],
)
def test_mono_mulaw_at_8_khz_is_the_only_format(given_: Any, ours: bool) -> None:
    assert is_mulaw(given_) is ours


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_survives_its_json(text: str) -> None:
    assert json.loads(json_text(text)) == text


def test_what_utf_8_cannot_carry_becomes_a_question_mark() -> None:
    assert json_text("a\ud800") == '"a?"'


@given(ANYTHING)
def test_nothing_is_too_odd_to_read(value: object) -> None:
    number = number_of(value)
    assert number is None or 0 <= number < 10**15
    assert text_of(value) is None or type(value) in (str, int, float)
    assert not is_sid(value) or isinstance(value, str)
    assert is_mulaw(value) in (True, False)
