from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.demo.wer import WordErrors, total, word_errors, words

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "don't"]), max_size=8).map(" ".join)


def test_words_ignore_case_and_punctuation_but_keep_apostrophes() -> None:
    assert words("No, that’s ALL — thank you.") == ["no", "that's", "all", "thank", "you"]


def test_each_kind_of_error_counts_one() -> None:
    assert word_errors("move two hundred dollars", "move two hundred dollars").errors == 0
    assert word_errors("move two hundred dollars", "move ten hundred dollars").errors == 1
    assert word_errors("move two hundred dollars", "move hundred dollars").errors == 1
    assert word_errors("move two hundred dollars", "move two hundred dollars now").errors == 1


def test_nothing_recognized_is_all_errors() -> None:
    assert word_errors("yes please", "").rate == 1.0


def test_words_out_of_nothing_are_errors_without_a_rate() -> None:
    found = word_errors("", "hello there")
    assert found == WordErrors(2, 0)
    assert found.rate is None


def test_a_total_weighs_words_not_turns() -> None:
    parts = [word_errors("yes", "no"), word_errors("a b c d e f g h i", "a b c d e f g h i")]
    assert total(parts).rate == 0.1


@given(TEXTS)
def test_a_text_has_no_errors_against_itself(text: str) -> None:
    assert word_errors(text, text).errors == 0


@given(TEXTS, TEXTS)
def test_errors_are_symmetric_and_bounded(one: str, other: str) -> None:
    errors = word_errors(one, other).errors
    lengths = len(words(one)), len(words(other))
    assert errors == word_errors(other, one).errors
    assert abs(lengths[0] - lengths[1]) <= errors <= max(lengths)


@given(TEXTS, TEXTS, TEXTS)
def test_errors_obey_the_triangle_inequality(one: str, two: str, three: str) -> None:
    direct = word_errors(one, three).errors
    assert direct <= word_errors(one, two).errors + word_errors(two, three).errors
