"""The escalation ladder in whole calls on virtual time; the agents' threads are real."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from handoff.events import HandedBack, IntentFacts
from handoff.policy import Policy
from tests.support import virtual
from tests.support.scripted import ScriptedAgent, ScriptedConversation
from tests.support.world import Caller, Operator, World, a_world
from voice_hitl.agent.ladder import LadderAgent
from voice_hitl.agent.protocol import Exchange, Heard, Understanding

APOLOGY = ("Sorry, I am not sure about that.", "Please say it in other words.")
Story = Callable[[World, Caller, list[Operator]], Awaitable[None]]


@dataclass
class Rung(ScriptedAgent):
    """Sure of turns with its words in them, of others not at all; slow where a test says so."""

    knows: tuple[str, ...] = ()
    gate: threading.Event | None = None
    missed: list[Exchange] = field(default_factory=list)

    def converse(self, call_id: str, parameters: Mapping[str, str]) -> Talk:
        return Talk(self)


class Talk(ScriptedConversation):
    def __init__(self, rung: Rung) -> None:
        super().__init__(rung)
        self._rung = rung

    def understand(self, heard: Heard) -> Understanding:
        words = heard.hypothesis.text if heard.hypothesis is not None else ""
        if self._rung.gate is not None and "slow" in words:
            assert self._rung.gate.wait(10)
        found = super().understand(heard)
        if any(word in found.text for word in self._rung.knows):
            return found
        unsure = IntentFacts("transfer", 0.6)
        dialogue = replace(found.dialogue, no_match="mumble" in found.text)
        return replace(found, intent=unsure, dialogue=dialogue)

    def catch_up(self, exchange: Exchange) -> None:
        self._rung.missed.append(exchange)


@dataclass
class Played:
    world: World
    flow: Rung
    able: Rung
    agent: LadderAgent

    def reasons(self) -> list[str]:
        return [each.reasons[0].code for each in self.world.screen.decisions if each.hand_off]


def play(story: Story, *names: str, budget: float = 2.0, weighs: bool = False) -> Played:
    """A caller has heard the greeting; then what the story says.

    `weighs`: the core's own rule brings a person at every turn; without it hard triggers alone do.
    """
    played: list[Played] = []

    async def main() -> None:
        rungs = [{"name": "flow"}, {"name": "able"}]
        values = {"ladder": {"rungs": rungs, "budget": budget}}
        mark = -1e6 if weighs else 1e6
        policy = Policy.from_mapping({**values, "hysteresis": {"high": mark, "low": mark}}, "test")
        flow = Rung(name="flow", knows=("balance",), gate=threading.Event())
        able = Rung(name="able", knows=("mortgage", "balance", "slow"))
        agent = LadderAgent({"flow": flow, "able": able}, policy, apology=APOLOGY)
        async with a_world(flow, policy) as world:
            world.line_parts = replace(world.line_parts, agent=agent)
            played.append(Played(world, flow, able, agent))
            operators = [world.operator(name) for name in names]
            caller = await world.call()
            await caller.hears_the_end()
            await story(world, caller, operators)
            if caller.live:
                caller.hangs_up()
        assert flow.gate is not None
        flow.gate.set()
        await agent.aclose()

    virtual.run(main())
    return played[0]


def texts(heard: list[Heard]) -> list[str]:
    return [each.hypothesis.text for each in heard if each.hypothesis is not None]


def test_each_turn_is_answered_by_the_first_that_is_sure_of_it() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says("what is my balance")
        await caller.hears("Your balance")
        await caller.hears_the_end()
        await caller.says("how is my mortgage")
        await world.until(lambda: len([t for t in caller.said if "Your balance" in t]) == 2)
        await caller.hears_the_end()

    played = play(story, "ana")
    assert texts(played.flow.heard) == ["what is my balance", "how is my mortgage"]
    assert texts(played.able.heard) == ["how is my mortgage"]
    stats = played.agent.stats
    assert (stats["flow"].settled, stats["flow"].insufficient) == (1, 1)
    assert (stats["able"].asked, stats["able"].settled) == (1, 1)
    assert played.reasons() == []
    assert [(each.heard is not None, each.said[:12]) for each in played.able.missed] == [
        (False, "Hello, how c"),
        (True, "Your balance"),
    ]


def test_nobody_sure_brings_a_person_who_sees_the_best_guess() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says("the thing with the other thing")
        offer = await floor[0].is_rung()
        (tried,) = offer.brief.tried
        assert tried.result == (
            "nobody was sure enough (flow 60%, able 60%; 90% needed), best guess: transfer"
        )
        assert offer.brief.intent == "transfer"
        assert offer.brief.exchanges[-1].text == "the thing with the other thing"
        await floor[0].takes()
        floor[0].speaks()
        floor[0].tells(HandedBack("ana", "all done"))
        await caller.hears("I am back. all done")
        await caller.hears_the_end()
        await caller.says("what is my balance")
        await caller.hears("Your balance")

    played = play(story, "ana")
    assert played.reasons() == ["component_failed"]
    assert not [text for text in texts_said(played) if "not sure" in text]


def test_a_core_that_weighs_calls_a_person_for_it_by_itself() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says("the thing with the other thing")
        offer = await floor[0].is_rung()
        assert offer.brief.intent == "transfer"
        await floor[0].takes()
        floor[0].speaks()

    played = play(story, "ana", weighs=True)
    assert len(played.reasons()) == 1
    assert "component_failed" not in played.reasons()


def texts_said(played: Played) -> list[str]:
    lines = played.world.screen.lines["CA1"].values()
    return [line.text for line in lines if line.role == "agent"]


def test_where_nobody_can_come_the_caller_is_asked_to_say_it_otherwise() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says("the thing with the other thing")
        await caller.hears("I am back")
        await caller.hears_the_end()
        await caller.says("that thing of mine")
        await caller.hears(APOLOGY[1])
        await caller.hears_the_end()
        await caller.says("what is my balance")
        await caller.hears("Your balance")

    played = play(story)
    assert texts_said(played).count(APOLOGY[0]) == 1


def test_noise_does_not_call_a_person_the_first_time() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says("mumble mumble")
        await caller.hears("Your balance")  # what the scripted agent answers to anything
        await caller.hears_the_end()
        assert floor[0].offer is None
        await caller.says("mumble mumble")
        await floor[0].takes()
        floor[0].speaks()

    assert "no_matches" in play(story, "ana").reasons()


def test_a_slow_agent_is_cut_and_the_next_answers() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says("a slow question")
        await caller.hears("Your balance")
        await caller.hears_the_end()

    played = play(story, budget=0.2)
    assert played.agent.stats["flow"].overran == 1
    assert texts(played.able.heard) == ["a slow question"]


def test_a_wish_for_a_person_is_heard_from_the_first_agent() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says("a person please")
        await floor[0].takes()
        floor[0].speaks()

    played = play(story, "ana")
    assert played.reasons() == ["explicit_request"]
    assert played.able.heard == []
