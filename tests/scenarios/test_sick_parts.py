"""What one sick part costs: its own call or event, and no other call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from handoff.approvals import Approve, Show
from handoff.events import Effect
from handoff.policy import Policy
from handoff.ports import Record
from handoff.testing import MemoryStore
from tests.support import virtual
from tests.support.scripted import ScriptedAgent
from tests.support.world import a_world
from voice_hitl.agent.protocol import Proposal
from voice_hitl.call import service

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


class HangingStore(MemoryStore):
    """Its disk answers nobody while it hangs."""

    def __init__(self) -> None:
        super().__init__()
        self.well = asyncio.Event()
        self.well.set()

    async def save(self, records: Sequence[Record]) -> None:
        await self.well.wait()
        await super().save(records)


def test_what_a_sick_disk_cannot_keep_is_not_done_and_nobody_waits_for_it() -> None:
    store = HangingStore()

    async def main() -> None:
        async with a_world(ScriptedAgent(action=PAY), IN, store) as world:
            ana = world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("move the money")
            ask = await ana.is_asked()
            store.well.clear()
            answered_at = world.now()
            ana.answers(ask, Approve())
            await caller.hears("I am not allowed to do that.")
            assert world.now() - answered_at < 4.0
            assert world.agent.acted == []
            assert world.agent.verdicts["a1"].advice == "Notice not_done."
            store.well.set()
            await world.passes(2.0)
            (record,) = world.approvals.gate.follow_ups()
            assert record.status == "interrupted"
            caller.hangs_up()

    virtual.run(main())


def test_a_proposal_is_shown_and_ends_though_nothing_can_be_stored() -> None:
    store = HangingStore()

    async def main() -> None:
        async with a_world(ScriptedAgent(action=PAY), IN, store) as world:
            ana = world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            store.well.clear()
            await caller.says("move the money")
            await ana.is_asked()
            asked_at = world.now()
            await caller.hears("I am not allowed to do that.")
            assert world.now() - asked_at < 55.0
            assert world.agent.acted == []
            store.well.set()
            caller.hangs_up()

    virtual.run(main())


def test_a_gate_that_answers_nothing_at_all_does_not_keep_the_caller() -> None:
    async def main() -> None:
        async with a_world(ScriptedAgent(action=PAY), IN) as world:
            stuck = asyncio.Event()

            async def never(command: object) -> None:
                await stuck.wait()

            gate: Any = world.approvals
            obey, gate._carry_out = gate._carry_out, never
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("move the money")
            asked_at = world.now()
            await caller.hears("I am not allowed to do that.")
            assert world.now() - asked_at == pytest.approx(50.0, abs=2.0)
            assert world.agent.verdicts["a1"].advice == "Notice not_done."
            gate._carry_out = obey
            stuck.set()
            await world.until(lambda: [r.status for r in world.screen.approvals.values()] != [])
            caller.hangs_up()

    virtual.run(main())


@pytest.mark.parametrize("part", ["reviews", "audits", "board"])
def test_a_part_beside_the_call_that_is_stuck_costs_no_call(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "INBOX_SIZE", 3)

    async def main() -> None:
        async with a_world(ScriptedAgent()) as world:
            released = asyncio.Event()
            stuck: Any = getattr(world.workplace, part)

            async def waits(event: object) -> object:
                await released.wait()
                return event

            stuck._before = waits
            for _ in range(4):
                stuck.post_or_drop(object())
            await world.passes(0.1)
            for _ in range(3):
                stuck.post_or_drop(object())
            caller, other = await world.call(), await world.call()
            await caller.hears_the_end()
            await caller.says("move the money")
            await caller.hears("I have moved the money")
            caller.hangs_up()
            await world.until(lambda: not caller.live)
            await other.says("what is my balance")
            await other.hears("Your balance is")
            other.hangs_up()
            await world.until(lambda: len(world.calls) == 0)
            assert set(world.screen.ended.values()) == {"abandoned"}
            released.set()

    virtual.run(main())
