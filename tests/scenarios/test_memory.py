"""An ended call is freed at once, by counting references: the cycle collector, whose pauses all live calls
hear, finds nothing of it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Awaitable, Callable, Iterator

import pytest

from handoff.approvals import Approve
from handoff.events import Effect
from handoff.policy import Policy
from tests.support import virtual
from tests.support.scripted import ScriptedAgent
from tests.support.world import Caller, Operator, World, a_world
from voice_hitl.agent.protocol import Proposal

IN = Policy.from_mapping({"oversight": {"actions": {"transfer": {"mode": "in"}}}}, "test")
PAY = Proposal("a1", "transfer", {"amount": "50"}, Effect.IRREVERSIBLE, "move 50 dollars")
Story = Callable[[World, Caller, Operator], Awaitable[None]]


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def hangs_up(world: World, caller: Caller, ana: Operator) -> None:
    await caller.says("what is my balance")
    await caller.hears("Your balance is")
    caller.hangs_up()


async def hangs_up_while_speaking(world: World, caller: Caller, ana: Operator) -> None:
    caller.starts_to_speak("what is my balance")
    await world.passes(0.7)
    caller.hangs_up()


async def talks_to_a_person(world: World, caller: Caller, ana: Operator) -> None:
    await caller.says("let me speak to a person")
    await ana.takes()
    ana.speaks()
    ana.attached = None
    await world.passes(1.0)
    caller.hangs_up()


async def hangs_up_while_a_person_is_asked(world: World, caller: Caller, ana: Operator) -> None:
    await caller.says("move the money")
    await ana.is_asked()
    caller.hangs_up()


async def has_something_done(world: World, caller: Caller, ana: Operator) -> None:
    await caller.says("move the money")
    ana.answers(await ana.is_asked(), Approve())
    await world.until(lambda: bool(world.agent.acted))
    await caller.hears_the_end()
    caller.hangs_up()


STORIES = [
    hangs_up,
    hangs_up_while_speaking,
    talks_to_a_person,
    hangs_up_while_a_person_is_asked,
    has_something_done,
]


@pytest.mark.parametrize("story", STORIES)
def test_an_ended_call_is_freed_without_the_collector(story: Story) -> None:
    async def main() -> None:
        async with a_world(ScriptedAgent(action=PAY), IN) as world:
            ana = world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            call = weakref.ref(caller.runner)
            parts = [weakref.ref(part) for part in (caller.runner.book, caller.runner.egress)]
            await story(world, caller, ana)
            await world.settled()
            await world.passes(1.0)
            assert call() is None
            assert [part() for part in parts] == [None, None]

    virtual.run(main())
