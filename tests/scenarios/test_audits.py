"""Post-hoc audit in whole calls on virtual time: what is drawn, who may judge it, what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any, TypeVar

import pytest

from handoff.approvals import Answer, Approve, ApproveEdited, Reject
from handoff.audit import AuditItem
from handoff.events import Effect, Presence
from handoff.policy import Policy
from handoff.testing import MemoryStore
from tests.support import virtual
from tests.support.scripted import ScriptedAgent
from tests.support.world import Caller, Operator, World, a_world
from voice_hitl.agent.protocol import Proposal

ALL = {"uniform": 1, "by_risk": 0}
IN = {"actions": {"transfer": {"mode": "in"}}}
ON = {"actions": {"transfer": {"mode": "on", "risky": "on"}}, "veto_seconds": 6}
PAY = Proposal(
    "a1",
    "transfer",
    {"amount": "50"},
    Effect.IRREVERSIBLE,
    "move 50 dollars from account number 12345678",
)
Story = Callable[[World, Caller, list[Operator]], Awaitable[None]]
Found = TypeVar("Found")


def play(
    story: Story,
    *names: str,
    said: str = "what is my balance",
    oversight: Mapping[str, Any] | None = None,
    store: MemoryStore | None = None,
    **audit: float,
) -> World:
    """With these operators on the floor a caller says something; then what the story says."""
    worlds: list[World] = []
    policy = Policy.from_mapping({"audit": ALL | audit, "oversight": oversight or {}}, "test")

    async def main() -> None:
        async with a_world(ScriptedAgent(action=PAY), policy, store) as world:
            worlds.append(world)
            operators = [world.operator(name) for name in names]
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says(said)
            await story(world, caller, operators)
            if caller.live:
                caller.hangs_up()

    virtual.run(main())
    return worlds[0]


def kept(reading: Coroutine[object, object, Found]) -> Found:
    return asyncio.run(reading)


def items(world: World) -> dict[str, Mapping[str, Any]]:
    """What was automated, by id, as it is kept."""
    return {record.key: record.detail for record in kept(world.store.machine_records("audit"))}


def sampled(world: World, turns: int) -> bool:
    return world.workplace.audits.audits.seen == turns


async def next_for(operator: Operator) -> AuditItem:
    item = await operator.asks_to_audit()
    assert item is not None
    return item


async def answered(caller: Caller) -> None:
    await caller.hears("What else can I do")
    await caller.hears_the_end()


async def done(caller: Caller) -> None:
    await caller.hears("I have moved the money")
    await caller.hears_the_end()


def test_an_answer_is_judged_afterwards_and_becomes_a_label() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await answered(caller)
        caller.hangs_up()
        await world.settled()
        item = await next_for(floor[0])
        assert (item.kind, item.path, item.call_id, item.turn) == (
            *("decision", "automatic", "CA1"),
            1,
        )
        assert item.summary == (
            'Caller: "what is my balance" AI (balance): "Your balance is two hundred dollars '
            'and ten cents. What else can I do for you?"'
        )
        floor[0].judges(item, "wrong", "it was the other account")
        await world.until(lambda: world.screen.audited == [("ana", "answered")])
        assert await floor[0].asks_to_audit() is None

    world = play(story, "ana")
    (label,) = kept(world.store.labels())
    assert (label.head, label.value, label.source, label.by) == ("error", True, "audit", "ana")
    assert (label.turn, label.weight) == (1, 1.0)
    assert items(world)["CA1:1"]["note"] == "it was the other account"
    assert kept(world.store.machine_records("audit", open_only=True)) == []


def test_a_label_weighs_as_much_as_the_items_that_it_speaks_for() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        for turn in (1, 2, 3):
            await world.until(partial(sampled, world, turn))
            await caller.hears_the_end()
            if turn < 3:
                await caller.says("what is my balance")
        caller.hangs_up()
        await world.settled()
        floor[0].judges(await next_for(floor[0]), "right")
        await world.until(lambda: bool(world.screen.audited))

    world = play(story, "ana", uniform=0.6)
    states = [each["state"] for _, each in sorted(items(world).items())]
    assert states == ["done", "passed", "queued"]  # draws of 0.29, 0.97 and 0.52, by the key
    (label,) = kept(world.store.labels())
    (judged,) = [each for each in items(world).values() if each["state"] == "done"]
    assert judged["propensity"] == 0.6
    assert label.weight == pytest.approx(1 / 0.6)


@pytest.mark.parametrize(
    ("oversight", "answer", "path", "auditor"),
    [
        (IN, Approve(), "approved", "bob"),
        (IN, ApproveEdited({"amount": "20"}), "approved", "bob"),
        (ON, None, "vetoable", "ana"),
        ({"irreversible": {"risky": "out"}}, None, "automatic", "ana"),
    ],
)
def test_an_action_is_audited_by_the_way_it_was_overseen(
    oversight: Mapping[str, Any], answer: Answer | None, path: str, auditor: str
) -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        if answer is not None:
            floor[0].answers(await floor[0].is_asked(), answer)
        await done(caller)
        caller.hangs_up()
        await world.settled()
        first = await floor[0].asks_to_audit()
        assert (first is None) is (auditor == "bob")  # who approved it has a part in it
        item = await next_for(floor[1] if first is None else floor[0])
        assert (item.kind, item.path) == ("action", path)
        assert item.summary == "move 50 dollars from account number ••••5678: moved 50 dollars"
        assert 0 < item.risk < 1

    world = play(story, "ana", "bob", said="move the money", oversight=oversight)
    assert sorted(items(world)) == ["CA1:1", "CA1:1:action:1"]


def test_what_was_not_done_is_no_action_to_audit() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        floor[0].answers(await floor[0].is_asked(), Reject("no"))
        await caller.hears("I am not allowed")
        await caller.hears_the_end()

    world = play(story, "ana", said="move the money", oversight=IN)
    assert list(items(world)) == ["CA1:1"]  # what the AI said


def test_who_had_a_call_never_audits_it_before_or_after() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await answered(caller)
        mine = await next_for(floor[0])  # before ana has a part in the call
        caller.presses("0")
        await floor[0].takes()
        floor[0].speaks()
        await world.until(lambda: ("ana", "own") in world.screen.audited)
        floor[0].judges(mine, "right")
        await world.until(lambda: ("ana", "not_yours") in world.screen.audited)
        caller.hangs_up()
        await world.settled()
        assert await floor[0].asks_to_audit() is None
        assert (await next_for(floor[1])).audit_id == mine.audit_id

    world = play(story, "ana", "bob")
    assert kept(world.store.labels()) == []
    assert items(world)["CA1:1"]["item"]["handled_by"] == ["ana"]


def test_who_has_left_gives_back_what_they_were_shown() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await answered(caller)
        item = await next_for(floor[0])
        assert await floor[1].asks_to_audit() is None
        floor[0].leaves()
        await world.until(lambda: world.screen.presences["ana"] == "gone")
        assert (await next_for(floor[1])).audit_id == item.audit_id

    play(story, "ana", "bob")


def test_an_auditor_who_is_away_from_calls_may_judge() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await answered(caller)
        item = await next_for(floor[0].goes(Presence.AWAY))
        floor[0].judges(item, "right")
        await world.until(lambda: bool(world.screen.audited))

    (label,) = kept(play(story, "ana").store.labels())
    assert label.value is False


def test_a_restart_keeps_the_queue_and_goes_on_sampling() -> None:
    async def first(world: World, caller: Caller, floor: list[Operator]) -> None:
        await answered(caller)
        await next_for(floor[0])  # shown, and never judged

    async def second(world: World, caller: Caller, floor: list[Operator]) -> None:
        item = await next_for(floor[0])
        floor[0].judges(item, "unsure")
        await answered(caller)

    store = play(first, "ana").store
    (before,) = kept(store.machine_records("audit"))
    world = play(second, "bob", store=store)
    assert world.screen.audited == [("bob", "answered")]
    assert kept(store.labels()) == []  # unsure says nothing
    (last,) = kept(store.machine_records("audit_last"))
    assert (before.detail["seen"], last.detail["seen"]) == (1, 2)
