from __future__ import annotations

from typing import Any

import pytest

from handoff.errors import PolicyError
from handoff.events import Effect
from handoff.policy import Policy
from handoff.policy.oversight import Mode, Rule

SECTION = {
    "irreversible": {"mode": "on"},
    "packs": {"claims": {"irreversible": {"mode": "in"}, "read": {"mode": "on"}}},
    "actions": {"refund": {"mode": "out", "risky": "on"}},
}


@pytest.mark.parametrize(
    ("action", "pack", "effect", "mode"),
    [
        ("refund", "claims", Effect.IRREVERSIBLE, Mode.OUT),  # the action's own
        ("close", "claims", Effect.IRREVERSIBLE, Mode.IN),  # the pack's
        ("look", "claims", Effect.READ, Mode.ON),
        ("note", "claims", Effect.REVERSIBLE, Mode.OUT),  # the pack has none: the general one
        ("close", "banking", Effect.IRREVERSIBLE, Mode.ON),
        ("look", "banking", Effect.READ, Mode.OUT),
    ],
)
def test_action_comes_before_pack_before_effect(
    action: str, pack: str, effect: Effect, mode: Mode
) -> None:
    policy = Policy.from_mapping({"oversight": SECTION}, "here")
    assert policy.oversight.rule_for(action, pack, effect).mode is mode


@pytest.mark.parametrize(
    ("section", "where"),
    [
        ({"read": {"mode": "in", "risky": "on"}}, "'risky' must not be looser"),
        ({"actions": {"refund": {"mode": "sometimes"}}}, "actions.refund.mode"),
        ({"actions": {"refund": {"risk": 101}}}, "actions.refund.risk"),
        ({"actions": {"refund": {"seconds": 0}}}, "actions.refund.seconds"),
        ({"packs": {"claims": {"delete": {}}}}, "packs.claims.delete"),
        ({"veto_seconds": 0}, "veto_seconds"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(section: dict[str, Any], where: str) -> None:
    with pytest.raises(PolicyError, match=where):
        Policy.from_mapping({"oversight": section}, "here")


def test_another_rule_is_another_policy() -> None:
    policy = Policy.from_mapping({"oversight": SECTION}, "here")
    assert policy.version != Policy().version
    assert Policy.from_mapping(policy.model_dump(mode="json"), "here") == policy


def test_a_rule_that_says_nothing_asks_a_person_when_it_gets_risky() -> None:
    assert (Rule().mode, Rule().risky, Rule().risk) == (Mode.OUT, Mode.IN, None)
