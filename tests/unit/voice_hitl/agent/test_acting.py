from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from voice_hitl.agent.acting import Actor, reasoning
from voice_hitl.agent.frames import Frame, Run
from voice_hitl.agent.guard import HIDDEN
from voice_hitl.agent.protocol import Acted, AgentEvent, Proposal, Verdict
from voice_hitl.agent.spec import StepSpec, ToolSpec
from voice_hitl.agent.tools import ToolCall, ToolResult
from voice_hitl.errors import ToolError


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

    async def join(self, call: ToolCall, *, member: str) -> ToolResult:
        if member == "none":
            raise ToolError(f"{member} is no member")
        return ToolResult(f"{member} joined as new-7", {"key": "new-7"})

    async def fail(self, call: ToolCall) -> ToolResult:
        raise ToolError("out of order")

    async def crash(self, call: ToolCall) -> ToolResult:
        raise ConnectionResetError("after the request was sent")

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


def run(name: str, tool: ToolSpec, arguments: Mapping[str, str]) -> Run:
    return Run(0, StepSpec(run=name), name, tool, arguments)


FLOW = (
    StepSpec(ask="amount"),
    StepSpec(confirm="Pay {amount}?"),
    StepSpec(run="pay"),
    StepSpec(confirm="And {amount} more?"),
)


@pytest.mark.parametrize(
    ("words", "confirmed", "why"),
    [
        ("pay five", [1], "The caller said: “pay five”. They said yes to: “Pay $5.00?”"),
        ("", [1, 3], "They said yes to: “Pay $5.00?”"),
        ("pay five", [3], "The caller said: “pay five”."),
        ("pay from 4111 1111 1111 1111", [], "The caller said: “pay from ••••••••••••1111”."),
        ("", [], ""),
    ],
)
def test_the_reasoning_is_what_the_caller_said_and_confirmed(
    words: str, confirmed: list[int], why: str
) -> None:
    frame = Frame("pay", "pay", confirmed=dict.fromkeys(confirmed, ()), words=words)
    assert reasoning(frame, FLOW, 2, {"amount": "$5.00"}) == why


async def acted(actor: Actor, plan: Run, allow: bool | None) -> list[AgentEvent]:
    events: list[AgentEvent] = []
    async for event in actor.act(plan, {"amount": "$5.00"}):
        events.append(event)
        if isinstance(event, Proposal) and allow is not None:
            actor.verdict(event.action_id, Verdict(allow))
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


@pytest.mark.parametrize("amount", ["999999", "100.01", "-5", "nan", "inf", "a lot"])
async def test_an_edit_does_not_lift_the_limit(amount: str) -> None:
    box = Box()
    actor = Actor(box, "c1", "+1")
    events: list[AgentEvent] = []
    async for event in actor.act(run("pay", PAY, {"amount": "5.00"}), {"amount": "$5.00"}):
        events.append(event)
        if isinstance(event, Proposal):
            actor.verdict(event.action_id, Verdict(True, arguments={"amount": amount}))
    done = events[-1]
    assert box.paid == []
    assert isinstance(done, Acted)
    assert not done.ok
    assert done.certain
    assert done.result.startswith("Not done: ")
    assert actor.outcome.refused


@pytest.mark.parametrize(("amount", "effect"), [("7.00", "reversible"), ("400", "irreversible")])
async def test_an_edit_that_lowers_the_amount_is_run_and_reported_as_what_it_is(
    amount: str, effect: str
) -> None:
    box = Box()
    actor = Actor(box, "c1", "+1")
    events: list[AgentEvent] = []
    async for event in actor.act(run("pay", PAY, {"amount": "500.00"}), {"amount": "$5.00"}):
        events.append(event)
        if isinstance(event, Proposal):
            actor.verdict(event.action_id, Verdict(True, arguments={"amount": amount}))
    done = events[-1]
    assert isinstance(done, Acted)
    assert (done.ok, done.effect.value) == (True, effect)
    assert box.paid == [f"c1:1 {amount}"]


async def test_a_proposal_says_why_and_what_else_could_be_done() -> None:
    tool = spec(arguments=["amount"], alternatives=["Do less than {amount}", "Ask again"])
    plan = run("pay", tool, {"amount": "5.00"})
    proposal = await anext(Actor(Box(), "c1", "+1").act(plan, {"amount": "$5.00"}, "They said so."))
    assert isinstance(proposal, Proposal)
    assert proposal.reasoning == "They said so."
    assert proposal.alternatives == ("Do less than $5.00", "Ask again")


async def test_reading_needs_no_proposal_and_may_be_remembered() -> None:
    actor = Actor(Box(), "c1", "+1")
    tool = spec(effect="read", arguments=["amount"], returns=["left"], remember=True)
    (done,) = await acted(actor, run("pay", tool, {"amount": "5.00"}), None)
    assert isinstance(done, Acted)
    assert actor.remembered == {"left": "1.00"}


@pytest.mark.parametrize(
    ("name", "effect", "uncertain"),
    [
        ("fail", "reversible", False),
        ("hang", "reversible", True),
        ("hang", "read", False),
        ("crash", "irreversible", True),
        ("crash", "read", False),
    ],
)
async def test_what_fails_is_reported_as_failed(name: str, effect: str, uncertain: bool) -> None:
    actor = Actor(Box(), "c1", "+1")
    events = await acted(
        actor, run(name, spec(effect=effect, timeout=0.01, safe_mode="No."), {}), True
    )
    assert isinstance(events[-1], Acted)
    assert not events[-1].ok
    assert actor.outcome.result is None
    assert actor.outcome.uncertain is uncertain
    assert events[-1].certain is not uncertain


@pytest.mark.parametrize("member", ["ab12", "none"])
async def test_what_a_tool_is_given_and_gives_back_in_secret_is_in_no_line_for_people(
    member: str,
) -> None:
    join = spec(arguments=["member"], returns=["key"])
    actor = Actor(Box(), "c1", "+1", {"member", "key", "other"})
    proposal, done = await acted(actor, run("join", join, {"member": member}), True)
    assert isinstance(proposal, Proposal)
    assert proposal.sensitive == ("member",)
    assert proposal.arguments == {"member": member}
    assert isinstance(done, Acted)
    expected = f"{HIDDEN} joined as {HIDDEN}" if done.ok else f"{HIDDEN} is no member"
    assert done.result == expected
