from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.speech.confidence import Evidence, utterance_confidence, word_confidence

nats = st.floats(0, 800)
evidence = st.builds(
    Evidence, st.sampled_from(["card", "the"]), st.integers(1, 200), nats, nats, nats, nats
)
GOOD = Evidence("card", 30, acoustic=2.5, doubt=0.01, language=0.8, entropy=1.5)
END = Evidence("</s>", 1, 0.0, 0.0, language=0.5, entropy=1.0)


@given(st.lists(evidence, max_size=8), evidence)
def test_confidence_is_a_probability(words: list[Evidence], ending: Evidence) -> None:
    assert 0 <= utterance_confidence(words, ending) <= 1
    assert all(0 <= word_confidence(word) <= 1 for word in words)


def test_nothing_heard_is_nothing_sure() -> None:
    assert utterance_confidence([], END) == 0


def test_clear_speech_is_sure() -> None:
    assert utterance_confidence([GOOD] * 5, END) > 0.9
    assert word_confidence(GOOD) > 0.9


@pytest.mark.parametrize("worse", ["acoustic", "doubt", "language"])
def test_each_trouble_lowers_it(worse: str) -> None:
    bad = replace(GOOD, **{worse: getattr(GOOD, worse) + 4})
    assert word_confidence(bad) < word_confidence(GOOD)
    assert utterance_confidence([bad] * 3, END) < utterance_confidence([GOOD] * 3, END)


def test_speech_outside_the_domain_is_not_believed() -> None:
    babble = Evidence("card", 20, acoustic=4.5, doubt=1.5, language=5.5, entropy=3.0)
    assert utterance_confidence([babble] * 5, END) < 0.1


def test_a_costly_word_where_any_word_is_costly_is_no_surprise() -> None:
    figure = Evidence("four", 30, 3.0, 0.1, language=2.4, entropy=2.4)
    odd = replace(figure, entropy=0.2)
    assert utterance_confidence([figure] * 4, END) > 0.1 + utterance_confidence([odd] * 4, END)


def test_doubt_about_a_function_word_does_not_count() -> None:
    doubtful = replace(GOOD, text="the", doubt=5.0)
    assert utterance_confidence([GOOD, doubtful], END) == pytest.approx(
        utterance_confidence([GOOD, replace(doubtful, doubt=0.0)], END)
    )
