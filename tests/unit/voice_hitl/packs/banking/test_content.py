"""What the banking pack promises: enough examples, a policy that the core accepts, nothing unsaid."""

from __future__ import annotations

from handoff.policy import Policy
from voice_hitl.agent.corpus import PLACEHOLDER
from voice_hitl.agent.pack import load_pack
from voice_hitl.agent.text import plain

PACK = load_pack("banking")


def test_every_intent_has_enough_and_different_examples() -> None:
    for name, intent in PACK.agent.intents.items():
        assert len(set(intent.examples)) == len(intent.examples), name
        assert len({plain(text) for text in intent.examples}) >= 25, name
    templated = sum(
        bool(PLACEHOLDER.search(text))
        for intent in PACK.agent.intents.values()
        for text in intent.examples
    )
    assert templated >= 40


def test_no_sentence_is_an_example_of_two_intents() -> None:
    seen: dict[tuple[str, ...], str] = {}
    for name, intent in PACK.agent.intents.items():
        for text in intent.examples:
            assert seen.setdefault(plain(text), name) == name, text


def test_the_policy_is_one_the_core_accepts_and_knows_the_regulated_tools() -> None:
    policy = Policy.from_mapping(PACK.policy, str(PACK.policy_path))
    assert policy.name == "banking"
    for tool in PACK.agent.tools.values():
        assert tool.regulated is None or tool.regulated in policy.regulated


def test_guidelines_fit_on_a_screen() -> None:
    assert len(PACK.guidelines.split()) < 400


def test_whatever_is_used_is_declared_and_whatever_is_declared_is_used() -> None:
    agent = PACK.agent
    steps = [step for flow in agent.flows.values() for step in flow]
    assert {step.run for step in steps if step.run} == set(agent.tools)
    reached = {intent.flow for intent in agent.intents.values() if intent.flow}
    reached |= {step.goto for step in steps if step.goto}
    assert reached == set(agent.flows)
