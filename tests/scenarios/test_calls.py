"""Whole calls on virtual time: what the caller, the operators and the store see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from handoff import events as facts
from handoff.commands import Urgency
from handoff.events import Effect
from handoff.policy import Policy
from handoff.replay import replay
from handoff.risk import SHIPPED
from tests.support import virtual
from tests.support.scripted import LOST, ScriptedAgent, ScriptedConversation
from tests.support.world import Caller, World, a_world, replace_floor
from voice_hitl.agent.protocol import Acted, AgentEvent, Heard, Proposal, Understanding
from voice_hitl.call.inbox import UnderstandingCame
from voice_hitl.call.latency import Stage
from voice_hitl.errors import TelephonyError
from voice_hitl.language import Hypothesis


def test_a_routine_call_stays_automated() -> None:
    async def main() -> None:
        async with a_world() as world:
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("what is my balance")
            await caller.hears("What else can I do")
            await caller.hears_the_end()
            await caller.says("goodbye")
            await world.until(lambda: caller.closed)
        assert caller.outcome == "automated"
        call = await world.store.call("CA1")
        assert call is not None
        assert (call.outcome, call.caller) == ("automated", "+15550100")
        turns = await world.store.turns("CA1")
        assert [turn.role for turn in turns] == [
            "agent",
            "caller",
            "agent",
            "agent",
            "caller",
            "agent",
        ]
        assert [turn.heard for turn in turns if turn.role == "agent"] == caller.said
        first = turns[1]
        assert set(first.latency_ms) >= {"endpoint", "transcript", "decision", "reply", "response"}
        assert first.signals
        assert first.confidence is not None
        assert first.latency_ms["response"] < 900

    virtual.run(main())


def test_a_caller_who_asks_gets_a_person_and_is_handed_back() -> None:
    async def main() -> None:
        async with a_world() as world:
            ana = world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("let me talk to a person")
            offer = await ana.is_rung()
            assert offer.brief.reasons[0].code == "explicit_request"
            assert caller.runner.engine.state.value == "waiting"
            ana.accepts(offer)
            await ana.opens_audio()
            await world.until(lambda: caller.runner.engine.state.value == "operator")
            ana.speaks()
            before = caller.playback.received
            await world.passes(0.5)
            ana.speaks()
            await world.passes(0.5)
            assert caller.playback.received > before
            ana.tells(facts.HandedBack("ana", "The address is updated."))
            await caller.hears("The address is updated.")
            await caller.hears_the_end()
            await caller.says("goodbye")
            await world.until(lambda: caller.closed)
        assert caller.outcome == "handed_off"
        (handoff,) = await world.store.handoffs("CA1")
        assert handoff.operator_id == "ana"
        assert handoff.ended_why == "handed_back"
        times = [
            handoff.requested_at,
            handoff.offered_at,
            handoff.accepted_at,
            handoff.bridged_at,
            handoff.ended_at,
        ]
        assert None not in times
        assert times == sorted(times)  # type: ignore[type-var]

    virtual.run(main())


def test_a_waiting_caller_is_never_left_in_silence() -> None:
    async def main() -> None:
        async with a_world() as world:
            world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("let me talk to a person")
            start = world.now()
            quiet = 0.0
            while world.now() < start + 12:
                since = caller.playback.quiet_since()
                if since is not None:
                    quiet = max(quiet, world.now() - max(since, start))
                await world.passes(0.05)
            caller.hangs_up()
        assert quiet < 3.0

    virtual.run(main())


def test_barge_in_stops_the_agent_and_the_transcript_says_what_was_heard() -> None:
    async def main() -> None:
        async with a_world() as world:
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("what is my balance")
            await caller.hears("Your balance is")
            await world.passes(0.3)
            caller.starts_to_speak("goodbye")
            await world.until(lambda: caller.clears == 1, within=1.0)
            await world.until(lambda: caller.closed)
        turns = await world.store.turns("CA1")
        cut = next(turn for turn in turns if turn.text.startswith("Your balance"))
        assert cut.heard is not None
        assert cut.text.startswith(cut.heard)
        assert len(cut.heard) < len(cut.text)
        assert world.agent.heard[-1].interruptions == 1
        (took,) = world.screen.measured_ms[Stage.BARGE_IN]
        assert took < 250

    virtual.run(main())


def test_noise_over_the_agent_makes_it_repeat_itself() -> None:
    async def main() -> None:
        async with a_world() as world:
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("what is my balance")
            await caller.hears("Your balance is")
            await world.passes(0.2)
            caller.starts_to_speak("")
            await world.until(lambda: sum("Your balance" in text for text in caller.said) == 2)
            caller.hangs_up()

    virtual.run(main())


def test_a_silent_caller_is_asked_and_then_given_to_a_person() -> None:
    async def main() -> None:
        async with a_world() as world:
            ana = world.operator("ana")
            caller = await world.call()
            await caller.hears("Are you still there?")
            offer = await ana.is_rung()
            assert offer.brief.reasons[0].code == "silences"
            caller.hangs_up()

    virtual.run(main())


def test_zero_calls_a_person() -> None:
    async def main() -> None:
        async with a_world() as world:
            ana = world.operator("ana")
            caller = await world.call()
            await world.passes(0.5)
            caller.presses("0")
            offer = await ana.is_rung()
            assert offer.brief.reasons[0].code == "digit_zero"
            caller.hangs_up()

    virtual.run(main())


def test_a_pin_is_nowhere_in_what_is_kept_or_shown() -> None:
    async def main() -> None:
        async with a_world() as world:
            caller = await world.call()
            await caller.hears_the_end()
            for digit in "7391":
                caller.presses(digit)
                await world.passes(0.3)
            await world.passes(2.0)
            assert [h.digits for h in world.agent.heard if h.digits] == list("7391")
            caller.hangs_up()
        turns = await world.store.turns("CA1")
        assert "The caller pressed ••••." in [turn.text for turn in turns]
        kept = await world.store.facts("CA1")
        said = [fact.values for fact in kept if fact.kind in ("DigitPressed", "CallerSpoke")]
        assert len(said) >= 4
        texts = [str(values.get("digit", values.get("text", ""))) for values in said]
        assert not [text for text in texts if any(each.isdigit() for each in text)]
        shown = " ".join(line.text for line in world.screen.lines["CA1"].values())
        assert not any(each.isdigit() for each in shown)

    virtual.run(main())


def test_an_offer_goes_round_and_then_the_ai_goes_on_in_safe_mode() -> None:
    async def main() -> None:
        async with a_world(policy=replace_floor(Policy(), offer_seconds=3.0)) as world:
            ana, ben = world.operator("ana"), world.operator("ben")
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("let me talk to a person")
            await world.until(lambda: bool(world.screen.ringing))
            first = next(iter(world.screen.ringing))
            other = ben if first == "ana" else ana
            await other.is_rung()
            await caller.hears("Notice nobody.")
            await world.until(lambda: caller.runner.engine.state.value == "ai")
            assert caller.runner.engine.safe_mode
            await caller.hears_the_end()
            await caller.says("move fifty dollars")
            await caller.hears("moved")
            assert world.agent.acted == ["safe"]
            caller.hangs_up()
        (handoff,) = await world.store.handoffs("CA1")
        assert handoff.ended_why == "nobody"

    virtual.run(main())


def test_who_presses_0_too_early_is_put_through_when_a_person_may_be_asked_again() -> None:
    async def main() -> None:
        async with a_world() as world:
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("let me talk to a person")
            await caller.hears("Notice nobody")
            ana = world.operator("ana")
            caller.presses("0")
            await world.passes(10)
            assert ana.offer is None, "too early"
            offer = await ana.is_rung()
            assert offer.brief.reasons[0].code == "digit_zero"
            await ana.takes()
            caller.hangs_up()
        held, asked = (await world.store.decisions("CA1"))[-2:]
        assert (held.hand_off, asked.hand_off) == (False, True)
        assert (held.kind, asked.kind) == ("hard", "hard")

    virtual.run(main())


def test_of_two_operators_who_accept_exactly_one_gets_the_call() -> None:
    async def main() -> None:
        async with a_world(policy=replace_floor(Policy(), offer_seconds=3.0)) as world:
            operators = {name: world.operator(name) for name in ("ana", "ben")}
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("let me talk to a person")
            await world.until(lambda: bool(world.screen.ringing))
            early = next(iter(world.screen.ringing))
            stale = world.screen.ringing[early]
            late = "ben" if early == "ana" else "ana"
            fresh = await operators[late].is_rung()  # the first offer has lapsed
            operators[late].accepts(fresh)
            operators[early].accepts(stale)
            await operators[late].opens_audio()
            await world.passes(0.2)
            assert early not in world.screen.bridges
            assert (early, "lapsed") in world.screen.over or (early, "taken") in world.screen.over
            caller.hangs_up()

    virtual.run(main())


@pytest.mark.parametrize(
    "action",
    [
        Proposal("a1", "transfer", {}, Effect.IRREVERSIBLE, "wire 5000", over_limit=True),
        Proposal("a1", "loan", {}, Effect.REVERSIBLE, "grant a loan", regulated="credit_decision"),
    ],
)
def test_an_action_beyond_the_ai_is_not_done_and_calls_a_person(action: Proposal) -> None:
    async def main() -> None:
        async with a_world(ScriptedAgent(action=action)) as world:
            ana = world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("move fifty dollars")
            offer = await ana.is_rung()
            assert offer.brief.pending
            assert world.agent.acted == []
            caller.hangs_up()

    virtual.run(main())


@pytest.mark.parametrize("words", ["break", "explode", LOST])
def test_what_breaks_in_a_call_sends_it_to_a_person(words: str) -> None:
    async def main() -> None:
        async with a_world() as world:
            ana = world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says(words)
            offer = await ana.is_rung()
            assert offer.brief.reasons[0].code == "component_failed"
            await ana.takes()
            ana.tells(facts.OperatorEndedCall("ana"))
            await world.until(lambda: caller.closed)
        assert caller.outcome == "handed_off"

    virtual.run(main())


def test_a_slow_agent_says_so_and_a_stuck_one_is_replaced_by_a_person() -> None:
    async def main() -> None:
        async with a_world(ScriptedAgent(thinks=60.0)) as world:
            ana = world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("what is my balance")
            await caller.hears("One moment, please.")
            offer = await ana.is_rung()
            assert offer.brief.reasons[0].code == "component_failed"
            caller.hangs_up()

    virtual.run(main())


def test_an_operator_whose_audio_breaks_is_replaced() -> None:
    async def main() -> None:
        async with a_world() as world:
            ana = world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("let me talk to a person")
            await ana.takes()
            await world.until(lambda: caller.runner.engine.state.value == "operator")
            ben = world.operator("ben")
            ana.loses_audio()
            await caller.hears("Notice operator_lost.")
            await ben.takes()
            await world.until(lambda: caller.runner.engine.state.value == "operator")
            ben.tells(facts.OperatorEndedCall("ben"))
            await world.until(lambda: caller.closed)
        assert [h.operator_id for h in await world.store.handoffs("CA1")] == ["ana", "ben"]

    virtual.run(main())


def test_an_operator_takes_a_call_that_was_not_offered() -> None:
    async def main() -> None:
        async with a_world() as world:
            ana = world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("what is my balance")
            await world.until(lambda: bool(world.screen.calls))
            ana.tells(facts.TakeoverAsked("ana"))
            await ana.opens_audio()
            await world.until(lambda: caller.runner.engine.state.value == "operator")
            caller.hangs_up()
        (handoff,) = await world.store.handoffs("CA1")
        assert handoff.operator_id == "ana"

    virtual.run(main())


async def _greeting(world: World, caller: Caller) -> None:
    await world.passes(0.3)


async def _listening(world: World, caller: Caller) -> None:
    await caller.hears_the_end()


async def _mid_sentence(world: World, caller: Caller) -> None:
    await caller.hears_the_end()
    caller.starts_to_speak("what is my balance")
    await world.passes(0.8)


async def _transcribing(world: World, caller: Caller) -> None:
    await _mid_sentence(world, caller)
    await world.until(lambda: world.recognizer.finished > 0)


async def _answering(world: World, caller: Caller) -> None:
    await caller.hears_the_end()
    await caller.says("what is my balance")
    await caller.hears("Your balance is")


async def _ringing(world: World, caller: Caller) -> None:
    ana = world.operator("ana")
    await caller.hears_the_end()
    await caller.says("let me talk to a person")
    await ana.is_rung()


async def _bridging(world: World, caller: Caller) -> None:
    ana = world.operator("ana")
    await caller.hears_the_end()
    await caller.says("let me talk to a person")
    ana.accepts(await ana.is_rung())
    await world.until(lambda: "ana" in world.screen.bridges)


async def _talking(world: World, caller: Caller) -> None:
    ana = world.operator("ana")
    await caller.hears_the_end()
    await caller.says("let me talk to a person")
    await ana.takes()
    await world.until(lambda: caller.runner.engine.state.value == "operator")


async def _safe_mode(world: World, caller: Caller) -> None:
    await caller.hears_the_end()
    await caller.says("let me talk to a person")
    await caller.hears("Notice nobody.")


@pytest.mark.parametrize(
    ("reach", "outcome"),
    [
        (_greeting, "abandoned"),
        (_listening, "abandoned"),
        (_mid_sentence, "abandoned"),
        (_transcribing, "abandoned"),
        (_answering, "abandoned"),
        (_ringing, "abandoned"),
        (_bridging, "abandoned"),
        (_talking, "handed_off"),
        (_safe_mode, "abandoned"),
    ],
)
def test_a_hang_up_leaves_nothing_behind(reach, outcome: str) -> None:  # type: ignore[no-untyped-def]
    async def main() -> None:
        async with a_world() as world:
            caller = await world.call()
            await reach(world, caller)
            caller.hangs_up()
        assert caller.outcome == outcome
        call = await world.store.call("CA1")
        assert call is not None
        assert call.outcome == outcome
        assert call.ended_at is not None
        for handoff in await world.store.handoffs("CA1"):
            assert handoff.ended_at is not None
        assert all(
            turn.heard is not None
            for turn in await world.store.turns("CA1")
            if turn.role == "agent"
        )

    virtual.run(main())


def test_a_call_beyond_capacity_and_a_wrong_token_are_refused() -> None:
    async def main() -> None:
        async with a_world() as world:
            callers = [await world.call() for _ in range(3)]
            assert not world.calls.has_room()
            for caller in callers:
                caller.hangs_up()

    virtual.run(main())


def test_draining_takes_no_more_and_waits_for_the_live_ones() -> None:
    async def main() -> None:
        async with a_world() as world:
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("what is my balance")
            await caller.hears_the_end()
            await world.calls.drain(120.0)
            assert not world.calls.has_room()
            assert caller.outcome is not None

    virtual.run(main())


def test_a_second_stream_of_a_call_is_refused_and_harms_nobody() -> None:
    async def main() -> None:
        async with a_world() as world:
            caller = await world.call()
            await caller.hears_the_end()
            again = Caller(world, "CA1")
            with pytest.raises(TelephonyError, match="has had its stream"):
                await again.run()
            assert caller.live
            caller.hangs_up()

    virtual.run(main())


def test_an_emergency_that_a_waiting_caller_tells_of_rings_louder() -> None:
    async def main() -> None:
        async with a_world() as world:
            ana = world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("let me talk to a person")
            await ana.is_rung()
            await caller.says("there is fraud on my account")
            await world.until(lambda: world.screen.decisions[-1].urgency is Urgency.CRITICAL)
            assert world.screen.decisions[-1].reasons[0].code == "emergency"
            assert world.floor.desk.waiting()[0].urgency is Urgency.CRITICAL
            caller.hangs_up()
        turns = await world.store.turns("CA1")
        assert [t.intent for t in turns if t.role == "caller"] == ["balance", "balance"]

    virtual.run(main())


def test_what_the_core_was_told_decides_the_call_again() -> None:
    async def main() -> None:
        async with a_world() as world:
            world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("what is my balance")
            await caller.hears("What else can I do")
            await caller.says("let me talk to a person")
            await world.until(lambda: caller.runner.engine.state.value == "waiting")
            caller.hangs_up()
        again = replay(await world.store.facts("CA1"), Policy(), SHIPPED)
        assert again == world.screen.decisions
        assert [decision.hand_off for decision in again] == [False, True]
        eager = Policy.from_mapping({"hysteresis": {"high": -9, "low": -9}}, "eager")
        assert replay(await world.store.facts("CA1"), eager, SHIPPED)[0].hand_off

    virtual.run(main())


def test_a_caller_who_goes_on_while_the_agent_thinks_is_answered_in_one() -> None:
    beginning = "I want to move"

    async def main() -> None:
        async with a_world(ScriptedAgent(thinks=2.0)) as world:
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says(beginning)
            await world.until(lambda: len(world.agent.heard) == 1)
            await world.passes(0.2)
            await caller.says("to be exact")
            await world.passes(3.0)
            heard = world.agent.heard[1]
            assert heard.hypothesis is not None
            assert (heard.hypothesis.text, heard.goes_on) == (f"{beginning} to be exact", True)
            caller.hangs_up()
        turns = await world.store.turns("CA1")
        assert [each.text for each in turns if each.role == "caller"] == [beginning, "to be exact"]

    virtual.run(main())


def test_an_emergency_that_is_understood_too_late_for_its_turn_counts() -> None:
    async def main() -> None:
        async with a_world() as world:
            ana = world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            heard = Heard(Hypothesis("there is fraud on my card", final=True))
            found = ScriptedAgent().converse("CA1", {}).understand(heard)
            go: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            caller.runner.post(UnderstandingCame(0, found, go))  # of a turn that was broken off
            offer = await ana.is_rung()
            assert offer.brief.reasons[0].code == "emergency"
            assert go.result() is False
            caller.hangs_up()

    virtual.run(main())


def test_a_cough_while_the_agent_thinks_does_not_lose_the_question() -> None:
    async def main() -> None:
        async with a_world(ScriptedAgent(thinks=2.0)) as world:
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("what is my balance")
            await world.until(lambda: len(world.agent.heard) == 1)
            await world.passes(0.2)
            await caller.says("")
            await caller.hears("Your balance is")
            caller.hangs_up()
        turns = await world.store.turns("CA1")
        assert [each.text for each in turns if each.role == "caller"] == ["what is my balance"]
        (line,) = (each for each in turns if each.role == "caller")
        (spoke,) = [each for each in await world.store.facts("CA1") if each.kind == "CallerSpoke"]
        assert spoke.values["speech"]["confidence"] == line.asr_confidence
        (decision,) = await world.store.decisions("CA1")
        assert (decision.hand_off, decision.reasons) == (False, ())
        assert (line.intent, line.confidence) == ("balance", decision.confidence)

    virtual.run(main())


@pytest.mark.parametrize(
    "pieces", [["mumble about the thing"], ["mumble", "about the thing"], ["mumble", ""]]
)
def test_an_unclear_turn_counts_once_however_the_caller_pauses_in_it(pieces: list[str]) -> None:
    async def main() -> None:
        async with a_world(ScriptedAgent(thinks=2.0)) as world:
            ana = world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            for number, piece in enumerate(pieces, start=1):
                await caller.says(piece)
                await world.until(lambda number=number: len(world.agent.heard) == number)  # type: ignore[misc]
                await world.passes(0.2)
            await caller.hears("Your balance is")
            assert ana.offer is None
            caller.hangs_up()
        (decision,) = await world.store.decisions("CA1")
        assert [reason.code for reason in decision.reasons] == ["low_intent_confidence"]
        again = replay(await world.store.facts("CA1"), Policy(), SHIPPED)
        assert again == world.screen.decisions

    virtual.run(main())


@pytest.mark.parametrize("piece", ["", "about the thing"])
def test_a_filler_is_no_answer_that_settles_a_turn(piece: str) -> None:
    async def main() -> None:
        async with a_world(ScriptedAgent(thinks=6.0)) as world:
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("mumble")
            await caller.hears("One moment, please.")
            await world.passes(0.5)
            await caller.says(piece)
            await caller.hears("Your balance is")
            caller.hangs_up()
        spoke = [each for each in await world.store.facts("CA1") if each.kind == "CallerSpoke"]
        assert [each.values["text"] for each in spoke] == [f"mumble {piece}".strip()]

    virtual.run(main())


def test_words_that_waited_for_an_action_are_not_the_beginning_of_what_the_agent_was_given() -> (
    None
):
    class SlowBank(ScriptedConversation):
        async def respond(
            self, understanding: Understanding, *, safe_mode: bool
        ) -> AsyncIterator[AgentEvent]:
            async for event in super().respond(understanding, safe_mode=safe_mode):
                if isinstance(event, Acted):
                    await asyncio.sleep(12.0)
                yield event

    class Bank(ScriptedAgent):
        def converse(self, call_id: str, parameters: Mapping[str, str]) -> ScriptedConversation:
            return SlowBank(self)

    async def main() -> None:
        async with a_world(Bank()) as world:
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("move the money")
            await world.passes(0.3)
            for words in ("and tell me", "my balance"):
                await caller.says(words)
                await world.passes(0.3)
            await caller.hears("Your balance is")
            given = [(h.hypothesis.text, h.goes_on) for h in world.agent.heard if h.hypothesis]
            assert given == [("move the money", False), ("and tell me my balance", False)]
            caller.hangs_up()

    virtual.run(main())
