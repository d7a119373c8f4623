from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from voice_hitl.agent.acting import Actor
from voice_hitl.agent.frames import Run
from voice_hitl.agent.protocol import Acted, AgentEvent, Proposal
from voice_hitl.agent.spec import StepSpec, ToolSpec
from voice_hitl.agent.tools import (
    ToolCall,
    ToolResult,
    ToolTimeout,
    load_toolbox_type,
    run_tool,
)
from voice_hitl.errors import PackError, ToolError

CALL = ToolCall("call", "+1", "call:1")


class Box:
    """Tools that do what their names say."""

    def __init__(self) -> None:
        self.paid: list[str] = []

    async def pay(self, call: ToolCall, *, amount: str) -> ToolResult:
        self.paid.append(f"{call.action_id} {amount}")
        return ToolResult(f"Paid {amount}", {"left": "1.00"})

    async def hang(self, call: ToolCall) -> ToolResult:
        await asyncio.Event().wait()
        raise AssertionError("never")

    async def fail(self, call: ToolCall) -> ToolResult:
        raise ToolError("out of order")

    async def crash(self, call: ToolCall) -> ToolResult:
        raise KeyError("bug")

    async def aclose(self) -> None:
        pass


def spec(**keys: object) -> ToolSpec:
    return ToolSpec.model_validate({"effect": "reversible", "summary": "Do {amount}", **keys})


PAY = spec(
    arguments=["amount"],
    returns=["left"],
    amount="amount",
    limit=100,
    above_limit="irreversible",
    safe_mode="No.",
    regulated="money",
)


async def test_a_tool_runs_and_gives_its_results() -> None:
    result = await run_tool(Box(), "pay", PAY, CALL, {"amount": "5.00"})
    assert (result.report, result.values["left"]) == ("Paid 5.00", "1.00")


async def test_failures_are_tool_errors() -> None:
    with pytest.raises(ToolError, match="out of order"):
        await run_tool(Box(), "fail", spec(), CALL, {})
    with pytest.raises(ToolError, match="crash: KeyError"):
        await run_tool(Box(), "crash", spec(), CALL, {})
    with pytest.raises(ToolError, match="gave no 'more'"):
        await run_tool(
            Box(), "pay", spec(arguments=["amount"], returns=["more"]), CALL, {"amount": "1"}
        )
    with pytest.raises(ToolTimeout, match=r"no answer within 0\.01 s"):
        await run_tool(Box(), "hang", spec(timeout=0.01), CALL, {})


def test_loading_a_toolbox() -> None:
    assert load_toolbox_type("voice_hitl.packs.banking.bank:Bank").__name__ == "Bank"
    with pytest.raises(PackError, match="cannot import"):
        load_toolbox_type("no_such_module:Thing")
    with pytest.raises(PackError, match="has no class Path2"):
        load_toolbox_type("pathlib:Path2")


def run(name: str, tool: ToolSpec, arguments: Mapping[str, str]) -> Run:
    return Run(0, StepSpec(run=name), name, tool, arguments)


async def acted(actor: Actor, plan: Run, allow: bool | None) -> list[AgentEvent]:
    events: list[AgentEvent] = []
    async for event in actor.act(plan, {"amount": "$5.00"}):
        events.append(event)
        if isinstance(event, Proposal) and allow is not None:
            actor.verdict(event.action_id, allow)
    return events


async def test_an_allowed_action_is_proposed_run_and_reported() -> None:
    box = Box()
    actor = Actor(box, "c1", "+1")
    proposal, done = await acted(actor, run("pay", PAY, {"amount": "5.00"}), True)
    assert isinstance(proposal, Proposal)
    assert (proposal.summary, proposal.amount, proposal.over_limit) == ("Do $5.00", 5.0, False)
    assert (proposal.effect.value, proposal.regulated) == ("reversible", "money")
    assert isinstance(done, Acted)
    assert (done.ok, done.action_id) == (True, proposal.action_id)
    assert box.paid == [f"{proposal.action_id} 5.00"]
    assert actor.outcome.result is not None


@pytest.mark.parametrize("answer", [False, None])
async def test_a_refused_or_unanswered_proposal_is_not_run(answer: bool | None) -> None:
    box = Box()
    actor = Actor(box, "c1", "+1")
    (proposal,) = await acted(actor, run("pay", PAY, {"amount": "5.00"}), answer)
    assert isinstance(proposal, Proposal)
    assert box.paid == []
    assert actor.outcome.refused


async def test_above_the_limit_an_action_is_proposed_as_what_it_is() -> None:
    actor = Actor(Box(), "c1", "+1")
    (proposal,) = await acted(actor, run("pay", PAY, {"amount": "100.01"}), False)
    assert isinstance(proposal, Proposal)
    assert (proposal.over_limit, proposal.effect.value) == (True, "irreversible")
    assert actor.effect(PAY, {"amount": "100.00"})[0].value == "reversible"


async def test_reading_needs_no_proposal_and_may_be_remembered() -> None:
    actor = Actor(Box(), "c1", "+1")
    tool = spec(effect="read", arguments=["amount"], returns=["left"], remember=True)
    (done,) = await acted(actor, run("pay", tool, {"amount": "5.00"}), None)
    assert isinstance(done, Acted)
    assert actor.remembered == {"left": "1.00"}


@pytest.mark.parametrize(
    ("name", "effect", "uncertain"),
    [("fail", "reversible", False), ("hang", "reversible", True), ("hang", "read", False)],
)
async def test_what_fails_is_reported_as_failed(name: str, effect: str, uncertain: bool) -> None:
    actor = Actor(Box(), "c1", "+1")
    events = await acted(actor, run(name, spec(effect=effect, timeout=0.01), {}), True)
    assert isinstance(events[-1], Acted)
    assert not events[-1].ok
    assert actor.outcome.result is None
    assert actor.outcome.uncertain is uncertain


def test_a_toolbox_gets_the_data_folder(tmp_path: Path) -> None:
    made = load_toolbox_type("voice_hitl.packs.banking.bank:Bank")(tmp_path, {})
    assert hasattr(made, "transfer")
