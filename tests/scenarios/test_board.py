"""The work board in whole calls on virtual time: every action of the AI goes across it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from handoff.approvals import Answer, Approve, FollowUpDone, Reject, Respond
from handoff.board import Card, Column
from handoff.events import Effect
from handoff.policy import Policy
from handoff.testing import MemoryStore
from tests.support import virtual
from tests.support.scripted import ScriptedAgent
from tests.support.world import EPOCH, Caller, Operator, World, a_world
from voice_hitl.agent.protocol import Proposal

PAY = Proposal("a1", "transfer", {"amount": "50"}, Effect.REVERSIBLE, "move 50 dollars")
IN = {"oversight": {"actions": {"transfer": {"mode": "in"}}}}
ON = {"oversight": {"actions": {"transfer": {"mode": "on", "risky": "on"}}, "veto_seconds": 6}}
Story = Callable[[World, Caller, list[Operator]], Awaitable[None]]


def play(
    policy: Mapping[str, Any], story: Story, *names: str, agent: ScriptedAgent | None = None
) -> World:
    """With these operators on the floor a caller asks for the transfer; then what the story says."""
    worlds: list[World] = []

    async def main() -> None:
        scripted = agent or ScriptedAgent(action=PAY)
        async with a_world(scripted, Policy.from_mapping(policy, "test")) as world:
            worlds.append(world)
            operators = [world.operator(name) for name in names]
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("move the money")
            await story(world, caller, operators)
            if caller.live:
                caller.hangs_up()

    virtual.run(main())
    return worlds[0]


def the_card(world: World) -> Card:
    board = world.workplace.board.board
    (card,) = [card for column in Column for card in board.cards(column)]
    return card


def path(card: Card) -> list[tuple[str, str]]:
    """Where it was, and who moved it there."""
    return [(move.column.value, move.by) for move in card.moves]


BEGUN = [("queued", "agent"), ("processing", "agent")]
ASKED = [*BEGUN, ("review", "agent")]


async def done(_: World, caller: Caller, __: list[Operator]) -> None:
    await caller.hears("I have moved the money")


def test_what_needs_nobody_is_approved_by_the_policy() -> None:
    world = play({}, done)
    card = the_card(world)
    assert path(card) == [*BEGUN, ("approved", "policy"), ("executed", "agent")]
    assert (card.title, card.call_id) == ("move 50 dollars", "CA1")
    assert card.moves[-1].note == "moved 50 dollars"
    assert world.workplace.board.board.anomalies() == ()
    (record,) = asyncio.run(world.store.machine_records("board"))
    assert (record.state, record.open, record.key) == ("executed", False, card.task_id)
    assert record.detail["moves"][0]["at"] == pytest.approx(EPOCH, abs=5000)


@pytest.mark.parametrize(
    ("answer", "rest"),
    [
        (Approve(), [("approved", "ana"), ("executed", "agent")]),
        (Reject("no"), [("rejected", "ana")]),
        (Respond("Come to the branch."), [("processing", "ana"), ("expired", "caller")]),
    ],
)
def test_what_a_person_decides_moves_the_task(answer: Answer, rest: list[tuple[str, str]]) -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].is_asked()
        assert the_card(world).column is Column.REVIEW
        assert the_card(world).task_id == ask.approval_id
        floor[0].answers(ask, answer)
        await caller.hears("I have moved" if answer == Approve() else "I am not allowed")

    world = play(IN, story, "ana")
    assert path(the_card(world)) == [*ASKED, *rest]
    assert world.workplace.board.board.anomalies() == ()


def test_silence_approves_by_policy_where_a_veto_was_possible() -> None:
    world = play(ON, done, "ana")
    assert path(the_card(world)) == [*ASKED, ("approved", "policy"), ("executed", "agent")]


def test_what_nobody_decides_expires_and_is_left_to_follow_up() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.hears("I am not allowed")
        (left,) = world.approvals.gate.follow_ups()
        assert left.approval_id == the_card(world).task_id
        world.approvals.post(FollowUpDone(left.approval_id, "ana"))
        await world.until(lambda: not world.approvals.gate.follow_ups())

    world = play(IN, story, "ana")
    assert path(the_card(world)) == [*ASKED, ("expired", "deadline")]
    (record,) = asyncio.run(world.store.machine_records("approvals"))
    assert (record.detail["followed_up_by"], record.open) == ("ana", False)


def test_a_caller_who_hangs_up_ends_what_is_asked() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await floor[0].is_asked()
        caller.hangs_up()

    assert path(the_card(play(IN, story, "ana")))[-1] == ("expired", "caller")


def test_a_restart_leaves_no_task_without_an_end() -> None:
    """The server dies while a person is asked: what it kept until then is all there is."""
    dead = MemoryStore()

    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await floor[0].is_asked()
        await world.journal.flush()
        for machine in ("board", "approvals"):
            await dead.save(await world.store.machine_records(machine))

    play(IN, story, "ana")
    worlds: list[World] = []

    async def again() -> None:
        async with a_world(policy=Policy.from_mapping(IN, "test"), store=dead) as world:
            worlds.append(world)
            await world.passes(1)

    virtual.run(again())
    assert path(the_card(worlds[0])) == [*ASKED, ("expired", "caller")]
    assert [record.status for record in worlds[0].approvals.gate.follow_ups()] == ["caller_gone"]
    assert asyncio.run(dead.machine_records("board", open_only=True)) == []
