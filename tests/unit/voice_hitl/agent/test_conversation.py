from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from voice_hitl.agent.flow import FlowAgent, Models
from voice_hitl.agent.guard import HIDDEN
from voice_hitl.agent.pack import Pack, load_pack
from voice_hitl.agent.protocol import Heard, Understanding
from voice_hitl.agent.spec import StepSpec
from voice_hitl.agent.testing import TextCall
from voice_hitl.errors import AgentError
from voice_hitl.language import Hypothesis

PACK = load_pack("banking")
Start = Callable[..., TextCall]


@pytest.fixture
def start(models: Models, tmp_path: Path) -> Start:
    """Start a call to the banking pack, with flows of one's own."""

    def call(**flows: list[Mapping[str, Any]]) -> TextCall:
        steps = {
            name: tuple(StepSpec.model_validate(step) for step in each)
            for name, each in flows.items()
        }
        agent = PACK.agent.model_copy(update={"flows": {**PACK.agent.flows, **steps}})
        pack: Pack = dataclasses.replace(PACK, agent=agent)
        return TextCall(FlowAgent(pack, tmp_path, models=models))

    return call


async def test_flows_that_lead_in_a_circle_are_an_agent_error(start: Start) -> None:
    call = start(opening_hours=[{"goto": "find_branch"}], find_branch=[{"goto": "opening_hours"}])
    with pytest.raises(AgentError, match="leads in a circle"):
        await call.say("what are your opening hours")


async def test_an_understanding_of_someone_else_is_an_agent_error(start: Start) -> None:
    call = start()
    own = call.conversation.understand(Heard(Hypothesis("hello")))
    foreign: Understanding = dataclasses.replace(own, state=None)
    with pytest.raises(AgentError, match="not of this agent"):
        await anext(aiter(call.conversation.respond(foreign, safe_mode=False)))


async def test_understanding_alone_changes_no_state(start: Start) -> None:
    call = start()
    for text in ("transfer ten dollars from checking", "what is my balance", "goodbye"):
        call.conversation.understand(Heard(Hypothesis(text)))
    reply = await call.say("what are your opening hours")
    assert "Which branch" in reply.text


async def test_a_turn_that_goes_on_is_read_as_if_its_beginning_had_not_come(start: Start) -> None:
    beginning = "transfer ten dollars from checking"
    whole = Heard(Hypothesis(f"{beginning} to savings"), goes_on=True)
    call, other = start(), start()
    before = call.conversation.understand(Heard(Hypothesis(beginning)))
    async for _ in call.conversation.respond(before, safe_mode=False):
        pass
    for _ in range(2):  # and may go on once more
        found = call.conversation.understand(whole)
        async for _ in call.conversation.respond(found, safe_mode=False):
            pass
    fresh = other.conversation.understand(dataclasses.replace(whole, goes_on=False))
    assert not found.dialogue.repeat
    assert (found.intent, found.dialogue, found.slots) == (
        fresh.intent,
        fresh.dialogue,
        fresh.slots,
    )
    again = call.conversation.understand(Heard(Hypothesis(f"{beginning} to savings")))
    assert again.dialogue.repeat


async def test_digits_that_go_on_do_not_answer_the_next_question(start: Start) -> None:
    call = start()
    await call.say("what is my balance")
    pending = call.conversation.understand(Heard(Hypothesis("four three two one")))
    async for _ in call.conversation.respond(pending, safe_mode=False):
        pass
    whole = Heard(Hypothesis("four three two one thank you"), goes_on=True)
    assert call.conversation.understand(whole).slots == pending.slots


def test_the_greeting_ends_with_a_question(start: Start) -> None:
    conversation = start().conversation
    greeting = conversation.greeting()
    assert [sentence.kind for sentence in greeting][-1] == "question"
    assert " ".join(sentence.text for sentence in greeting) == " ".join(PACK.greeting)


async def test_what_is_expected_follows_the_question(start: Start) -> None:
    call = start()
    free = await call.say("hello")
    assert free.done.expectation.phrases == ()
    asked = await call.say("i lost my card")
    assert {"debit card", "credit card"} <= set(asked.done.expectation.phrases)
    confirm = await call.say("debit")
    assert {"yes", "no"} <= set(confirm.done.expectation.phrases)


async def test_a_confirmation_may_lead_elsewhere_on_no(start: Start) -> None:
    call = start(
        find_branch=[
            {"confirm": "By car?", "on_no": {"tell": "Then on foot.", "goto": "walking"}},
            {"tell": "Drive."},
        ],
        walking=[{"tell": "Walk."}],
    )
    await call.say("where is the nearest branch")
    reply = await call.say("no")
    assert reply.text.startswith("Then on foot. Walk.")


async def test_completeness_knows_what_was_asked(start: Start) -> None:
    call = start()
    await call.say("transfer ten dollars from checking to savings")
    assert call.conversation.completeness("four three") < 0.3
    assert call.conversation.completeness("four three two one") > 0.9


async def test_nothing_but_goodbye_after_goodbye(start: Start) -> None:
    call = start()
    first = await call.say("goodbye")
    assert not first.done.end_call  # nothing has been done yet: perhaps it was misheard
    assert (await call.say("goodbye")).done.end_call
    reply = await call.say("what is my balance")
    assert reply.done.end_call
    assert reply.acted == ()


async def test_digits_that_nobody_asked_for_are_ignored(start: Start) -> None:
    call = start()
    reply = await call.key("0")
    assert reply.sentences == ()
    assert not reply.understanding.dialogue.no_match


async def test_the_agent_says_when_it_waits_for_a_number_that_may_be_keyed_in(start: Start) -> None:
    call = start()
    assert not (await call.say("transfer ten dollars from checking")).done.awaits_keys
    assert (await call.say("to savings")).done.awaits_keys
    assert (await call.key("4")).done.awaits_keys


async def test_the_intent_facts_of_an_answer_are_those_of_its_flow(start: Start) -> None:
    call = start()
    await call.say("transfer ten dollars from checking")
    facts = (await call.say("to savings")).understanding.intent
    assert (facts.name, facts.category, facts.novelty) == ("transfer", "financial", 0.0)
    assert facts.probability > 0.9


@pytest.fixture
def secretive(models: Models, tmp_path: Path) -> TextCall:
    """A call to the banking pack, whose digits of the card nobody is shown."""
    slots = dict(PACK.agent.slots)
    slots["last_four"] = slots["last_four"].model_copy(update={"sensitive": True})
    pack = dataclasses.replace(PACK, agent=PACK.agent.model_copy(update={"slots": slots}))
    return TextCall(FlowAgent(pack, tmp_path, models=models))


async def test_what_is_sensitive_is_told_to_nobody_and_known_to_the_agent(
    secretive: TextCall,
) -> None:
    asked = await secretive.say("move fifty dollars from checking to savings")
    assert (asked.done.sensitive, asked.understanding.hides) == (True, False)
    assert asked.understanding.text == "move fifty dollars from checking to savings"
    given = await secretive.say("my card ends in four three two one")
    assert given.understanding.hides
    assert given.understanding.text == f"my card ends in {HIDDEN}"
    assert given.understanding.slots["last_four"] == HIDDEN
    assert "Is that right" in given.text  # it was checked with the bank
    assert not given.done.sensitive


async def test_what_is_sensitive_is_hidden_though_nobody_asked(secretive: TextCall) -> None:
    words = "move fifty dollars from checking to savings my card number ends in four three two one"
    given = await secretive.say(words)
    assert given.understanding.slots["last_four"] == HIDDEN
    assert given.understanding.hides
    assert "four three" not in given.understanding.text
    done = await secretive.say("yes")
    (proposal,) = done.proposals
    assert "four three" not in proposal.reasoning
    assert HIDDEN in proposal.reasoning


async def test_keys_for_what_is_sensitive_are_hidden(secretive: TextCall) -> None:
    await secretive.say("move fifty dollars from checking to savings")
    for keys, shown in (("43", "••"), ("2", "•••"), ("1", "••••")):
        given = await secretive.key(keys)
        assert (given.understanding.text, given.understanding.hides) == (shown, True)
    assert "Is that right" in given.text


async def test_another_answer_to_a_sensitive_question_is_shown(secretive: TextCall) -> None:
    await secretive.say("move fifty dollars from checking to savings")
    other = await secretive.say("i want to talk to a person")
    assert (other.understanding.hides, other.done.sensitive) == (False, True)
    assert other.understanding.text == "i want to talk to a person"
