"""Whole calls in which callers and operators do anything in any order, on virtual time.

What must hold: one operator bridged to a call at most, one outcome, nobody rings for a call that is gone,
no decoder leased and no row half-written in the end, epochs only grow.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from handoff import events as facts
from handoff.brief import Brief
from handoff.commands import Ring
from handoff.policy import Policy
from handoff.ports import Record
from handoff.testing import MemoryStore
from tests.support import virtual
from tests.support.scripted import LOST, ScriptedAgent, ScriptedConversation, ScriptedVoice
from tests.support.world import Caller, Operator, Screen, World, a_world
from voice_hitl.agent.protocol import Acted, AgentEvent, Understanding
from voice_hitl.call.bridge import OperatorLeg
from voice_hitl.call.inbox import Draining, FloorSaid
from voice_hitl.call.journal import STORED_WITHIN
from voice_hitl.call.ports import CallSnapshot
from voice_hitl.errors import SynthesisError

OUTCOMES = {"automated", "handed_off", "abandoned", "failed"}
POLICY = Policy.from_mapping(
    {
        "waiting": {"limit": 20, "for_busy": 8, "backoff": 3, "bridge": 2, "drain": 6},
        "floor": {"offer_seconds": 3, "wrap_up": 1},
    },
    "test",
)
WORDS = (
    "what is my balance",
    "let me talk to a person",
    "there is fraud on my account",
    "move fifty dollars",
    "goodbye",
    "mumble",
    "break",
    "explode",
    LOST,
    "",
)


@dataclass
class Watched(Screen):
    """Checks everything that people are shown at the moment they are shown it."""

    now: Callable[[], float] = lambda: 0.0
    soon: float = 0.25  # seconds in which calls and floor have heard of each other
    epochs: list[int] = field(default_factory=list)
    offers: list[tuple[str, str]] = field(default_factory=list)  # operator, offer that ever rang
    gone_at: dict[str, float] = field(default_factory=dict)

    def call_changed(self, snapshot: CallSnapshot) -> None:
        super().call_changed(snapshot)
        assert (snapshot.operator_id is not None) == (snapshot.state in ("bridging", "operator"))

    def call_ended(self, call_id: str, outcome: str) -> None:
        super().call_ended(call_id, outcome)
        assert outcome in OUTCOMES
        self.gone_at[call_id] = self.now()

    def ring(self, offer: Ring, seconds: float) -> None:
        assert offer.operator_id not in self.ringing, "one offer at a time"
        assert offer.call_id not in {other.call_id for other in self.ringing.values()}
        assert offer.call_id not in {call for call, _ in self.bridges.values()}
        assert seconds > 0
        super().ring(offer, seconds)
        self.offers.append((offer.operator_id, offer.offer_id))

    def bridged(self, call_id: str, operator_id: str, epoch: int, brief: Brief | None) -> None:
        assert brief is not None, "whoever takes a call knows what it is about"
        assert operator_id not in self.bridges, "one call at a time"
        assert call_id not in {call for call, _ in self.bridges.values()}, "one operator at a time"
        assert epoch > max(self.epochs, default=0), "epochs only grow"
        self.epochs.append(epoch)
        super().bridged(call_id, operator_id, epoch, brief)

    def unbridged(self, call_id: str, operator_id: str, reason: str) -> None:
        known = self.bridges.get(operator_id)
        assert reason == "call_ended" or (known is not None and known[0] == call_id)
        super().unbridged(call_id, operator_id, reason)

    def check_nobody_is_bothered_by_the_gone(self) -> None:
        gone = {call for call, at in self.gone_at.items() if self.now() - at > self.soon}
        assert not gone & {offer.call_id for offer in self.ringing.values()}
        assert not gone & {call for call, _ in self.bridges.values()}


class Stage:
    """A world, its people, and what they have in hand."""

    def __init__(self, world: World, screen: Watched) -> None:
        self.world = world
        self.screen = screen
        self.callers: list[Caller] = []
        self.operators = {name: Operator(world, name) for name in ("ana", "ben")}
        self.present: set[str] = set()
        self.legs: dict[str, OperatorLeg] = {}  # audio sockets that are open

    @property
    def said_to_operators(self) -> str:
        """Everything in the transcripts that neither side of the call has said."""
        lines = [line for call in self.screen.lines.values() for line in call.values()]
        return " ".join(line.text for line in lines if line.role == "system")

    async def opens(self) -> None:
        """A morning: two operators are there, a caller has been greeted."""
        for name in self.operators:
            await self.operator(name, "joins")
            await self.operator(name, "available")
        await self.call()
        await self.callers[0].hears_the_end()

    async def call(self) -> None:
        if len(self.callers) < 2:
            self.callers.append(await self.world.call())

    async def caller(self, who: int, what: str) -> None:
        caller = self.callers[who % len(self.callers)]
        if caller.closed:
            return
        match what:
            case "hangs up":
                caller.hangs_up()
            case "presses 0" | "presses 5":
                caller.presses(what[-1])
            case _ if what.startswith("interrupts: "):
                caller.starts_to_speak(what.removeprefix("interrupts: "))
            case _:
                caller.starts_to_speak(what.removeprefix("says: "))
                await self.world.until(lambda: caller.closed or not caller._speech)
                await self.world.passes(1.5)

    async def operator(self, name: str, what: str) -> None:
        operator = self.operators[name]
        floor = self.world.floor
        offer = operator.offer
        match what:
            case "joins":
                operator.joins()
                self.present.add(name)
            case "leaves":
                self.present.discard(name)
                await self.operator(name, "loses audio")
                floor.post(facts.OperatorLeft(name))
            case "available" | "away" if name in self.present:
                operator.goes(facts.Presence(what))
            case "accepts" if offer is not None:
                operator.accepts(offer)
                await self.world.passes(0.1)
                await self.operator(name, "opens audio")
            case "takes":
                await self._takes(name)
            case "accepts silently" if offer is not None:
                operator.accepts(offer)
            case "declines" if offer is not None:
                operator.declines(offer)
            case "accepts an old offer" if self.screen.offers:
                floor.post(facts.OfferAccepted(name, self.screen.offers[0][1]))
            case "opens audio" if name in self.screen.bridges and name not in self.legs:
                call_id, epoch = self.screen.bridges[name]
                runner = self.world.calls.get(call_id)
                if runner is not None and runner.leg is not None and runner.leg.epoch == epoch:
                    self.legs[name] = runner.leg
                    runner.leg.attach()
            case "loses audio" if name in self.legs:
                self.legs.pop(name).detach()
            case "speaks" if name in self.legs:
                for _ in range(10):
                    assert self.legs[name].from_operator(bytes(324))
            case "takes over":
                self._tell_all(facts.TakeoverAsked(name))
            case "hands back":
                self._tell_bridged(name, lambda epoch: facts.HandedBack(name, "Done.", epoch=epoch))
            case "ends":
                self._tell_bridged(name, lambda epoch: facts.OperatorEndedCall(name, epoch=epoch))
            case "hands back yesterday's call":
                self._tell_all(facts.HandedBack(name, "Old.", epoch=0))
            case "ends yesterday's call":
                self._tell_all(facts.OperatorEndedCall(name, epoch=0))

    async def _takes(self, name: str) -> None:
        """Wait a while for the telephone, answer it and speak."""
        until = self.world.now() + 3.5
        while self.operators[name].offer is None and self.world.now() < until:
            await self.world.passes(0.05)
        await self.operator(name, "accepts")
        await self.operator(name, "speaks")
        await self.world.passes(0.3)

    def _tell_all(
        self, told: facts.TakeoverAsked | facts.HandedBack | facts.OperatorEndedCall
    ) -> None:
        for caller in self.callers:
            if caller.live:
                caller.runner.post(FloorSaid(told))

    def _tell_bridged(
        self, name: str, told: Callable[[int], facts.HandedBack | facts.OperatorEndedCall]
    ) -> None:
        if name in self.screen.bridges:
            call_id, epoch = self.screen.bridges[name]
            runner = self.world.calls.get(call_id)
            if runner is not None:
                runner.post(FloorSaid(told(epoch)))

    async def acts(self, who: str, what: str) -> None:
        match who:
            case "time":
                await self.world.passes(float(what))
            case "another caller":
                await self.call()
            case "server":
                for caller in self.callers:
                    if caller.live:
                        caller.runner.post(Draining())
            case "caller 0" | "caller 1":
                await self.caller(int(who[-1]), what)
            case _:
                await self.operator(who, what)
        self._close_ended_audio()
        self.screen.check_nobody_is_bothered_by_the_gone()

    def _close_ended_audio(self) -> None:
        for name, leg in list(self.legs.items()):
            if leg.closed:  # the server closes that socket
                self.legs.pop(name).detach()

    async def ends(self) -> None:
        """Everybody hangs up; calls and floor settle."""
        for caller in self.callers:
            if not caller.closed:
                caller.hangs_up()
        await self.world.passes(self.screen.soon)
        self._close_ended_audio()
        self.screen.check_nobody_is_bothered_by_the_gone()


@dataclass(frozen=True)
class Conditions:
    """How fast the parts are that a call must not wait for, and what of them breaks; in seconds."""

    thinks: float = 0.005
    acts: float = 0.0
    disk: float = 0.0
    word: float = 0.0  # to make the sound of a word
    voice_breaks: bool = False


class SlowStore(MemoryStore):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def save(self, records: Sequence[Record]) -> None:
        await asyncio.sleep(self.seconds)
        await super().save(records)


class WordVoice(ScriptedVoice):
    """Makes a sentence word by word; may break before the word "ten"."""

    def __init__(self, word: float, breaks: bool) -> None:
        self.word = word
        self.breaks = breaks

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        for word in text.split():
            await asyncio.sleep(self.word)
            if self.breaks and word == "ten":
                raise SynthesisError("the worker died twice")
            yield self.clip(word)


@dataclass
class SlowActor(ScriptedAgent):
    """Takes its time between the verdict on an action and its result."""

    acts: float = 0.0

    def converse(self, call_id: str, parameters: Mapping[str, str]) -> ScriptedConversation:
        return SlowConversation(self)


class SlowConversation(ScriptedConversation):
    def __init__(self, agent: SlowActor) -> None:
        super().__init__(agent)
        self._acts = agent.acts

    async def respond(
        self, understanding: Understanding, *, safe_mode: bool
    ) -> AsyncIterator[AgentEvent]:
        events = super().respond(understanding, safe_mode=safe_mode)
        assert isinstance(events, AsyncGenerator)
        async with aclosing(events):
            async for happened in events:
                if isinstance(happened, Acted):
                    await asyncio.sleep(self._acts)
                yield happened


def furnish(world: World, conditions: Conditions) -> Watched:
    """Put our own parts in the place of the world's, before anything happens in it."""
    screen = Watched(now=world.now, soon=min(conditions.disk, STORED_WITHIN) + 0.25)
    world.screen = world.floor._consoles = screen
    world.store = world.journal._store = SlowStore(conditions.disk)
    parts = replace(
        world.line_parts.call_parts,
        watcher=screen,
        voice=WordVoice(conditions.word, conditions.voice_breaks),
    )
    world.line_parts = replace(world.line_parts, call_parts=parts)
    return screen


@asynccontextmanager
async def a_stage(
    conditions: Conditions = Conditions(), policy: Policy = POLICY
) -> AsyncIterator[Stage]:
    agent = SlowActor(thinks=conditions.thinks, acts=conditions.acts)
    async with a_world(agent, policy) as world:
        stage = Stage(world, furnish(world, conditions))
        await stage.opens()
        yield stage
        await stage.ends()
    desk = world.floor.desk
    assert not desk.offers()
    assert not desk.waiting()
    assert {operator.operator_id for operator in desk.operators()} == stage.present
    await check_what_is_stored(stage)


async def check_what_is_stored(stage: Stage) -> None:
    store = stage.world.store
    epochs: list[int] = []
    calls = await store.calls()
    assert {call.call_id: call.outcome for call in calls} == stage.screen.ended
    assert len(calls) == len(stage.callers)
    for call in calls:
        assert call.ended_at is not None
        assert call.reason
        assert stage.world.floor.desk.owner(call.call_id) is None
        handoffs = await store.handoffs(call.call_id)
        assert [handoff.seq for handoff in handoffs] == list(range(len(handoffs)))
        for handoff in handoffs:
            assert handoff.ended_at is not None, "a handoff that nobody closed"
            assert handoff.ended_why
            assert (handoff.operator_id is None) == (handoff.epoch is None)
            assert (handoff.operator_id is None) == (handoff.accepted_at is None)
            assert handoff.requested_at <= handoff.ended_at
            epochs += [] if handoff.epoch is None else [handoff.epoch]
        if any(handoff.bridged_at is not None for handoff in handoffs):
            assert call.outcome in ("handed_off", "failed")
        turns = await store.turns(call.call_id)
        for turn in turns:
            if turn.role == "agent":
                assert turn.heard is not None, "nobody knows what the caller heard"
                assert turn.text.startswith(turn.heard)
        decisions = await store.decisions(call.call_id)
        assert [decision.seq for decision in decisions] == list(range(len(decisions)))
    assert len(epochs) == len(set(epochs)), "an epoch belongs to one assignment"
    assert set(stage.screen.epochs) <= set(epochs)


words = st.sampled_from([*WORDS, "let me talk to a person", "let me talk to a person"])
operator_acts = st.sampled_from(
    [
        "joins",
        "leaves",
        "available",
        "available",
        "away",
        "takes",
        "takes",
        "takes",
        "takes",
        "accepts",
        "accepts silently",
        "declines",
        "accepts an old offer",
        "opens audio",
        "loses audio",
        "speaks",
        "takes over",
        "hands back",
        "ends",
        "hands back yesterday's call",
        "ends yesterday's call",
    ]
)
caller_acts = st.one_of(
    words.map(lambda text: f"says: {text}"),
    words.map(lambda text: f"interrupts: {text}"),
    st.sampled_from(["presses 0", "presses 5", "hangs up"]),
)
seconds = st.sampled_from(["0", "0.02", "0.3", "1", "2.5", "4", "9"])
steps = st.one_of(
    st.tuples(st.sampled_from(["caller 0", "caller 0", "caller 1"]), caller_acts),
    st.tuples(st.sampled_from(["ana", "ben"]), operator_acts),
    st.tuples(st.sampled_from(["ana", "ben"]), operator_acts),
    st.tuples(st.just("time"), seconds),
    st.sampled_from([("another caller", "dials"), ("server", "drains")]),
)


conditions = st.builds(
    Conditions,
    thinks=st.sampled_from([0.005, 1.0]),
    acts=st.sampled_from([0.0, 3.0]),
    disk=st.sampled_from([0.0, 0.4, 1.3]),
    word=st.sampled_from([0.0, 0.15]),
    voice_breaks=st.booleans(),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(steps, min_size=1, max_size=14), conditions)
def test_whatever_people_do_calls_and_floor_stay_sound(
    happens: list[tuple[str, str]], conditions: Conditions
) -> None:
    async def main() -> Watched:
        async with a_stage(conditions) as stage:
            for who, what in happens:
                await stage.acts(who, what)
        return stage.screen

    seen = virtual.run(main())
    for outcome in seen.ended.values():
        event(outcome)
    event(f"{len(seen.epochs)} bridges")


# --- what such calls have found ---


def test_a_reply_whose_voice_breaks_leaves_nobody_in_silence() -> None:
    """The AI goes on in safe mode, as nobody may be asked again so soon: it must hear its caller."""
    waiting = POLICY.waiting.model_copy(update={"backoff": 60.0})
    policy = POLICY.model_copy(update={"waiting": waiting})

    async def main() -> None:
        async with a_stage(Conditions(word=0.05, voice_breaks=True), policy) as stage:
            await stage.operator("ana", "away")
            await stage.operator("ben", "away")
            caller = stage.callers[0]
            await stage.caller(0, "says: what is my balance")  # breaks, and nobody comes
            await caller.hears("I am back.")
            await caller.hears_the_end()
            await stage.caller(0, "says: what is my balance")  # breaks again
            heard = len(stage.world.agent.heard)
            await stage.world.until(lambda: len(stage.world.agent.heard) > heard, within=20.0)
            silence = stage.world.agent.heard[-1].silence
            assert silence is not None
            assert silence < 8.0

    virtual.run(main())


def test_an_accept_that_comes_when_the_caller_has_just_gone_frees_the_operator() -> None:
    """The call is still there, because an action must not be cut off, but nobody reads its inbox."""

    async def main() -> None:
        async with a_stage(Conditions(acts=5.0, disk=0.4)) as stage:
            caller = stage.callers[0]
            caller.starts_to_speak("move fifty dollars")
            await stage.world.until(lambda: "move 50 dollars" in stage.said_to_operators)
            await stage.caller(0, "presses 0")
            await stage.world.until(lambda: bool(stage.screen.ringing))
            await stage.operator(next(iter(stage.screen.ringing)), "accepts silently")
            caller.hangs_up()

    virtual.run(main())


@pytest.mark.parametrize("reach", ["ringing", "bridged"])
def test_a_call_that_breaks_leaves_nobody_ringing_and_nobody_busy(reach: str) -> None:
    async def main() -> None:
        async with a_stage() as stage:
            caller = stage.callers[0]
            await stage.caller(0, "presses 0")
            await stage.world.until(lambda: bool(stage.screen.ringing))
            if reach == "bridged":
                await stage.operator(next(iter(stage.screen.ringing)), "takes")
                assert stage.legs
            caller.runner.post("no event of ours")  # type: ignore[arg-type]
            await stage.world.until(lambda: not caller.live)
            await stage.world.passes(stage.screen.soon)
            stage.screen.check_nobody_is_bothered_by_the_gone()
        (call,) = await stage.world.store.calls()
        assert call.outcome == "failed"

    virtual.run(main())


def test_an_answer_to_an_earlier_request_does_not_close_the_present_one() -> None:
    async def main() -> None:
        async with a_stage() as stage:
            caller = stage.callers[0]
            await stage.caller(0, "presses 0")
            await stage.world.until(lambda: bool(stage.screen.ringing))
            caller.runner.post(FloorSaid(facts.NobodyAvailable(tried=1, request=0)))
            await stage.operator(next(iter(stage.screen.ringing)), "takes")
            await stage.operator("ana", "ends")
            await stage.operator("ben", "ends")
            await stage.world.until(lambda: not caller.live)
        (handoff,) = await stage.world.store.handoffs("CA1")
        assert handoff.ended_why == "operator_ended"
        assert handoff.brief

    virtual.run(main())
