from __future__ import annotations

import pytest

from voice_hitl.agent.languages import available, load_language, phrases
from voice_hitl.agent.text import plain
from voice_hitl.errors import PackError


def test_english_is_there_and_complete() -> None:
    assert "en" in available()
    language = load_language("en")
    assert set(language.spec.acts) == {
        "person",
        "repeat",
        "help",
        "cancel",
        "goodbye",
        "thanks",
        "greeting",
        "wait",
    }
    assert plain("that's right") in language.yes
    assert ("want", "to") in language.unfinished


def test_an_unknown_language_names_those_there_are() -> None:
    with pytest.raises(PackError, match=r"no language 'xx'; there are: en"):
        load_language("xx")


def test_longer_phrases_come_first() -> None:
    assert phrases(("no", "no thank you", "nope")) == (("no", "thank", "you"), ("no",), ("nope",))


def test_what_asks_for_a_person_and_what_does_not_are_different_sentences() -> None:
    spec = load_language("en").spec
    asking = {plain(text) for text in spec.acts["person"].examples}
    assert not asking & {plain(text) for text in spec.not_person}
