"""The figures of whole calls on virtual time: how they ended, who waited, what people said; warnings."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from handoff.approvals import Approve, Reject
from handoff.budget import WORDS, BudgetState
from handoff.drift import Code
from handoff.events import Effect, OperatorEndedCall, Presence
from handoff.labels import Disposition
from handoff.metrics import Figures
from handoff.policy import Policy
from tests.support import virtual
from tests.support.scripted import ScriptedAgent
from tests.support.world import Operator, World, a_world
from voice_hitl.agent.protocol import Proposal
from voice_hitl.call.inbox import FloorSaid

PAY = Proposal("a1", "transfer", {"amount": "50"}, Effect.IRREVERSIBLE, "move 50 dollars")
WRAP_UP = 20.0
POLICY: Mapping[str, Any] = {
    "floor": {"wrap_up": WRAP_UP},
    "oversight": {"actions": {"transfer": {"mode": "in"}}},
    # So little is enough that one override warns and one approval ends it.
    "warnings": {"minimum": 2, "cusum_limit": 0.5, "override_bad": 0.5},
}


def play(story: Callable[[World], Awaitable[None]]) -> World:
    worlds: list[World] = []

    async def main() -> None:
        policy = Policy.from_mapping(POLICY, "test")
        async with a_world(ScriptedAgent(action=PAY), policy) as world:
            worlds.append(world)
            await story(world)

    virtual.run(main())
    return worlds[0]


async def figures_of(world: World) -> Figures:
    """What the dashboard would show now."""
    await world.passes(0.01)  # what was just told is taken in
    return world.workplace.figures.figures()


async def an_automated_call(world: World) -> None:
    caller = await world.call()
    await caller.hears_the_end()
    await caller.says("what is my balance")
    await caller.hears("Your balance is")
    await caller.hears_the_end()
    await caller.says("goodbye")
    await world.until(lambda: not caller.live)


async def a_call_with_an_approval(world: World, ana: Operator, answer: Approve | Reject) -> None:
    caller = await world.call()
    await caller.hears_the_end()
    await caller.says("move the money")
    ask = await ana.is_asked()
    ana.answers(ask, answer)
    del world.screen.asked["ana"][ask.approval_id]  # an answered card goes by itself
    approved = isinstance(answer, Approve)
    await caller.hears("I have moved" if approved else "I am not allowed")
    await caller.hears_the_end()
    await caller.says("goodbye")
    await world.until(lambda: not caller.live)


async def a_call_that_is_taken(world: World, ana: Operator, talks: float) -> str:
    caller = await world.call()
    await caller.hears_the_end()
    await caller.says("let me talk to a person")
    offer = await ana.is_rung()
    await world.passes(3.0)
    ana.accepts(offer)
    await ana.opens_audio()
    ana.speaks()
    await world.passes(talks)
    assert ana.attached is not None
    ana.attached.post(FloorSaid(OperatorEndedCall("ana")))
    await world.until(lambda: not caller.live)
    await world.until(lambda: world.screen.presences["ana"] == "available", within=600.0)
    return offer.call_id


async def a_call_that_nobody_answers(world: World, ana: Operator) -> None:
    caller = await world.call()
    await caller.hears_the_end()
    await caller.says("let me talk to a person")
    await ana.is_rung()
    await world.passes(6.0)
    caller.hangs_up()
    await world.until(lambda: not caller.live)


def test_a_few_calls_and_the_figures_that_follow() -> None:
    async def story(world: World) -> None:
        ana = world.operator("ana")
        await an_automated_call(world)
        taken = await a_call_that_is_taken(world, ana, talks=30.0)
        judged = Disposition(taken, 0, 1, "needed", "ana", world.clock.wall(), hard=True)
        world.journal.put(judged)
        await a_call_that_nobody_answers(world, ana)
        await a_call_with_an_approval(world, ana, Reject("no"))

        figures = await figures_of(world)
        assert world.screen.ended == {
            "CA1": "automated",
            "CA2": "handed_off",
            "CA3": "abandoned",
            "CA4": "automated",
        }
        assert (figures.automation_rate.value, figures.automation_rate.n) == (0.5, 4)
        assert (figures.routed.value, figures.failed.value) == (0.25, 0.0)
        assert figures.time_to_resolution.n == 3
        assert figures.abandonment.value == figures.service_level.value == 0.5
        assert figures.queue_time.value == pytest.approx((3.0 + 6.0) / 2, abs=0.5)
        assert figures.handle_time.n == 1
        assert figures.routing_accuracy.n == 1
        assert figures.routing_accuracy.note == "not enough data"
        assert figures.override_rate.n == 1
        # Four turns went well; two asked for a person at once, which h had not foreseen.
        assert figures.brier["h"].n == 6
        assert figures.brier["q"].n == 1  # the rejected proposal's turn
        assert [waited.code for waited, _ in world.workplace.figures.warnings()] == [Code.OVERRIDES]

    play(story)


def test_handle_time_is_talk_and_wrap_up() -> None:
    async def story(world: World) -> None:
        ana = world.operator("ana")
        for _ in range(2):
            await a_call_that_is_taken(world, ana, talks=30.0)
        figures = await figures_of(world)
        assert figures.handle_time.value == pytest.approx(30.0 + WRAP_UP, abs=1.0)
        assert figures.service_level.value == 1.0

    play(story)


def test_overrides_raise_a_warning_and_answers_as_proposed_end_it() -> None:
    async def story(world: World) -> None:
        ana = world.operator("ana")
        await a_call_with_an_approval(world, ana, Reject("no"))
        await world.until(lambda: "overrides" in world.screen.warnings)
        assert world.workplace.costs.budget.state is BudgetState.FROZEN
        await a_call_with_an_approval(world, ana, Approve())
        await world.until(lambda: not world.screen.warnings)
        assert world.workplace.costs.budget.words == WORDS[BudgetState.STARTING]
        figures = await figures_of(world)
        assert (figures.override_rate.value, figures.override_rate.n) == (0.5, 2)

    world = play(story)
    log = [event.action for event in asyncio.run(world.store.events())]
    assert log.index("warning.cleared") < log.index("warning.raised")  # newest first


def test_a_queue_that_nobody_serves_warns_while_no_call_ends() -> None:
    policy: dict[str, Any] = {
        "warnings": {"queue_length": 1, "queue_seconds": 20},
        "waiting": {"limit": 600},
    }

    async def main() -> None:
        async with a_world(policy=Policy.from_mapping(policy, "test")) as world:
            # They are there, and in no mood to answer: where nobody is, nobody waits.
            ana = world.operator("ana")
            callers = [await world.call() for _ in range(3)]
            for caller in callers:
                await caller.hears_the_end()
                await caller.says("let me talk to a person")
            await world.until(lambda: "queue" in world.screen.warnings, within=300.0)
            await world.until(lambda: world.screen.figures is not None)
            for caller in callers:
                caller.hangs_up()
            await world.until(lambda: "queue" not in world.screen.warnings, within=600.0)
            ana.goes(Presence.AWAY)

    virtual.run(main())


def test_who_is_kept_at_work_without_a_break_is_a_warning() -> None:
    policy = Policy.from_mapping({"care": {"work_minutes": 5}}, "test")

    async def main() -> None:
        async with a_world(policy=policy) as world:
            ana = world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("let me talk to a person")
            await ana.takes()
            taken_at = world.now()
            await world.until(lambda: "fatigue" in world.screen.warnings, within=600.0)
            assert 300.0 <= world.now() - taken_at <= 361.0
            assert ana.attached is not None
            ana.attached.post(FloorSaid(OperatorEndedCall("ana")))
            await world.until(lambda: "fatigue" not in world.screen.warnings)

    virtual.run(main())
