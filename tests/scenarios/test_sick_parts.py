"""What one sick part costs: its own call or event, and no other call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from handoff.approvals import Show
from handoff.events import Effect
from handoff.policy import Policy
from tests.support import virtual
from tests.support.scripted import ScriptedAgent
from tests.support.world import a_world
from voice_hitl.agent.protocol import Proposal

IN = Policy.from_mapping({"oversight": {"actions": {"transfer": {"mode": "in"}}}}, "test")
PAY = Proposal("a1", "transfer", {"amount": "50"}, Effect.IRREVERSIBLE, "move 50 dollars")


@pytest.mark.parametrize("arguments", [{"amount": 50}, {"amount": None}, {1: "a"}, None])
def test_arguments_that_are_no_texts_cost_their_call_the_action_alone(arguments: object) -> None:
    async def main() -> None:
        broken = Proposal(
            "a1",
            "transfer",
            cast(Mapping[str, str], arguments),
            Effect.IRREVERSIBLE,
            "move 50 dollars",
        )
        async with a_world(ScriptedAgent(action=broken), IN) as world:
            world.operator("ana")
            other = await world.call()
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("move the money")
            await caller.hears("I am not allowed to do that.")
            assert world.agent.acted == []
            assert world.screen.approvals == {}
            await other.says("what is my balance")
            await other.hears("Your balance is")
            caller.hangs_up()
            other.hangs_up()

    virtual.run(main())


def test_a_console_that_cannot_show_an_approval_ends_no_call() -> None:
    async def main() -> None:
        async with a_world(ScriptedAgent(action=PAY), IN) as world:

            def broken(ask: Show, seconds: float) -> None:
                raise ValueError("it cannot be shown")

            screen: Any = world.screen
            screen.approval_asked = broken
            world.operator("ana")
            other = await world.call()
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("move the money")
            await caller.hears("Notice checking")
            await other.says("what is my balance")
            await other.hears("Your balance is")
            await caller.hears("I am not allowed to do that.")
            caller.hangs_up()
            other.hangs_up()

    virtual.run(main())
