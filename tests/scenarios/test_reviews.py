"""Parallel review in whole calls on virtual time: blind, compared, disagreed with, hung up on, restarted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import pytest

from handoff.policy import Policy
from handoff.review import Choice
from handoff.testing import MemoryStore
from tests.support import virtual
from tests.support.scripted import ScriptedAgent
from tests.support.world import Caller, Operator, World, a_world

ALL = {"rate": 1, "risky_rate": 1, "signal": "always"}
Story = Callable[[World, Caller, list[Operator]], Awaitable[None]]
Found = TypeVar("Found")


def play(
    story: Story, *names: str, agent: ScriptedAgent | None = None, **review: object
) -> tuple[World, MemoryStore]:
    """With these operators on the floor a caller asks for the balance; then what the story says."""
    worlds: list[World] = []
    policy = Policy.from_mapping({"review": ALL | review}, "test")

    async def main() -> None:
        async with a_world(agent, policy) as world:
            worlds.append(world)
            operators = [world.operator(name) for name in names]
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("what is my balance")
            await story(world, caller, operators)
            if caller.live:
                caller.hangs_up()

    virtual.run(main())
    return worlds[0], worlds[0].store


def play_again(
    store: MemoryStore, story: Callable[[World, list[Operator]], Awaitable[None]], *names: str
) -> World:
    """The server has stopped and starts again with what it kept; nobody calls."""
    worlds: list[World] = []

    async def main() -> None:
        policy = Policy.from_mapping({"review": ALL}, "test")
        async with a_world(policy=policy, store=store) as world:
            worlds.append(world)
            await story(world, [world.operator(name) for name in names])

    virtual.run(main())
    return worlds[0]


def kept(reading: Coroutine[object, object, Found]) -> Found:
    return asyncio.run(reading)


def records(store: MemoryStore) -> list[Mapping[str, Any]]:
    return [record.detail for record in kept(store.machine_records("review"))]


def outcomes(world: World) -> list[str]:
    return [outcome for _, outcome, _ in world.screen.reviewed]


async def answered(world: World, caller: Caller) -> None:
    await caller.hears("What else can I do")
    await caller.hears_the_end()


def test_a_reviewer_decides_without_knowing_what_the_ai_made_of_it() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].reviews()
        assert {field.name for field in fields(ask)} == {
            *("review_id", "call_id", "turn", "question", "category", "deadline")
        }
        assert ask.question == (
            "AI: Hello, how can I help you today?\nCaller: what is my balance"
        )  # neither its answer nor what it made of this turn ("Known: account: checking")
        assert world.screen.secret == {ask.review_id: "CA1"}  # nor may others' screens tell
        await answered(world, caller)
        assert world.screen.reveals == {}

    _, store = play(story, "ana")
    (record,) = records(store)
    assert record["ai"]["intent"] == "balance"  # known to the store alone
    assert record["ai"]["text"].startswith("Your balance is two hundred dollars")


def test_what_was_known_before_the_turn_is_told_to_the_next_reviewer() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        first = await floor[0].reviews()
        floor[0].chooses(first, Choice("balance"))
        await answered(world, caller)
        await caller.says("my card is 4111 1111 1111 1111")
        await world.until(lambda: any(ask.turn == 2 for ask in world.screen.reviews.values()))
        (ask,) = world.screen.reviews.values()
        assert ask.question.splitlines()[-2:] == [
            "Caller: my card is ••••••••••••1111",
            "Known: account: checking",
        ]

    play(story, "ana")


def test_a_disagreement_brings_a_person_who_is_told_why() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].reviews()
        await answered(world, caller)
        assert floor[0].offer is None
        floor[0].chooses(ask, Choice("transfer"))
        offer = await floor[0].is_rung()
        assert offer.brief.reasons[0].code == "second_opinion"
        floor[0].declines(offer)

    world, store = play(story, "ana")
    assert outcomes(world) == ["different"]
    assert world.screen.secret == {}
    (label,) = kept(store.labels())
    assert (label.head, label.value, label.source) == ("error", True, "disagreement")
    assert (label.call_id, label.turn, label.by, label.weight) == ("CA1", 1, "ana", 0.5)


def test_a_disagreement_before_the_ai_has_answered_counts_once_it_has() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].reviews()
        floor[0].chooses(ask, Choice("transfer"))
        await world.passes(0.2)
        assert outcomes(world) == []
        await floor[0].is_rung()

    world, _ = play(story, "ana", agent=ScriptedAgent(thinks=1.0))
    assert outcomes(world) == ["different"]


def test_the_same_choice_does_nothing_but_a_label() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].reviews()
        await answered(world, caller)
        floor[0].chooses(ask, Choice("balance"))
        await world.until(lambda: bool(outcomes(world)))
        await world.passes(5)
        assert floor[0].offer is None

    world, store = play(story, "ana")
    assert outcomes(world) == ["equal"]
    assert all(not decision.hand_off for decision in world.screen.decisions)
    (label,) = kept(store.labels())
    assert label.value is False


def test_where_the_policy_says_so_a_disagreement_tells_nobody() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].reviews()
        await answered(world, caller)
        floor[0].chooses(ask, Choice("transfer"))
        await world.until(lambda: bool(outcomes(world)))
        await world.passes(5)
        assert floor[0].offer is None

    world, _ = play(story, "ana", signal="high_risk")  # a category of none
    assert outcomes(world) == ["different"]


def test_the_second_reviewer_is_refused() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].reviews()
        floor[0].chooses(ask, Choice("balance"))
        floor[1].chooses(ask, Choice("transfer"))
        await answered(world, caller)
        await world.until(lambda: len(outcomes(world)) == 2)

    world, _ = play(story, "ana", "bob", agent=ScriptedAgent(thinks=1.0))
    assert [(outcome, by) for _, outcome, by in world.screen.reviewed] == [
        ("taken", "bob"),
        ("equal", "ana"),
    ]


def test_free_answers_are_compared_by_who_gave_them() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].reviews()
        await answered(world, caller)
        assert world.screen.reveals == {}
        floor[0].chooses(ask, Choice(text="Your balance is five dollars."))
        await world.until(lambda: "ana" in world.screen.reveals)
        reveal = world.screen.reveals["ana"]
        assert reveal.ai.text.startswith("Your balance is two hundred dollars")
        floor[0].compares(ask.review_id, equal=False)
        await floor[0].is_rung()

    world, _ = play(story, "ana", compare="verdict")
    assert outcomes(world) == ["different"]


def test_an_action_is_what_the_ai_chose() -> None:
    async def main() -> None:
        policy = Policy.from_mapping({"review": ALL | {"compare": "verdict"}}, "test")
        async with a_world(policy=policy) as world:
            ana = world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("move the money")
            ana.chooses(await ana.reviews(), Choice(text="ask which account first"))
            await world.until(lambda: "ana" in world.screen.reveals)
            assert world.screen.reveals["ana"].ai.text == "move 50 dollars"
            assert world.screen.reveals["ana"].ai.action
            caller.hangs_up()

    virtual.run(main())


def test_a_hang_up_before_the_ai_has_answered_closes_the_review() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await floor[0].reviews()
        caller.hangs_up()
        await world.until(lambda: not world.screen.reviews)

    world, store = play(story, "ana", agent=ScriptedAgent(thinks=5.0))
    assert outcomes(world) == ["no_answer"]
    assert kept(store.labels()) == []


def test_what_the_ai_has_answered_can_be_decided_after_the_call_and_rings_nobody() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].reviews()
        await answered(world, caller)
        caller.hangs_up()
        await world.settled()
        floor[0].chooses(ask, Choice("transfer"))
        await world.until(lambda: bool(outcomes(world)))

    world, store = play(story, "ana")
    assert outcomes(world) == ["different"]
    assert len(kept(store.labels())) == 1
    assert [decision.hand_off for decision in world.screen.decisions] == [False]


def test_nobody_decides_in_time() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await floor[0].reviews()
        await answered(world, caller)
        before = world.now()
        await world.until(lambda: bool(outcomes(world)), within=300)
        assert world.now() - before == pytest.approx(30.0, abs=10.0)

    world, _ = play(story, "ana", seconds=30)
    assert outcomes(world)[0] == "lapsed"


def test_a_restart_shows_again_what_can_still_be_decided() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await floor[0].reviews()
        await answered(world, caller)

    _, store = play(story, "ana")

    async def later(world: World, floor: list[Operator]) -> None:
        ask = await floor[0].reviews()
        assert ask.review_id == "CA1:1"
        floor[0].chooses(ask, Choice("balance"))
        await world.until(lambda: bool(outcomes(world)))

    assert outcomes(play_again(store, later, "bob")) == ["equal"]
    (label,) = kept(store.labels())
    assert (label.value, label.by) == (False, "bob")
    assert kept(store.machine_records("review", open_only=True)) == []


def test_no_review_is_opened_of_a_turn_that_a_person_answers() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await answered(world, caller)
        await caller.says("a person please")
        await floor[0].takes()
        floor[0].speaks()

    _, store = play(story, "ana")
    assert [record["turn"] for record in records(store)] == [1]
