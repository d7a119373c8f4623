from __future__ import annotations

import pytest

from voice_hitl.call.transcript import Transcript


def test_a_partial_line_is_replaced_until_it_is_final() -> None:
    transcript = Transcript()
    first = transcript.caller_partial("what is", 1.0)
    second = transcript.caller_partial("what is my", 2.0)
    final = transcript.caller_final("what is my balance", 3.0, confidence=0.9)
    assert first.seq == second.seq == final.seq == 0
    assert (final.final, final.at, final.confidence) == (True, 1.0, 0.9)
    assert transcript.lines == (final,)


def test_the_next_turn_of_the_caller_is_a_new_line() -> None:
    transcript = Transcript()
    transcript.caller_final("hello", 1.0, 1.0)
    assert transcript.caller_partial("yes", 2.0).seq == 1


def test_lines_of_others_do_not_take_a_partial_lines_place() -> None:
    transcript = Transcript()
    transcript.caller_partial("wait", 1.0)
    agent = transcript.add("agent", "Your balance is", 1.5)
    final = transcript.caller_final("wait a moment", 2.0, 0.8)
    assert (final.seq, agent.seq) == (0, 1)


def test_what_was_heard_replaces_what_was_said() -> None:
    transcript = Transcript()
    line = transcript.add("agent", "Your balance is ten dollars.", 1.0)
    assert line.as_heard == "Your balance is ten dollars."
    assert transcript.heard(line.seq, "Your balance").as_heard == "Your balance"
    assert transcript.heard(line.seq, "").as_heard == ""


def test_an_unknown_line_cannot_have_been_heard() -> None:
    with pytest.raises(IndexError):
        Transcript().heard(0, "x")
