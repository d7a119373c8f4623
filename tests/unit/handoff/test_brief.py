from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.brief import MAX_TEXT, Attempt, Exchange, Memory
from handoff.commands import Reason, Urgency
from handoff.events import (
    ActionFinished,
    ActionRefused,
    AgentSpoke,
    CallerSilent,
    ComponentFailed,
    DigitPressed,
    Effect,
    HandedBack,
)
from handoff.testing import a_call, a_decision, a_proposal, a_turn


def a_memory(exchanges: int = 6, tried: int = 6) -> Memory:
    return Memory(a_call(), exchanges, tried)


def test_a_brief_says_why_who_what_was_tried_what_is_pending_and_what_to_do() -> None:
    memory = a_memory()
    memory.note(a_turn(1, "send 900 to anna", intent="transfer_money", slots={"amount": "900"}))
    memory.note(a_proposal("transfer_money", amount=900))
    memory.note(
        ActionFinished("action-1", "transfer_money", Effect.IRREVERSIBLE, False, "the bank said no")
    )
    memory.note(AgentSpoke(1, "That did not work.", "apology", pending="another account"))
    brief = memory.brief(a_decision())
    assert brief.why == "Call about transfer money: the caller asked for a person."
    assert brief.who == "+15550100"
    assert brief.intent == "transfer_money"
    assert brief.slots == {"amount": "900"}
    assert brief.tried == (Attempt("transfer money", "the bank said no", False),)
    assert brief.pending == "another account"
    assert [e.text for e in brief.exchanges] == ["send 900 to anna", "That did not work."]
    assert brief.next_step.endswith("Still open: another account.")
    assert brief.urgency is Urgency.MEDIUM


def test_a_brief_of_a_call_without_a_word_still_arrives() -> None:
    brief = a_memory().brief(a_decision())
    assert brief.why == "Call: the caller asked for a person."
    assert brief.exchanges == ()
    assert brief.next_step


def test_a_proposal_that_waits_is_pending_with_its_arguments() -> None:
    memory = a_memory()
    memory.note(a_proposal("transfer_money", amount=50))
    assert memory.brief(a_decision()).pending == "transfer money (amount: 50)"


def test_a_reply_that_was_cut_off_is_shown_as_heard() -> None:
    memory = a_memory()
    memory.note(a_turn(1, "balance"))
    memory.note(AgentSpoke(1, "Your balance is ten dollars. Anything else?", "answer"))
    memory.note(AgentSpoke(1, "Your balance is", "answer"))
    memory.note(AgentSpoke(2, "Sorry?", "question"))
    texts = [e.text for e in memory.brief(a_decision()).exchanges]
    assert texts == ["balance", "Your balance is", "Sorry?"]


def test_silence_digits_and_broken_parts_are_shown() -> None:
    memory = a_memory()
    memory.note(CallerSilent(1, 6.0))
    memory.note(DigitPressed("0"))
    memory.note(ComponentFailed("recognizer", "no worker left"))
    brief = memory.brief(a_decision())
    assert [e.text for e in brief.exchanges] == ["(silence)", "(pressed 0)"]
    assert brief.tried == (Attempt("the recognizer", "no worker left", False),)


def test_the_keys_of_one_entry_are_one_exchange() -> None:
    memory = a_memory()
    for turn, read in enumerate(("•", "••", "•••"), start=1):
        memory.note(DigitPressed("•"))
        memory.note(a_turn(turn, read))
    memory.note(AgentSpoke(3, "Thank you.", "answer"))
    memory.note(DigitPressed("#"))
    memory.note(a_turn(4, "three"))
    texts = [e.text for e in memory.brief(a_decision()).exchanges]
    assert texts == ["(pressed •••)", "Thank you.", "(pressed #)", "three"]


@pytest.mark.parametrize(
    ("keys", "text"),
    [("0", "42 17"), ("•", "42"), ("••", "ok"), ("12", "13"), ("0", "(silence)"), ("•", "- -")],
)
def test_words_after_a_key_are_not_taken_for_keys(keys: str, text: str) -> None:
    memory = a_memory()
    for key in keys:
        memory.note(DigitPressed(key))
    memory.note(a_turn(1, text))
    texts = [e.text for e in memory.brief(a_decision()).exchanges]
    assert texts == [f"(pressed {keys})", text]


@pytest.mark.parametrize("turns", [["1", "12"], ["•", "••"], ["12"], ["1", "2"], ["", ""]], ids=str)
def test_keys_that_came_faster_than_they_were_read_are_shown_once(turns: list[str]) -> None:
    memory = a_memory()
    memory.note(DigitPressed("•"))
    memory.note(DigitPressed("2" if "2" in turns else "•"))
    for number, text in enumerate(turns, start=1):
        memory.note(a_turn(number, text))
    assert len(memory.brief(a_decision()).exchanges) == 1


def test_the_same_number_said_after_it_was_keyed_is_words() -> None:
    memory = a_memory()
    memory.note(DigitPressed("4"))
    memory.note(a_turn(1, "4"))
    memory.note(a_turn(2, "4"))
    assert [e.text for e in memory.brief(a_decision()).exchanges] == ["(pressed 4)", "4"]


def test_keys_without_end_stay_one_short_exchange() -> None:
    memory = a_memory()
    for _ in range(MAX_TEXT + 5):
        memory.note(DigitPressed("7"))
    (keyed,) = memory.brief(a_decision()).exchanges
    assert len(keyed.text) <= MAX_TEXT


def test_answered_means_that_the_caller_has_what_they_asked_for() -> None:
    memory = a_memory()
    memory.note(AgentSpoke(0, "Welcome.", "answer"))
    assert not memory.answered, "a greeting answers nothing"
    memory.note(a_turn(1))
    assert not memory.answered
    memory.note(AgentSpoke(1, "Which account?", "question", pending="the account"))
    assert not memory.answered
    memory.note(a_turn(2, "checking"))
    memory.note(AgentSpoke(2, "It is ten dollars.", "answer"))
    assert memory.answered
    memory.note(a_turn(3, "and the other"))
    memory.note(AgentSpoke(3, "I cannot do that.", "refusal"))
    assert not memory.answered
    memory.note(HandedBack("ann", "sent a form"))
    assert memory.answered


def test_what_was_refused_is_not_open_any_more() -> None:
    memory = a_memory()
    memory.note(a_proposal("transfer_money", amount=900))
    memory.note(ActionRefused("action-1"))
    assert memory.brief(a_decision()).pending is None


def test_the_next_step_follows_the_first_reason_that_has_one() -> None:
    memory = a_memory()
    unknown = Reason("long_call", "the call is taking long", 2.0)
    known = Reason("tool_errors", "something the AI tried has failed", 1.0)
    from dataclasses import replace

    decision = replace(a_decision(), reasons=(unknown, known))
    assert memory.brief(decision).next_step == "Do by hand what the system could not."
    assert memory.brief(replace(decision, reasons=())).next_step.startswith("Say who you are")


@given(st.lists(st.text(max_size=800), max_size=60))
def test_memory_is_bounded_and_the_brief_is_json(texts: list[str]) -> None:
    memory = a_memory(exchanges=4, tried=3)
    for turn, text in enumerate(texts, 1):
        memory.note(a_turn(turn, text))
        memory.note(AgentSpoke(turn, text, "answer"))
        memory.note(ActionFinished(f"a{turn}", "look_up", Effect.READ, True, text))
    brief = memory.brief(a_decision())
    assert len(brief.exchanges) <= 4
    assert len(brief.tried) <= 3
    assert all(len(exchange.text) <= MAX_TEXT for exchange in brief.exchanges)
    again = json.loads(json.dumps(brief.as_dict()))
    assert again["call_id"] == "call-1"
    assert [Exchange(**e) for e in again["exchanges"]] == list(brief.exchanges)
