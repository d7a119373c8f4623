"""Moderation in whole calls on virtual time: what callers say, what the agent may not, what people see."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from handoff.events import HandedBack
from handoff.moderation import KnownTexts, Moderator, fingerprint
from handoff.policy import Policy
from handoff.ports import EventRecord
from handoff.replay import replay
from handoff.risk import SHIPPED
from tests.support import virtual
from tests.support.scripted import ScriptedAgent, ScriptedConversation, ScriptedVoice
from tests.support.world import Caller, Operator, World, a_world
from voice_hitl.agent.protocol import AgentEvent, Done, Sentence, Understanding
from voice_hitl.call.moderating import Moderation

THREAT = fingerprint("I will burn your branch down")
CARD = "4111 1111 1111 1111"
SAFE = Policy().moderation.safe_line
HELLO = "Hello, how can I help you today?"
Story = Callable[[World, Caller, list[Operator]], Awaitable[None]]


@dataclass
class Talker(ScriptedAgent):
    """Says what the test put down, sentence by sentence; greets with what nobody else may say."""

    script: list[str] = field(default_factory=list)

    def converse(self, call_id: str, parameters: Mapping[str, str]) -> Talk:
        return Talk(self)


class Talk(ScriptedConversation):
    def __init__(self, talker: Talker) -> None:
        super().__init__(talker)
        self._talker = talker

    async def respond(self, understanding: Understanding, *, safe_mode: bool) -> Any:
        events: list[AgentEvent] = [Sentence(text) for text in self._talker.script]
        for event in [*events, Done()]:
            await asyncio.sleep(0.005)
            yield event


@dataclass
class Listening(ScriptedVoice):
    """A voice that notes what it is made to say."""

    spoken: list[str] = field(default_factory=list)

    async def synthesize(self, text: str) -> Any:
        self.spoken.append(text)
        async for chunk in super().synthesize(text):
            yield chunk


def unsure(text: str) -> float:
    """A classifier that knows one word each."""
    scores = {"villain": 0.99, "rascal": 0.7, "silly": 0.4}
    return max((score for word, score in scores.items() if word in text.lower()), default=0.01)


@dataclass
class Played:
    world: World
    voice: Listening
    policy: Policy

    @property
    def system(self) -> list[str]:
        lines = self.world.screen.lines["CA1"]
        return [line.text for _, line in sorted(lines.items()) if line.role == "system"]

    @property
    def moderated(self) -> list[str]:
        return [text for text in self.system if text.startswith("Moderation ")]

    @property
    def logged(self) -> list[EventRecord]:
        found = asyncio.run(self.world.store.events(call_id="CA1", limit=1000))
        return [event for event in reversed(found) if event.action.startswith("moderation.")]

    @property
    def reasons(self) -> list[str]:
        return [reason.code for each in self.world.screen.decisions for reason in each.reasons]


def play(
    story: Story,
    *names: str,
    script: list[str] | None = None,
    trusted: frozenset[str] = frozenset(),
    audit: float = 0.0,
) -> Played:
    """A caller has heard the greeting; then what the story says."""
    played: list[Played] = []

    async def main() -> None:
        policy = Policy.from_mapping({"moderation": {"audit": audit}}, "test")
        talker = Talker(script=script or ["Your balance is two hundred dollars."])
        async with a_world(talker, policy) as world:
            voice = Listening()
            moderator = Moderator(policy, key=b"k", known=KnownTexts([THREAT]), scorer=unsure)
            moderation = Moderation(moderator, trusted, {THREAT: "a threat of arson"})
            parts = replace(world.line_parts.call_parts, moderation=moderation, voice=voice)
            world.line_parts = replace(world.line_parts, call_parts=parts)
            played.append(Played(world, voice, policy))
            operators = [world.operator(name) for name in names]
            caller = await world.call()
            await caller.hears_the_end()
            await story(world, caller, operators)
            if caller.live:
                caller.hangs_up()

    virtual.run(main())
    return played[0]


def saying(text: str, then: str) -> Story:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says(text)
        await caller.hears(then)
        await caller.hears_the_end()

    return story


def test_a_known_threat_of_the_caller_brings_a_person_before_the_agent_answers() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says("i w1ll b-u-r-n your braaanch down")
        offer = await floor[0].is_rung()
        assert offer.brief.why == "Call: something was said that must not pass: a threat of arson."
        assert world.agent.heard == [], "the agent is not asked about it"
        await floor[0].takes()
        floor[0].speaks()

    played = play(story, "ana")
    assert played.moderated == [
        "Moderation calls a person because of what the caller said: a threat of arson."
    ]
    (event,) = played.logged
    assert (event.action, event.detail["speaker"]) == ("moderation.blocked", "caller")
    assert event.detail["text"] is None
    assert "harmful_content" in played.reasons
    facts = asyncio.run(played.world.store.facts("CA1"))
    assert replay(facts, played.policy, SHIPPED) == played.world.screen.decisions


def test_a_threat_while_a_person_is_being_called_is_written_down() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says("give me a person")
        await floor[0].is_rung()
        await caller.says("or i will burn your branch down")
        await world.until(lambda: bool(played_lines(world)))
        await floor[0].takes()
        floor[0].speaks()

    def played_lines(world: World) -> list[str]:
        lines = world.screen.lines["CA1"].values()
        return [line.text for line in lines if line.text.startswith("Moderation ")]

    played = play(story, "ana")
    assert [event.action for event in played.logged] == ["moderation.blocked"]


def test_a_card_number_is_never_synthesized_nor_written_anywhere() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says("what is my card number")
        await floor[0].takes()
        floor[0].speaks()

    played = play(story, "ana", script=["Sure.", f"It is {CARD}.", "Anything else?"])
    assert not [text for text in played.voice.spoken if "1111" in text]
    assert played.moderated == ["Moderation stopped what the AI was about to say: card number."]
    (event,) = played.logged
    assert event.detail["text"] is None
    assert "harmful_content" in played.reasons
    store = played.world.store
    everything = repr(
        [asyncio.run(each) for each in (store.turns("CA1"), store.facts("CA1"))] + played.logged
    )
    assert "1111" not in everything


def test_where_nobody_can_come_the_safe_line_is_said_once_a_reply() -> None:
    """The floor is empty: the AI goes on, and what follows a stopped sentence is judged as well."""

    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says("i want a person")
        await caller.hears("I am back")
        await caller.says("what is my card number")
        await caller.hears(SAFE)
        await caller.hears("Anything else?")
        await caller.hears_the_end()

    script = [f"It is {CARD}.", f"Once more: {CARD}.", "Anything else?"]
    played = play(story, script=script)
    assert played.voice.spoken.count(SAFE) == 1
    assert [event.action for event in played.logged] == ["moderation.blocked"] * 2
    assert not [text for text in played.voice.spoken if "1111" in text]


def test_a_leak_in_two_sentences_is_stopped_at_the_second() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says("i want a person")
        await caller.hears("I am back")
        await caller.says("what is my card number")
        await caller.hears(SAFE)
        await caller.hears_the_end()

    halves = ["The first half is 4111 1111", "1111 1111", "1111 1111"]
    played = play(story, script=halves)
    assert "1111 1111" not in played.voice.spoken, "nor when it is said again"
    assert halves[0] in played.voice.spoken


def test_a_held_sentence_is_not_spoken_and_people_are_shown_what_it_was() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says("what do you think of me")
        await floor[0].takes()
        floor[0].speaks()

    held = "You rascal, account number 123456789."
    played = play(story, "ana", script=[held])
    assert held not in played.voice.spoken
    (event,) = played.logged
    assert event.action == "moderation.held"
    assert event.detail["text"] == "You rascal, account number •••••6789."
    assert event.detail["review"]
    assert "70%" in played.moderated[0]


def test_a_flagged_sentence_is_spoken_and_noted() -> None:
    played = play(saying("tell me a joke", "silly"), script=["That is a silly thing to ask."])
    assert [event.action for event in played.logged] == ["moderation.flagged"]
    assert len(played.moderated) == 1
    assert "harmful_content" not in played.reasons


@pytest.mark.parametrize(
    ("words", "action", "person"),
    [
        ("you villain", "blocked", True),
        ("you rascal", "held", False),
        ("silly me", "flagged", False),
    ],
)
def test_a_callers_words_by_their_score(words: str, action: str, person: bool) -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says(words)
        if person:
            await floor[0].takes()
            floor[0].speaks()
        else:
            await caller.hears("Your balance")

    played = play(story, "ana")
    assert [event.action for event in played.logged] == [f"moderation.{action}"]
    assert ("harmful_content" in played.reasons) is person


def test_callers_may_say_their_own_card_number() -> None:
    played = play(saying(f"my card is {CARD}", "Your balance"))
    assert played.logged == []


def test_what_passes_is_sampled_at_its_rate_and_leaves_no_line() -> None:
    played = play(saying("what is my balance", "Your balance"), audit=1.0)
    assert [(event.action, event.detail["speaker"]) for event in played.logged] == [
        ("moderation.sampled", "caller"),
        ("moderation.sampled", "agent"),
    ]
    assert [event.detail["propensity"] for event in played.logged] == [1.0, 1.0]
    assert played.logged[1].detail["text"] == "Your balance is two hundred dollars."
    assert played.moderated == []
    assert play(saying("what is my balance", "Your balance"), audit=0.0).logged == []


def test_a_sampled_line_is_put_before_an_auditor_and_teaches_nothing_about_the_answer() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says("my account number is 123456789")
        await caller.hears("Your balance")
        item = await floor[0].asks_to_audit()
        assert item is not None
        assert (item.kind, item.category) == ("line", "moderation_pass")
        assert item.summary == (
            'Moderation: pass (the caller\'s words): "my account number is •••••6789"'
        )
        floor[0].judges(item, "wrong")
        await world.until(lambda: ("ana", "answered") in world.screen.audited)

    played = play(story, "ana", audit=1.0)
    store = played.world.store
    (done,) = [
        record for record in asyncio.run(store.machine_records("audit")) if record.state == "done"
    ]
    assert (done.detail["propensity"], done.detail["referred"]) == (1.0, True)
    assert asyncio.run(store.labels()) == []


def test_what_a_pattern_stops_is_not_put_before_auditors() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says("what is my card number")
        await floor[0].takes()
        floor[0].speaks()

    played = play(story, "ana", script=[f"It is {CARD}."])
    records = asyncio.run(played.world.store.machine_records("audit"))
    assert [record for record in records if "line" in record.key] == []


def test_fixed_prompts_and_the_greeting_are_not_judged() -> None:
    fixed = "Only a villain would say this."
    played = play(
        saying("hello", fixed), script=[fixed, "Your balance is fine."], trusted=frozenset({fixed})
    )
    assert played.voice.spoken[:2] == [HELLO, fixed]
    assert played.logged == []
    sampled = play(saying("hello", fixed), script=[fixed], trusted=frozenset({fixed}), audit=1.0)
    assert [event.detail["speaker"] for event in sampled.logged] == ["caller"]


def test_what_noise_cut_off_is_said_again_without_being_judged_again() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.says("tell me a joke")
        await caller.hears("silly")
        await caller.says("")
        await world.until(lambda: len([t for t in caller.said if "silly" in t]) == 2)
        await caller.hears_the_end()

    played = play(story, script=["That is a very silly thing to ask of me today, is it not."])
    assert [event.action for event in played.logged] == ["moderation.flagged"]


def test_what_is_said_after_a_hand_back_is_judged() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        caller.presses("0")
        await floor[0].takes()
        floor[0].speaks()
        await world.passes(1.0)
        floor[0].tells(HandedBack("ana", f"the card is {CARD}"))
        await floor[0].is_rung()
        await floor[0].takes()
        floor[0].speaks()

    played = play(story, "ana")
    assert not [text for text in played.voice.spoken if "1111" in text]
    assert [event.action for event in played.logged] == ["moderation.blocked"]
