from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.moderation.text import KnownTexts, fingerprint, fold, words_of

PHRASE = "I will burn your shop down"
LOOK_ALIKES = {
    "a": "аα@4",
    "b": "8",
    "e": "еε3€",
    "i": "іι1|",
    "o": "оο0",
    "s": "ѕ$5",
    "y": "у",
    "p": "р",
}
phrases = st.lists(
    st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=8), min_size=2, max_size=6
).filter(lambda words: len(fold("".join(words))) >= 3)


@st.composite
def disguised(draw: st.DrawFn, words: list[str]) -> str:
    """The same words in another spelling."""
    out = []
    for word in words:
        for place, letter in enumerate(word):
            trick = draw(st.integers(0, 9))
            inside = 0 < place < len(word) - 1
            match trick:
                case 0:
                    letter = letter.upper()
                case 1:
                    letter *= draw(st.integers(1, 4))
                case 2:
                    letter = chr(ord(letter) + 0xFEE0)  # full width
                case 3:
                    letter += draw(st.sampled_from(["\u0301", "\u200b", "\u00ad", "\ufe0f"]))
                case 4:
                    letter += draw(st.sampled_from([" ", ".", "-", "_", "* ", "\u00a0"]))
                case 5 if letter in LOOK_ALIKES and inside:
                    letter = draw(st.sampled_from(LOOK_ALIKES[letter]))
            out.append(letter)
        out.append(draw(st.sampled_from([" ", "  ", ", ", " - ", "\n", "... "])))
    return "".join(out)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.data(), phrases)
def test_no_spelling_hides_a_phrase(data: st.DataObject, words: list[str]) -> None:
    plain = " ".join(words)
    spelled = data.draw(disguised(words))
    assert fold(spelled) == fold(plain)
    assert KnownTexts([fingerprint(plain)]).find(spelled) == fingerprint(plain)


@given(st.data(), phrases, st.lists(st.sampled_from(["well", "so", "then", "yes"]), max_size=4))
def test_a_known_text_is_found_inside_a_longer_one(
    data: st.DataObject, words: list[str], around: list[str]
) -> None:
    plain = " ".join(words)
    known = KnownTexts([fingerprint(plain)])
    text = " ".join([*around, data.draw(disguised(words)), *around])
    assert known.find(text) is not None
    cut = data.draw(st.integers(0, len(words) - 1))
    before, after = " ".join([*around, *words[:cut]]), " ".join([*words[cut:], *around])
    assert known.find(after, before) is not None


def test_a_known_text_that_ended_before_is_not_found_again() -> None:
    known = KnownTexts([fingerprint(PHRASE)])
    assert known.find(PHRASE) is not None
    assert known.find("have a nice day", before=PHRASE) is None


@pytest.mark.parametrize(
    "text",
    [
        "I will earn your shop money",
        "I will burn your shop",
        "will your shop burn down",
        "",
        "?!",
        "your shop is down",
    ],
)
def test_other_texts_are_not_found(text: str) -> None:
    assert KnownTexts([fingerprint(PHRASE)]).find(text) is None


def test_a_sign_at_the_end_is_punctuation_and_inside_a_letter() -> None:
    assert fold("burn!") == "burn"
    assert fold("sh!p") == fold("ship")


def test_words_stay_apart_but_stretches_do_not_count() -> None:
    assert words_of("Soooo, GOOD!") == ["so", "god"]


def test_marks_and_invisible_characters_part_no_words() -> None:
    assert words_of("caf\u00e9s ze\u200bro wa\u0308n") == ["cafes", "zero", "wan"]


def test_only_a_length_and_a_hash_are_kept() -> None:
    letters = fold(PHRASE)
    assert fingerprint(PHRASE) == (f"{len(letters)}:{hashlib.sha256(letters.encode()).hexdigest()}")


@pytest.mark.parametrize("text", ["", "...", "ill", "no", "ab " * 300])
def test_texts_too_short_or_long_to_recognise_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must fold to 3 to 400 letters"):
        fingerprint(text)


@pytest.mark.parametrize("entry", ["", PHRASE, "a" * 64, "2:" + "a" * 64, "900:" + "a" * 64])
def test_what_is_no_fingerprint_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="is no fingerprint"):
        KnownTexts([entry])


def test_a_list_can_grow() -> None:
    known = KnownTexts()
    assert len(known) == 0 and known.find(PHRASE) is None
    known.add(fingerprint(PHRASE))
    assert len(known) == 1 and known.find(PHRASE) is not None


def plainly(known: set[str], text: str, before: str) -> set[str]:
    """All known texts that end in `text`, by trying every window of words."""
    earlier = words_of(before)
    words = [*earlier, *words_of(text)]
    windows = {
        "".join(words[start : end + 1])
        for start in range(len(words))
        for end in range(max(start, len(earlier)), len(words))
    }
    return {fingerprint(window) for window in windows if 3 <= len(fold(window)) <= 400} & known


few_letters = st.lists(st.text("ab", min_size=1, max_size=3), max_size=12).map(" ".join)


@given(few_letters, few_letters, st.sets(st.text("ab", min_size=3, max_size=8), max_size=6))
def test_every_window_of_whole_words_is_looked_up(
    text: str, before: str, entries: set[str]
) -> None:
    known = {fingerprint(entry) for entry in entries if len(fold(entry)) >= 3}
    found, there = KnownTexts(known).find(text, before), plainly(known, text, before)
    assert (found in there) if there else (found is None)
