from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff import events as facts
from handoff.commands import Decision, KeepDecision, ResumeAgent
from handoff.policy import Policy
from handoff.replay import replay
from handoff.risk import SHIPPED
from handoff.testing import a_call, a_proposal, a_turn
from voice_hitl.call.masking import (
    MaskingEngine,
    masked,
    masked_keys,
    masked_values,
    masked_words,
    unmasked_values,
)

CARD = "4111 1111 1111 1111"
HIDDEN = "••••••••••••1111"
WORDS = st.sampled_from(
    [CARD, CARD.replace(" ", ""), "four one one one one one one one", "yes", "no not that", "200"]
)


def decided(engine: MaskingEngine) -> list[Decision]:
    return [c.decision for c in engine.take_commands() if isinstance(c, KeepDecision)]


def test_what_people_and_agents_say_and_write_is_masked_and_nothing_else_is() -> None:
    spoke = masked(replace(a_turn(1), text=f"my card is {CARD}", slots={"card": CARD, "n": "42"}))
    assert isinstance(spoke, facts.CallerSpoke)
    assert (spoke.text, spoke.slots) == (f"my card is {HIDDEN}", {"card": HIDDEN, "n": "42"})
    answer = facts.AgentSpoke(1, CARD, "answer", pending=CARD)
    assert masked(answer) == facts.AgentSpoke(1, HIDDEN, "answer", pending=HIDDEN)
    assert masked(facts.AgentSpoke(1, "hello", "answer")) == facts.AgentSpoke(1, "hello", "answer")
    acted = facts.ActionFinished(CARD, "pay", facts.Effect.READ, True, f"paid 1000 to {CARD}")
    assert masked(acted) == replace(acted, result=f"paid 1000 to {HIDDEN}")
    for event, hidden in (
        (facts.ComponentFailed("tool", CARD), facts.ComponentFailed("tool", HIDDEN)),
        (facts.SecondOpinion(1, CARD), facts.SecondOpinion(1, HIDDEN)),
    ):
        assert masked(event) == hidden
    assert masked(facts.OperatorLost(CARD)) == facts.OperatorLost(CARD)


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ("0", "0"),
        ("5", "•"),
        ("00", "••"),
        ("1234567", "•••••••"),
        ("12345678", "••••5678"),
        ("#", "#"),
        ("*12#", "*••#"),
        ("", ""),
    ],
)
def test_keys_may_be_a_pin_and_are_hidden(keys: str, shown: str) -> None:
    assert masked_keys(keys) == shown


def test_the_core_hears_of_a_zero_and_of_no_other_digit() -> None:
    engine = MaskingEngine(a_call(), Policy(), 100.0)
    for digit in "58#0":
        engine.handle(facts.DigitPressed(digit), 101.0)
    kept = [fact.values["digit"] for fact in engine.take_facts() if "digit" in fact.values]
    assert kept == ["•", "•", "#", "0"]
    assert [decision.reasons[0].code for decision in decided(engine)] == ["digit_zero"]


def test_the_note_of_a_hand_back_is_kept_masked_and_said_as_it_is() -> None:
    engine = MaskingEngine(a_call(), Policy(), 100.0)
    engine.handle(facts.OperatorAssigned("ana", "Ana", 1), 101.0)
    engine.handle(facts.BridgeUp("ana", 1), 102.0)
    engine.handle(facts.HandedBack("ana", CARD, 1), 103.0)
    (resumed,) = [c for c in engine.take_commands() if isinstance(c, ResumeAgent)]
    assert resumed.note == CARD
    assert engine.take_facts()[-1].values == {"operator_id": "ana", "note": HIDDEN, "epoch": 1}


NUMBERS = st.sampled_from([CARD, CARD.replace(" ", ""), "50", "checking", "••••1111", ""])


@given(st.dictionaries(st.sampled_from("abc"), NUMBERS))
def test_what_was_shown_hidden_and_left_so_is_what_it_was(known: dict[str, str]) -> None:
    assert unmasked_values(masked_values(known), known) == known


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"card": HIDDEN, "n": "7"}, {"card": CARD, "n": "7"}),
        ({"card": "5555", "n": "7"}, {"card": "5555", "n": "7"}),
        ({"card": HIDDEN[:-1] + "2", "n": "7"}, {"n": "7"}),
        ({"card": "", "n": HIDDEN}, {"card": ""}),
        ({"other": HIDDEN}, {}),
    ],
)
def test_a_hidden_number_cannot_be_changed_in_part(
    said: dict[str, str], meant: dict[str, str]
) -> None:
    assert unmasked_values(said, {"card": CARD, "n": "42"}) == meant


SECRETS = {"account_number": "12345678", "pin": "4821", "ssn": "078-05-1120", "amount": "50"}
SEEN = {"account_number": "••••5678", "pin": "••••", "ssn": "•••-••-••••", "amount": "50"}


def test_slots_and_arguments_are_hidden_by_what_they_are() -> None:
    spoke = masked(replace(a_turn(1), slots=SECRETS))
    assert isinstance(spoke, facts.CallerSpoke)
    assert spoke.slots == SEEN
    proposed = masked(replace(a_proposal(), arguments=SECRETS))
    assert isinstance(proposed, facts.ActionProposed)
    assert proposed.arguments == SEEN
    assert unmasked_values(SEEN, SECRETS) == SECRETS


def test_sensitive_arguments_are_hidden_whole_wherever_they_stand() -> None:
    known = {"word": "Mallard", "amount": "50"}
    shown = masked_values(known, ("word", "other"))
    assert shown == {"word": "••••", "amount": "50"}
    assert masked_values(shown, ("word",)) == shown
    text = "Pay 50, the word is mallard, not mallards"
    assert masked_words(text, known, ("word",)) == "Pay 50, the word is ••••, not mallards"
    assert unmasked_values({**shown, "amount": "40"}, known, ("word",)) == {**known, "amount": "40"}
    assert unmasked_values({"word": "Teal"}, known, ("word",)) == {"word": "Teal"}


@pytest.mark.parametrize("keys", ["0", "4321", "12345678#", "*#"])
def test_keys_for_something_sensitive_show_no_digit(keys: str) -> None:
    shown = masked_keys(keys, sensitive=True)
    assert len(shown) == len(keys)
    assert not any(each.isdigit() for each in shown)


def test_words_about_arguments_show_no_more_than_the_arguments() -> None:
    text = "Pay 50 from 12345678 with 4821 for 078-05-1120"
    assert masked_words(text, SECRETS) == "Pay 50 from ••••5678 with •••• for •••-••-••••"


@settings(max_examples=50)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6))
def test_a_call_is_decided_again_from_what_is_kept_as_it_was(said: list[tuple[str, str]]) -> None:
    policy, now = Policy(), 100.0
    engine = MaskingEngine(a_call(), policy, now)
    made: list[Decision] = []
    for turn, (text, slot) in enumerate(said, start=1):
        spoke = replace(a_turn(turn), text=text, slots={"account": slot})
        proposed = replace(a_proposal(action_id=f"a{turn}"), arguments={"to": slot, "amount": "50"})
        for event in (spoke, proposed, facts.AgentSpoke(turn, f"about {text}", "answer")):
            now += 1.0
            engine.handle(event, now)
            made += decided(engine)
    kept = engine.take_facts()
    assert "1111 1111" not in repr(kept)
    assert "11111111" not in repr(kept)
    assert replay(kept, policy, SHIPPED) == made
