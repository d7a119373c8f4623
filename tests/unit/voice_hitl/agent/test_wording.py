from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.agent.wording import Wording, fill, names_in, sentences


def test_fill_keeps_what_it_does_not_know() -> None:
    assert fill("{a} and {b}", {"a": "one"}) == "one and {b}"
    assert names_in("{a} and {b}, {a}") == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two? Three!", ["One.", "Two?", "Three!"]),
        ("It costs 3.50 dollars. Okay?", ["It costs 3.50 dollars.", "Okay?"]),
        ("No stop", ["No stop"]),
        ("  ", []),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


@given(st.lists(st.sampled_from(["One.", "Two?", "Is it $5.00?"]), min_size=1, max_size=5))
def test_sentences_lose_nothing(parts: list[str]) -> None:
    assert sentences(" ".join(parts)) == parts


def test_variants_take_turns_for_each_key() -> None:
    wording = Wording()
    assert [wording.choose("a", ("1", "2")) for _ in range(3)] == ["1", "2", "1"]
    assert wording.choose("b", ("1", "2")) == "1"
