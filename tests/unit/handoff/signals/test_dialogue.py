from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.events import AgentSpoke, CallerSilent, DialogueFacts
from handoff.signals import CODES, Reading, Signals, dialogue
from handoff.testing import a_turn


def now(reading: Reading, code: str) -> float:
    return reading.now[CODES.index(code)]


class TestWords:
    def test_a_request_said_again_is_a_repeat_and_nearly_again_a_rephrasing(self) -> None:
        signals = Signals(0.0)
        signals.turn(a_turn(1, "I want to block my stolen card"), 1.0)
        same = signals.turn(a_turn(2, "block my stolen card please"), 2.0)
        assert now(same, "repeats") == 1.0
        assert now(same, "rephrasing") == 0.0
        near = signals.turn(a_turn(3, "block that stolen bank card"), 3.0)
        assert now(near, "repeats") == 0.0
        assert now(near, "rephrasing") == 1.0
        other = signals.turn(a_turn(4, "what are your opening hours"), 4.0)
        assert now(other, "repeats") == now(other, "rephrasing") == 0.0

    def test_a_similar_question_after_an_answer_or_with_a_new_detail_is_no_rephrasing(self) -> None:
        signals = Signals(0.0)
        signals.turn(a_turn(1, "balance of my savings account"), 1.0)
        signals.note(AgentSpoke(1, "Ten dollars.", "answer"))
        served = signals.turn(a_turn(2, "balance of my checking account"), 2.0)
        assert now(served, "rephrasing") == 0.0
        detail = a_turn(3, "balance of my blue account", slots={"account": "blue"})
        assert now(signals.turn(detail, 3.0), "rephrasing") == 0.0
        signals.note(AgentSpoke(3, "Which account?", "question", pending="the account"))
        again = a_turn(4, "the balance of that blue one", slots={"account": "blue"})
        assert now(signals.turn(again, 4.0), "rephrasing") == 1.0

    def test_short_answers_repeat_rightly(self) -> None:
        signals = Signals(0.0)
        signals.turn(a_turn(1, "yes"), 1.0)
        assert now(signals.turn(a_turn(2, "yes please"), 2.0), "repeats") == 0.0

    @given(st.text(), st.text())
    def test_overlap_is_a_similarity(self, one: str, other: str) -> None:
        a, b = dialogue.content_words(one), dialogue.content_words(other)
        assert dialogue.overlap(a, b) == dialogue.overlap(b, a)
        assert 0.0 <= dialogue.overlap(a, b) <= 1.0
        assert dialogue.overlap(a, a) in (0.0, 1.0)


def test_a_call_is_long_after_a_routine_calls_length() -> None:
    counter = dialogue.Dialogue(0.0)
    for turn in range(1, 40):
        counter.spoke(a_turn(turn, f"turn {turn}"))
        expected = min(1.0, max(0, turn - 12) / 12)
        assert counter.long() == pytest.approx(expected)


def test_silence_resets_the_count_of_no_matches_no_more_than_speech_that_of_silences() -> None:
    counter = dialogue.Dialogue(0.0)
    lost = a_turn(1, "x", dialogue=DialogueFacts(no_match=True))
    counter.spoke(lost)
    counter.silent(CallerSilent(2, 5))
    counter.spoke(lost)
    assert counter.no_matches == 2, "silence between two no-matches is no success"
    assert counter.silences == 0
