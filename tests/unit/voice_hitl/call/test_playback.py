from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.call.playback import Heard, HeardSentence, Playback, Sentence, cut

TEXT = "Your checking account holds twelve dollars."


@given(st.text(alphabet="ab \n", max_size=40), st.floats(-0.5, 1.5))
def test_a_cut_ends_with_a_whole_word(text: str, share: float) -> None:
    part = cut(text, share)
    assert text.startswith(part)
    words, all_words = part.split(), text.split()
    assert words == all_words[: len(words)]
    assert len(part) <= max(0.0, share) * len(text) or share >= 1.0


@pytest.mark.parametrize(
    ("share", "heard"),
    [
        (0.0, ""),
        (0.05, ""),
        (0.1, "Your"),
        (0.31, "Your checking"),
        (0.5, "Your checking account"),
        (0.999, "Your checking account holds twelve"),
        (1.0, TEXT),
    ],
)
def test_words_that_were_played_count(share: float, heard: str) -> None:
    assert cut(TEXT, share) == heard


def sentence(number: int, frames: int, *, sent: int, final: bool = True) -> Sentence:
    return Sentence(number, TEXT, bytearray(b"\x01" * 160 * frames), final, sent)


def test_what_is_still_ahead_is_not_heard() -> None:
    playback = Playback(delay=0.0)
    playback.add(sentence(1, 50, sent=50))
    playback.add(sentence(2, 50, sent=10))
    first, second = playback.heard(0.2)
    assert (first.text, second.text) == (TEXT, "")
    first, second = playback.heard(0.7)
    assert (first.text, second.text) == ("Your checking account", "")


def test_the_lines_delay_is_learnt() -> None:
    playback = Playback(delay=0.06)
    for _ in range(50):
        playback.arrived(0.2)
    assert playback.delay == pytest.approx(0.2, abs=1e-3)
    playback.arrived(9.0)
    playback.arrived(-1.0)
    assert playback.delay == pytest.approx(0.2, abs=1e-3)


def test_an_unfinished_sentence_is_reckoned_by_its_text() -> None:
    playback = Playback(delay=0.0)
    playback.add(sentence(1, 10, sent=10, final=False))
    (heard,) = playback.heard(-1.0)
    assert heard.text == ""  # 0.2 s of what will be 2.8 s
    assert not heard.complete


def test_only_a_mark_completes_a_sentence() -> None:
    playback = Playback(delay=0.0)
    spoken = sentence(1, 10, sent=10)
    playback.add(spoken)
    assert playback.heard(-5.0) == [HeardSentence(1, TEXT, complete=False)]
    spoken.done = True
    assert playback.heard(-5.0) == [HeardSentence(1, TEXT, complete=True)]


def test_a_new_reply_starts_afresh() -> None:
    playback = Playback(delay=0.0)
    done, playing = sentence(1, 10, sent=10), sentence(2, 10, sent=5)
    done.done = True
    playback.add(done)
    playback.add(playing)
    playback.begin_reply()
    playback.add(sentence(3, 10, sent=0))
    assert [each.sentence_id for each in playback.heard(0.0)] == [3]
    playback.begin_reply(forget=True)
    assert playback.heard(0.0) == []


def test_a_long_reply_is_not_remembered_for_ever() -> None:
    playback = Playback()
    for number in range(1000):
        spoken = sentence(number, 1, sent=1)
        spoken.done = True
        playback.add(spoken)
    assert len(playback.heard(0.0)) < 100


def test_the_text_of_what_was_heard() -> None:
    heard = Heard(
        0,
        (
            HeardSentence(1, "One.", True),
            HeardSentence(2, "", False),
            HeardSentence(3, "Two", False),
        ),
    )
    assert heard.text == "One. Two"
