from __future__ import annotations

from typing import Any

import pytest

from voice_hitl.agent.frames import Ask, Confirm, End, Frame, Goto, Run, Say, Walker, applies
from voice_hitl.agent.slots import SlotValue
from voice_hitl.agent.spec import AgentSpec, StepSpec
from voice_hitl.errors import AgentError

ASK = ["Which?", "Which one?"]
SPEC: dict[str, Any] = {
    "intents": {
        "pay": {"label": "paying", "flow": "pay", "examples": ["pay"] * 5},
    },
    "slots": {
        "amount": {"type": "amount", "title": "amount", "ask": ASK},
        "day": {"type": "date", "title": "day", "ask": ASK},
    },
    "tools": {
        "check": {
            "effect": "read",
            "summary": "Check",
            "arguments": ["amount"],
            "optional": ["day"],
            "returns": ["status"],
        },
        "pay": {"effect": "reversible", "summary": "Pay {amount}", "arguments": ["amount"]},
    },
    "flows": {
        "pay": [
            {"ask": "amount"},
            {"run": "check"},
            {"tell": "Too much.", "when": {"status": "over"}, "forget": ["amount"]},
            {"goto": "other", "when": {"status": "odd"}},
            {"tell": "Paying {amount}."},
            {"confirm": "Pay {amount}?"},
            {"run": "pay"},
        ],
        "other": [{"tell": "Odd.", "stop": True}],
        "careless": [{"ask": "amount"}, {"run": "pay"}],
    },
}
WALKER = Walker(AgentSpec.model_validate(SPEC))


def value(slot: str, text: str) -> SlotValue:
    return SlotValue(slot, text, text, text)


def walked(frame: Frame, status: str = "ok") -> list[str]:
    """Walk on, answering every plan, until the caller is needed or the flow ends."""
    seen = []
    for _ in range(20):
        plan = WALKER.plan(frame, {})
        seen.append(type(plan).__name__ + (f":{plan.name}" if isinstance(plan, Run) else ""))
        if isinstance(plan, (Ask, Confirm, End, Goto)):
            return seen
        if isinstance(plan, Run) and plan.name == "check":
            frame.results["status"] = status
        WALKER.done(frame, plan, {})
        if isinstance(plan, Say):
            frame.forget(plan.step.forget)
    raise AssertionError("walks in a circle")


def test_a_flow_from_top_to_end() -> None:
    frame = Frame("pay", "pay")
    assert WALKER.plan(frame, {}) == Ask("amount")
    frame.values["amount"] = value("amount", "5.00")
    assert walked(frame) == ["Run:check", "Say", "Confirm"]
    plan = WALKER.plan(frame, {})
    assert isinstance(plan, Confirm)
    WALKER.done(frame, plan, {})
    assert walked(frame) == ["Run:pay", "End"]


def test_a_correction_runs_just_what_it_concerns_again() -> None:
    frame = Frame("pay", "pay", {"amount": value("amount", "5.00")})
    walked(frame)
    plan = WALKER.plan(frame, {})
    assert isinstance(plan, Confirm)
    WALKER.done(frame, plan, {})
    frame.values["amount"] = value("amount", "7.00")
    assert walked(frame) == ["Run:check", "Say", "Confirm"]


def test_an_unchanged_confirmation_is_not_asked_twice() -> None:
    frame = Frame("pay", "pay", {"amount": value("amount", "5.00")})
    walked(frame)
    plan = WALKER.plan(frame, {})
    assert isinstance(plan, Confirm)
    WALKER.done(frame, plan, {})
    frame.values["day"] = value("day", "2025-03-03")  # not read back, so it changes nothing
    assert walked(frame) == ["Run:check", "Run:pay", "End"]


def test_a_step_that_forgets_is_told_each_time() -> None:
    frame = Frame("pay", "pay", {"amount": value("amount", "5.00")})
    assert walked(frame, "over") == ["Run:check", "Say", "Ask"]
    frame.values["amount"] = value("amount", "6.00")
    assert walked(frame, "over") == ["Run:check", "Say", "Ask"]


def test_goto_and_conditions() -> None:
    frame = Frame("pay", "pay", {"amount": value("amount", "5.00")})
    assert walked(frame, "odd")[-1] == "Goto"
    step = StepSpec.model_validate({"tell": "x", "when": {"a": "1"}, "unless": {"b": "2"}})
    assert applies(step, {"a": "1"})
    assert not applies(step, {"a": "1", "b": "2"})
    assert not applies(step, {})


def test_nothing_runs_unconfirmed_even_if_a_pack_got_past_the_checks() -> None:
    frame = Frame("careless", "pay", {"amount": value("amount", "5.00")})
    with pytest.raises(AgentError, match="would run pay before the caller confirmed it"):
        WALKER.plan(frame, {})


def test_what_comes_next_and_what_a_flow_wants() -> None:
    frame = Frame("pay", "pay", {"amount": value("amount", "5.00")})
    coming = WALKER.upcoming(frame, 5, {})
    assert coming is not None
    assert coming[0] == "pay"
    assert WALKER.upcoming(frame, 6, {}) is None
    assert WALKER.wanted("pay") == ("amount", "day")
    assert WALKER.wanted("other") == ()


def test_results_of_the_call_are_known_in_every_flow() -> None:
    assert WALKER.known(Frame("other", "x", {}, {"b": "2"}), {"a": "1", "b": "0"}) == {
        "a": "1",
        "b": "2",
    }
