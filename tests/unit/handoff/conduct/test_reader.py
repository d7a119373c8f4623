from __future__ import annotations

from dataclasses import replace

from handoff.conduct import ConductReader
from handoff.conduct.reading import OPEN
from handoff.events import (
    ActionFinished,
    ActionProposed,
    AgentSpoke,
    CallerSpoke,
    CallStarted,
    Effect,
    IntentFacts,
    SpeechFacts,
)

SLOTS = {"source": "checking", "target": "savings", "amount": "1500"}


def said(turn: int, text: str) -> CallerSpoke:
    return CallerSpoke(turn, text, SpeechFacts(0.9), IntentFacts("transfer", 0.9), slots=SLOTS)


def proposed(effect: Effect = Effect.IRREVERSIBLE, **arguments: str) -> ActionProposed:
    return ActionProposed("a1", "transfer", arguments or SLOTS, effect, amount=1500.0)


def confirmed() -> ConductReader:
    reader = ConductReader()
    reader.handle(CallStarted("c1", "+1", "banking"))
    reader.handle(said(1, "move fifteen hundred dollars from checking to savings"))
    reader.handle(AgentSpoke(1, "Move $1,500 from checking to savings", "confirmation"))
    reader.handle(said(2, "yes"))
    return reader


def test_only_proposals_that_change_something_are_judged() -> None:
    reader = confirmed()
    assert reader.handle(said(3, "hello")) is None
    assert reader.handle(proposed(Effect.READ)) is None
    assert reader.handle(proposed(Effect.REVERSIBLE)) is not None


def test_an_agreed_action_is_calmer_than_one_out_of_the_blue() -> None:
    calm = confirmed().handle(proposed())
    blue = ConductReader().handle(proposed())
    assert calm is not None
    assert blue is not None
    assert calm.probability < blue.probability
    assert not {"unconfirmed", "unspoken_details"} & {reason.code for reason in calm.reasons}


def test_a_failure_a_refusal_and_insistence_raise_the_risk() -> None:
    reader = confirmed()
    first = reader.handle(proposed())
    reader.handle(ActionFinished("a1", "transfer", Effect.IRREVERSIBLE, False, "not possible"))
    reader.handle(AgentSpoke(2, "That did not go through", "refusal"))
    reader.handle(said(3, "but I need it, try again"))
    second = reader.handle(proposed())
    assert first is not None
    assert second is not None
    assert second.probability > first.probability + 0.2


def test_a_second_report_of_one_reply_replaces_the_first() -> None:
    reader = ConductReader()
    reader.handle(AgentSpoke(1, "I cannot do that", "refusal"))
    reader.handle(AgentSpoke(1, "Move $1,500?", "confirmation"))
    reader.handle(said(2, "yes"))
    risk = reader.handle(proposed())
    assert risk is not None
    assert "refused_before" not in {reason.code for reason in risk.reasons}
    assert "unconfirmed" not in {reason.code for reason in risk.reasons}


def test_what_was_thought_of_an_action_is_known_by_its_id_and_forgotten_in_the_end() -> None:
    reader = confirmed()
    judged = reader.handle(proposed())
    assert judged is not None
    assert reader.risk("a1") == judged
    assert reader.risk("a2") is None
    for number in range(OPEN):
        reader.handle(replace(proposed(), action_id=f"b{number}"))
    assert reader.risk("a1") is None
    assert reader.risk("b0") is not None
    reader.handle(replace(proposed(Effect.READ), action_id="b0"))
    assert reader.risk("b0") is None, "another action of the same name"
