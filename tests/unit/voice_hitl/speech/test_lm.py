from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.language import LanguageSource
from voice_hitl.speech import lm

words = st.sampled_from(["a", "b", "card", "my", "lost"])
sentences = st.lists(st.lists(words, min_size=1, max_size=6).map(" ".join), min_size=1, max_size=8)


def whole(model: lm.Trigrams, history: tuple[str, ...]) -> float:
    return math.fsum(model.probability(w, history) for w in (*model.vocabulary, lm.END))


@given(sentences, st.lists(words, max_size=3), st.sampled_from([0.0, 0.05]))
def test_probabilities_after_any_history_sum_to_one(
    said: list[str], before: list[str], general: float
) -> None:
    model = lm.build(LanguageSource(tuple(said)), general)
    for history in ((), (lm.START,), tuple(before), (lm.START, *before), ("never", "seen")):
        assert whole(model, history) == pytest.approx(1, abs=1e-9)


@given(sentences)
def test_no_word_is_impossible(said: list[str]) -> None:
    model = lm.build(LanguageSource(tuple(said)), 0)
    assert all(model.probability(w, ("a", "b")) > 0 for w in model.vocabulary)


def test_an_unseen_word_backs_off() -> None:
    model = lm.build(LanguageSource(("my card", "lost card", "lost my card")), 0)
    assert ("my", "lost") not in model.probabilities
    backoff = model.backoffs[("my",)]
    assert model.probability("lost", ("my",)) == backoff * model.probability("lost")


def test_what_was_said_is_likelier_than_what_was_not() -> None:
    model = lm.build(LanguageSource(("i lost my card", "i want my card back")), 0)
    assert model.probability("card", ("lost", "my")) > 5 * model.probability("back", ("lost", "my"))


@given(
    st.lists(st.lists(words, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=5),
    st.sampled_from(["{x}", "to {x}", "{x} now please", "a {x} and {x} b"]),
)
def test_a_class_counts_as_its_phrases_written_out_evenly(phrases: list[str], form: str) -> None:
    unique = sorted(set(phrases))
    counts = lm.Counts()
    counts.add(form, {"x": lm._Class.of(phrases)})
    by_hand = lm.Counts()
    pairs = [(one, two) for one in unique for two in unique]
    for one, two in pairs:
        by_hand.add(form.replace("{x}", one, 1).replace("{x}", two), {}, 1 / len(pairs))
    assert counts.grams.keys() == by_hand.grams.keys()
    for gram, count in by_hand.grams.items():
        assert counts.grams[gram] == pytest.approx(count)


def test_a_placeholder_without_a_class_is_an_error() -> None:
    with pytest.raises(KeyError, match="nothing"):
        lm.build(LanguageSource(("to {nothing}",)))


def test_an_empty_class_says_nothing() -> None:
    model = lm.build(LanguageSource(("to {place} now",), {"place": ()}), 0)
    assert model.probability("now", ("to",)) > 0.4


def test_the_general_part_brings_numbers_dates_and_courtesies() -> None:
    vocabulary = set(lm.build(LanguageSource(("hello",))).vocabulary)
    assert {"yes", "no", "please", "ninety", "dollars", "third", "october", "monday"} <= vocabulary


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("I'd like $20, please!", "i'd like twenty dollars please"),
        ("Twenty-one CARDS", "twenty one cards"),
        ("", ""),
        ("...", ""),
        ("don’t", "don't"),
    ],
)
def test_words_are_written_as_they_are_spoken(text: str, said: str) -> None:
    assert " ".join(lm.words_of(text)) == said


@given(st.text())
def test_any_text_gives_clean_words(text: str) -> None:
    for word in lm.words_of(text):
        assert word == word.strip()
        assert not set(word) & set(" {}<>()\n")


def test_arpa_has_every_ngram_once_with_its_logarithm() -> None:
    model = lm.build(LanguageSource(("my card", "lost my card")), 0)
    lines = model.arpa().splitlines()
    assert lines[0] == "\\data\\"
    assert lines[-1] == "\\end\\"
    entries = [line.split() for line in lines if line[:1] == "-" or line[:1] == "0"]
    assert len(entries) == len(model.probabilities) + 1  # <s>
    found = next(float(e[0]) for e in entries if e[1:4] == ["lost", "my", "card"])
    assert 10**found == pytest.approx(model.probability("card", ("lost", "my")), rel=1e-4)
