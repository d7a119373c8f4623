from __future__ import annotations

from handoff.commands import Reason, Urgency
from handoff.events import ActionFinished, DialogueFacts, Effect
from handoff.policy import Policy
from handoff.signals.dialogue import Dialogue
from handoff.testing import a_proposal, a_turn
from handoff.triggers import WEIGHT, WORDS, Triggers, by_urgency, urgency_of


def test_several_triggers_are_named_the_weightiest_first() -> None:
    triggers, dialogue = Triggers(Policy()), Dialogue(0.0)
    event = a_turn(1, dialogue=DialogueFacts(wants_person=1.0, emergency=True))
    dialogue.spoke(event)
    found = triggers.of_turn(event, dialogue)
    assert found == ["emergency", "explicit_request"]
    reasons = triggers.reasons(found)
    assert [r.code for r in reasons] == found
    assert reasons[0].weight == WEIGHT > reasons[1].weight
    assert urgency_of(found, ()) is Urgency.CRITICAL


def test_the_most_urgent_comes_first_and_each_once() -> None:
    codes = ["silences", "digit_zero", "regulated", "over_limit", "digit_zero", "emergency"]
    in_order = ["emergency", "regulated", "digit_zero", "over_limit", "silences"]
    assert by_urgency(codes) == in_order
    assert by_urgency([]) == []


def test_a_policy_may_want_the_request_for_a_person_twice_in_a_row() -> None:
    policy = Policy.from_mapping({"triggers": {"explicit_request": {"count": 2}}}, "p")
    triggers, dialogue = Triggers(policy), Dialogue(0.0)
    wants, not_now = a_turn(1, dialogue=DialogueFacts(wants_person=0.8)), a_turn(2)
    assert triggers.of_turn(wants, dialogue) == []
    assert triggers.of_turn(not_now, dialogue) == []
    assert triggers.of_turn(wants, dialogue) == []
    assert triggers.of_turn(wants, dialogue) == ["explicit_request"]


def test_a_regulated_category_is_named_and_an_unknown_one_counts() -> None:
    triggers = Triggers(Policy())
    for category, words in (("claim_denial", "denying a claim"), ("new_thing", "new thing")):
        assert triggers.between_turns(a_proposal(regulated=category)) == ["regulated"]
        assert triggers.reasons(["regulated"])[0].words.endswith(words)


def test_a_reset_forgets_counts() -> None:
    policy = Policy.from_mapping({"triggers": {"irreversible_failed": {"count": 2}}}, "p")
    triggers = Triggers(policy)
    failed = ActionFinished("a", "pay", Effect.IRREVERSIBLE, False, "no")
    assert triggers.between_turns(failed) == []
    triggers.reset()
    assert triggers.between_turns(failed) == []
    assert triggers.between_turns(failed) == ["irreversible_failed"]


def test_every_trigger_of_the_policy_has_words() -> None:
    assert set(WORDS) == {*type(Policy().triggers).model_fields, "takeover"}


def test_frustration_that_leads_is_urgent() -> None:
    angry = Reason("frustration", "the caller sounds frustrated", 3.0)
    other = Reason("latency", "the AI answers too slowly", 4.0)
    assert urgency_of([], (angry,)) is Urgency.HIGH
    assert urgency_of([], (other, angry)) is Urgency.MEDIUM
    assert urgency_of(["silences"], ()) is Urgency.LOW
