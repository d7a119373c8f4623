from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.agent.text import expand, find, likeness, plain, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Move $2,500 -- please!", "move 2500 dollars please"),
        ("It's £3.50, isn't it?", "it's 3.50 pounds isn't it"),
        ("the 3rd of March", "the 3rd of march"),
        ("nine a.m.", "nine am"),
        ("I don’t know", "i don't know"),
        ("...", ""),
    ],
)
def test_tokens(text: str, expected: str) -> None:
    assert " ".join(tokens(text)) == expected


@given(st.text(max_size=80))
def test_any_text_gives_clean_tokens_and_reading_them_again_changes_nothing(text: str) -> None:
    once = tokens(text)
    assert tokens(" ".join(once)) == once
    assert all(token and token == token.lower() for token in once)


@pytest.mark.parametrize(
    ("word", "full"),
    [
        ("can't", "can not"),
        ("i'd", "i would"),
        ("they've", "they have"),
        ("isn't", "is not"),
        ("bank's", "bank"),
        ("it's", "it is"),
        ("plain", "plain"),
    ],
)
def test_expand(word: str, full: str) -> None:
    assert expand(word) == full


def test_plain_drops_fillers_and_expands() -> None:
    assert plain("Um, I'd like, uh, my balance") == ("i", "would", "like", "my", "balance")


def test_find() -> None:
    words = tokens("to my savings and to my checking")
    assert find(("to", "my"), words) == 0
    assert find(("to", "my"), words, 1) == 4
    assert find(("my", "card"), words) == -1


def test_likeness() -> None:
    assert likeness(("a", "b"), ("b", "a")) == 1.0
    assert likeness(("a", "b"), ("b", "c")) == 0.5
    assert likeness((), ("a",)) == 0.0
