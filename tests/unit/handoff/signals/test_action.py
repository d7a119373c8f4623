from __future__ import annotations

from handoff.events import ActionFinished, AgentSpoke, Effect
from handoff.signals import action
from handoff.testing import a_proposal


def test_actions_keep_the_weightiest_proposal() -> None:
    counter = action.Actions()
    counter.proposed(a_proposal(effect=Effect.IRREVERSIBLE, amount=10))
    counter.proposed(a_proposal(effect=Effect.READ, amount=None))
    assert counter.read()["action.irreversibility"] == 1.0
    assert counter.read()["action.amount"] == 10.0


def test_failures_and_apologies_are_counted_until_the_next_turn() -> None:
    counter = action.Actions()
    counter.finished(ActionFinished("a", "look_up", Effect.READ, True, "found"))
    counter.finished(ActionFinished("b", "look_up", Effect.READ, False, "gone"))
    counter.spoke(AgentSpoke(1, "Sorry.", "apology"))
    counter.spoke(AgentSpoke(2, "I may not do that.", "refusal"))
    counter.spoke(AgentSpoke(3, "Ten dollars.", "answer"))
    assert counter.read()["action.tool_errors"] == 1.0
    assert counter.read()["action.apologies"] == 2.0
    counter.next_turn()
    assert set(counter.read().values()) == {0.0}
