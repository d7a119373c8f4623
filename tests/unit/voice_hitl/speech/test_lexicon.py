from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.speech import lexicon

SOUNDS = {sound for said in lexicon.dictionary().values() for one in said for sound in one}


def test_a_known_word_has_the_dictionarys_sounds() -> None:
    assert lexicon.pronounce("cat") == (("K", "AE", "T"),)
    assert len(lexicon.pronounce("either")) > 1


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("zorkcard", "Z AO R K K AA R D"),  # letters alone
        ("cashcard", "K AE SH K AA R D"),  # two words
        ("overdrafts", "OW V ER D R AE F T S"),
        ("flimbation", "F L IH M B AE SH AH N"),
        ("xqz", "EH K S K Y UW Z IY"),  # no vowel: letter by letter
    ],
)
def test_an_unknown_word_is_taken_apart_or_spelled(word: str, sounds: str) -> None:
    assert " ".join(lexicon.pronounce(word)[0]) == sounds


@given(st.text(alphabet=string.ascii_lowercase + "'", min_size=1, max_size=15))
def test_any_word_with_a_letter_gets_sounds_the_model_knows(word: str) -> None:
    found = lexicon.pronounce(word)
    if set(word) & set(string.ascii_lowercase):
        assert found
    assert all(sounds and set(sounds) <= SOUNDS for sounds in found)


def test_a_word_without_latin_letters_is_left_out() -> None:
    assert lexicon.pronounce("привет") == ()
    assert lexicon.lexicon(["привет", "cat"]) == "cat K AE T\n"


def test_further_pronunciations_are_numbered() -> None:
    lines = lexicon.lexicon(["either"]).splitlines()
    assert [line.split()[0] for line in lines][:2] == ["either", "either(2)"]
