"""The builders; `MemoryStore` is held to the stores' contract in tests/contract/storage."""

from __future__ import annotations

from handoff.engine import CallEngine
from handoff.events import Effect
from handoff.policy import Policy
from handoff.testing import a_bad_turn, a_call, a_decision, a_proposal, a_turn


def test_a_turn_goes_well_and_a_bad_turn_does_not() -> None:
    risks = []
    for turn in (a_turn(), a_bad_turn()):
        engine = CallEngine(a_call(), Policy(), now=0.0)
        engine.handle(turn, 1.0)
        risks.append(engine.snapshot().risk)
    assert risks[0] < 0.1 < 0.3 < risks[1]


def test_builders_take_what_they_are_given() -> None:
    assert a_call("x", caller="+1", pack="claims").pack == "claims"
    assert a_turn(4, "no", slots={"a": "b"}).slots == {"a": "b"}
    assert a_decision("x").call_id == "x"
    proposal = a_proposal("look_up", Effect.READ, amount=None)
    assert (proposal.name, proposal.effect, proposal.arguments) == ("look_up", Effect.READ, {})
