from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.agent.ngrams import Ngrams, generalize

TEXTS = [
    tuple(text.split())
    for text in ("i lost my card", "i lost my wallet", "what is my balance", "my card is lost")
]
GRAMS = Ngrams(TEXTS)
WORDS = "i lost my card wallet what balance zzz is"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("move two hundred and fifty dollars", "move <number> dollars"),
        ("on march third at ten", "on <month> third at <number>"),
        ("the one from monday", "the one from <weekday>"),
        ("four three two one", "<number>"),
        ("i may come", "i may come"),
        ("$200".strip("$"), "<number>"),
    ],
)
def test_generalize(text: str, expected: str) -> None:
    assert " ".join(generalize(text.split())) == expected


@given(st.lists(st.sampled_from(WORDS.split()), max_size=8).map(tuple))
def test_a_vector_is_its_row_of_the_matrix_and_has_length_one(words: tuple[str, ...]) -> None:
    numbers, weights = GRAMS.vector(words)
    row = GRAMS.matrix([words, TEXTS[0]]).toarray()[0]
    dense = np.zeros(GRAMS.size)
    dense[numbers] = weights
    np.testing.assert_allclose(row, dense)
    has_words = any(word in ("i", "lost", "my", "card", "is") for word in words)
    if has_words:
        assert np.linalg.norm(weights) == pytest.approx(1.0)


def test_rare_grams_are_left_out() -> None:
    common, every = Ngrams(TEXTS, least=2), Ngrams(TEXTS, least=1)
    assert common.size < every.size
    assert len(common.vector(("balance",))[0]) < len(every.vector(("balance",))[0])


def test_strangeness_is_the_share_of_unknown_words() -> None:
    assert GRAMS.strangeness(("my", "card")) == 0.0
    assert GRAMS.strangeness(("my", "zebra")) == 0.5
    assert GRAMS.strangeness(()) == 1.0
