"""The approval gate in whole calls on virtual time: asked, answered, edited, vetoed, too late, hung up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from handoff.approvals import Answer, Approve, ApproveEdited, FollowUpDone, Reject, Respond
from handoff.events import Effect, Presence
from handoff.policy import Policy
from handoff.replay import decision_of, replay
from handoff.risk import SHIPPED
from tests.support import virtual
from tests.support.scripted import ScriptedAgent
from tests.support.world import Caller, Operator, World, a_world
from voice_hitl.agent.protocol import Proposal
from voice_hitl.call.approving import reopened_gate

PAY = Proposal("a1", "transfer", {"amount": "50"}, Effect.IRREVERSIBLE, "move 50 dollars")
IN = {"oversight": {"actions": {"transfer": {"mode": "in"}}}}
ON = {"oversight": {"actions": {"transfer": {"mode": "on", "risky": "on"}}, "veto_seconds": 6}}
Story = Callable[[World, Caller, list[Operator]], Awaitable[None]]
Found = TypeVar("Found")


def play(
    policy: Mapping[str, Any],
    story: Story,
    *names: str,
    first: str = "",
    asks: str = "move the money",
    action: Proposal = PAY,
) -> World:
    """With these operators on the floor a caller asks for the transfer; then what the story says.

    `first`: what the agent says before it proposes.
    """
    worlds: list[World] = []

    async def main() -> None:
        agent = ScriptedAgent(action=action, first=first)
        async with a_world(agent, Policy.from_mapping(policy, "test")) as world:
            worlds.append(world)
            operators = [world.operator(name) for name in names]
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says(asks)
            await story(world, caller, operators)
            if caller.live:
                caller.hangs_up()

    virtual.run(main())
    return worlds[0]


def kept(reading: Coroutine[object, object, Found]) -> Found:
    return asyncio.run(reading)


def outcome(world: World) -> str:
    (record,) = world.screen.approvals.values()
    return record.status


async def longest_silence(world: World, call_id: str, seconds: float) -> float:
    """The longest time, of these seconds, in which nothing plays to the caller."""
    longest, heard_at, end = 0.0, world.now(), world.now() + seconds
    while world.now() < end:
        if not world.egress_idle(call_id):
            heard_at = world.now()
        longest = max(longest, world.now() - heard_at)
        await asyncio.sleep(0.02)
    return longest


def test_an_approved_action_is_done_once_and_becomes_a_label() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await caller.hears("Notice checking")
        ask = await floor[0].is_asked()
        assert ask.record.proposal.summary == "move 50 dollars"
        assert world.agent.acted == []
        floor[0].answers(ask, Approve())
        await caller.hears("I have moved the money")

    world = play(IN, story, "ana")
    assert world.agent.acted == ["normal"]
    assert outcome(world) == "executed"
    assert world.screen.answers == [("ana", "approved")]
    (label,) = kept(world.store.labels())
    assert (label.head, label.value, label.source, label.by) == ("error", False, "approval", "ana")


def test_the_time_that_a_person_takes_is_not_the_ais() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].is_asked()
        await asyncio.sleep(20.0)
        floor[0].answers(ask, Approve())
        await caller.hears("I have moved the money")

    world = play(IN, story, "ana")
    turns = kept(world.store.turns("CA1"))
    (asked,) = [turn for turn in turns if turn.role == "caller"]
    assert asked.latency_ms["reply"] < 50
    assert asked.latency_ms["response"] < 900


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (Reject("the account is frozen"), "rejected", "I am not allowed to do that."),
        (Respond("Please come to the branch."), "responded", "I am not allowed to do that."),
    ],
)
def test_what_a_person_refuses_is_not_done(answer: Answer, status: str, said: str) -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        floor[0].answers(await floor[0].is_asked(), answer)
        await caller.hears(said)

    world = play(IN, story, "ana")
    assert world.agent.acted == []
    assert outcome(world) == status
    verdict = world.agent.verdicts["a1"]
    assert not verdict.allowed
    assert verdict.advice == (answer.text if isinstance(answer, Respond) else "")


def test_an_edit_is_what_is_done() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        floor[0].answers(await floor[0].is_asked(), ApproveEdited({"amount": "20"}))
        await caller.hears("I have moved the money")

    world = play(IN, story, "ana")
    assert world.agent.verdicts["a1"].arguments == {"amount": "20"}
    assert outcome(world) == "executed"


def test_an_answer_to_other_arguments_than_those_in_question_executes_nothing() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        floor[0].answers(await floor[0].is_asked(), Approve(), digest="0" * 64)
        await world.until(lambda: bool(world.screen.answers))

    world = play(IN, story, "ana")
    assert world.screen.answers == [("ana", "stale_digest")]
    assert world.agent.acted == []
    log = [event.action for event in kept(world.store.events(call_id="CA1"))]
    assert "approval.approve" in log


def test_nobody_answers_a_second_is_asked_at_half_time_and_then_it_is_not_done() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].is_asked()
        asked_at = world.now()
        second = await floor[1].is_asked()
        assert second.second
        assert world.now() - asked_at == pytest.approx(22.5, abs=0.5)
        await caller.hears("I am not allowed to do that.")
        assert world.now() - asked_at == pytest.approx(45.0, abs=1.0)
        floor[0].answers(ask, Approve())
        await world.until(lambda: ("ana", "late") in world.screen.answers)

    world = play(IN, story, "ana", "bob")
    assert world.agent.acted == []
    assert outcome(world) == "expired"
    assert world.agent.verdicts["a1"].advice == "Notice not_done."
    assert [r.approval_id for r in world.approvals.gate.follow_ups()] == list(
        world.screen.approvals
    )


def test_two_who_answer_at_once_one_counts() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        first, second = await floor[0].is_asked(), await floor[1].is_asked()
        floor[1].answers(second, Reject("no"))
        floor[0].answers(first, Approve())
        await caller.hears("I am not allowed to do that.")

    world = play(IN, story, "ana", "bob")
    assert world.screen.answers == [("bob", "rejected"), ("ana", "answered")]
    assert world.agent.acted == []


def test_where_nobody_is_the_caller_does_not_wait_long() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        before = world.now()
        await caller.hears("I am not allowed to do that.")
        assert world.now() - before < 7.0

    assert outcome(play(IN, story)) == "expired"


def test_a_caller_who_says_something_new_takes_the_proposal_back() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].is_asked()
        await caller.says("no wait what is my balance")
        await caller.hears("Your balance is")
        floor[0].answers(ask, Approve())
        await world.until(lambda: bool(world.screen.answers))

    world = play(IN, story, "ana")
    assert world.agent.acted == []
    assert outcome(world) == "withdrawn"
    assert world.screen.answers == [("ana", "over")]


def test_a_caller_who_hangs_up_leaves_a_follow_up_and_no_question_on_a_screen() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await floor[0].is_asked()
        caller.hangs_up()
        await world.settled()
        await world.until(lambda: not world.screen.asked["ana"])

    world = play(IN, story, "ana")
    assert outcome(world) == "caller_gone"
    assert world.agent.acted == []
    (left,) = kept(world.store.machine_records("approvals", open_only=True))
    assert left.detail["follow_up"] is True


def test_a_reviewer_who_leaves_is_replaced() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await floor[0].is_asked()
        floor[0].goes(Presence.AWAY)
        floor[1].answers(await floor[1].is_asked(), Approve())
        await caller.hears("I have moved the money")

    assert outcome(play(IN, story, "ana", "bob")) == "executed"


def test_on_the_loop_silence_lets_it_happen_and_a_veto_stops_it() -> None:
    async def let(world: World, caller: Caller, floor: list[Operator]) -> None:
        await floor[0].is_asked()
        asked_at = world.now()
        await caller.hears("I have moved the money")
        assert world.now() - asked_at == pytest.approx(6.0, abs=1.0)

    async def veto(world: World, caller: Caller, floor: list[Operator]) -> None:
        floor[0].answers(await floor[0].is_asked(), Reject("stop"))
        await caller.hears("I am not allowed to do that.")

    assert play(ON, let, "ana").agent.acted == ["normal"]
    assert play(ON, veto, "ana").agent.acted == []


def test_who_takes_the_call_over_does_what_is_needed() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await floor[0].is_asked()
        caller.presses("0")
        await floor[0].takes()
        floor[0].speaks()

    world = play(IN, story, "ana")
    assert outcome(world) == "taken_over"
    assert world.agent.acted == []


@pytest.mark.parametrize("first", ["", "Let me see about that."])
def test_the_caller_is_never_left_in_silence_while_a_person_is_asked(first: str) -> None:
    silences: list[float] = []

    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].is_asked()
        silences.append(await longest_silence(world, "CA1", 30.0))
        floor[0].answers(ask, Approve())
        await caller.hears("I have moved the money")

    assert outcome(play(IN, story, "ana", first=first)) == "executed"
    assert max(silences) <= 3.0


@pytest.mark.parametrize("first", ["", "Let me see about that, it may take a while."])
@pytest.mark.parametrize("after", [0.3, 1.5, 4.0])
def test_a_cough_takes_nothing_back_nor_does_the_silence_after_it(first: str, after: float) -> None:
    silences: list[float] = []

    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].is_asked()
        await asyncio.sleep(after)
        await caller.says("")
        silences.append(await longest_silence(world, "CA1", 15.0))
        assert world.screen.asked["ana"], "nobody is asked any more"
        floor[0].answers(ask, Approve())
        await caller.hears("I have moved the money")

    world = play(IN, story, "ana", first=first)
    assert outcome(world) == "executed"
    assert max(silences) <= 5.0
    assert all(heard.silence is None for heard in world.agent.heard)


def test_a_cough_over_what_is_said_before_the_question_has_it_said_again() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].is_asked()
        await caller.says("")
        await world.until(lambda: caller.said.count("Let me see about that for you.") == 2)
        floor[0].answers(ask, Approve())
        await caller.hears("I have moved the money")

    world = play(IN, story, "ana", first="Let me see about that for you.")
    assert outcome(world) == "executed"


def test_a_key_takes_the_proposal_back() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await floor[0].is_asked()
        await asyncio.sleep(2.0)
        caller.presses("3")
        await world.until(lambda: not world.screen.asked["ana"])

    assert outcome(play(IN, story, "ana")) == "withdrawn"


CARD, OTHER = "4111111111111111", "5555555555554444"
SPOKEN = "four one one one one one one one one one one one one one one one"
PAY_CARD = replace(
    PAY, arguments={"amount": "50", "card": CARD}, summary=f"move 50 dollars to card {CARD}"
)


@pytest.mark.parametrize("asks", [f"move the money to {CARD}", f"move the money to {SPOKEN}"])
def test_no_card_number_is_stored_from_the_first_moment(asks: str) -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].is_asked()
        await world.journal.flush()
        (open_now,) = await world.store.machine_records("approvals", open_only=True)
        assert open_now.detail["arguments"] == {"amount": "50", "card": "••••••••••••1111"}
        assert CARD not in repr(vars(world.store))
        floor[0].answers(ask, ApproveEdited({"amount": "20", "card": OTHER}))
        await caller.hears("I have moved the money")

    world = play(IN, story, "ana", asks=asks, action=PAY_CARD)
    assert world.agent.verdicts["a1"].arguments == {"amount": "20", "card": OTHER}
    found = repr(vars(world.store))
    assert "••••••••••••1111" in found
    for number in (CARD, OTHER, SPOKEN):
        assert number not in found
    facts = kept(world.store.facts("CA1"))
    (proposed,) = [fact for fact in facts if fact.kind == "ActionProposed"]
    assert proposed.values["arguments"] == {"amount": "50", "card": "••••••••••••1111"}
    decided = [decision_of(record) for record in kept(world.store.decisions("CA1"))]
    assert replay(facts, Policy.from_mapping(IN, "test"), SHIPPED) == decided


def test_who_leaves_a_hidden_number_as_it_is_means_the_number() -> None:
    hidden = "••••••••••••1111"

    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].is_asked()
        floor[0].answers(ask, ApproveEdited({"amount": "20", "card": hidden[:-1] + "2"}))
        await world.until(lambda: world.screen.answers == [("ana", "bad_edit")])
        floor[0].answers(ask, ApproveEdited({"amount": "20", "card": hidden}))
        await caller.hears("I have moved the money")

    world = play(IN, story, "ana", action=PAY_CARD)
    assert world.agent.verdicts["a1"].arguments == {"amount": "20", "card": CARD}


def test_what_was_open_when_the_server_died_is_left_to_a_person_without_its_numbers() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await floor[0].is_asked()
        await world.journal.flush()
        found = await world.store.machine_records("approvals", open_only=True)
        again = reopened_gate(Policy.from_mapping(IN, "test"), found, world.clock)
        (left,) = again.follow_ups()
        assert (left.status, again.live()) == ("interrupted", ())
        assert left.arguments == {"amount": "50", "card": "••••••••••••1111"}

    play(IN, story, "ana", action=PAY_CARD)


def test_what_a_person_must_still_see_to_keeps_no_number_but_its_end() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await floor[0].is_asked()
        caller.hangs_up()
        await world.settled()
        await world.journal.flush()
        (left,) = await world.store.machine_records("approvals", open_only=True)
        assert left.detail["arguments"]["card"] == "••••••••••••1111"
        assert CARD not in repr(vars(world.store))
        world.approvals.post(FollowUpDone(left.key, "ana"))

    world = play(IN, story, "ana", action=PAY_CARD)
    (done,) = kept(world.store.machine_records("approvals"))
    assert not done.open
    assert CARD not in repr(vars(world.store))


def test_what_was_asked_for_is_left_to_a_person_where_one_was_called_and_none_came() -> None:
    async def gone_while_it_rings(world: World, caller: Caller, floor: list[Operator]) -> None:
        await floor[0].is_asked()
        caller.presses("0")
        await floor[0].is_rung()
        await asyncio.sleep(1.0)
        caller.hangs_up()

    async def gone_when_nobody_came(world: World, caller: Caller, floor: list[Operator]) -> None:
        await floor[0].is_asked()
        caller.presses("0")
        floor[0].declines(await floor[0].is_rung())
        await caller.hears("I am back.")
        caller.hangs_up()

    for story in (gone_while_it_rings, gone_when_nobody_came):
        world = play(IN, story, "ana")
        assert outcome(world) == "caller_gone"
        assert world.agent.acted == []
        (left,) = kept(world.store.machine_records("approvals", open_only=True))
        assert left.detail["follow_up"] is True


def test_what_is_approved_when_the_call_waits_for_a_person_is_left_to_one() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        ask = await floor[0].is_asked()
        caller.presses("0")
        await floor[0].is_rung()
        floor[0].answers(ask, Approve())
        await world.until(lambda: outcome(world) == "lapsed")

    world = play(IN, story, "ana")
    assert world.agent.acted == []
    assert len(world.approvals.gate.follow_ups()) == 1


def test_what_the_ai_asks_for_again_after_nobody_came_is_asked_once() -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        await floor[0].is_asked()
        caller.presses("0")
        floor[0].declines(await floor[0].is_rung())
        await caller.hears("I am back.")
        await caller.hears_the_end()
        await caller.says("move the money")
        await world.until(lambda: len(world.screen.approvals) == 2)
        await world.until(lambda: len(world.screen.asked["ana"]) == 1)
        floor[0].answers(await floor[0].is_asked(), Approve())
        await caller.hears("I have moved the money")

    world = play(IN, story, "ana")
    assert [record.status for record in world.screen.approvals.values()] == [
        "withdrawn",
        "executed",
    ]
    assert world.approvals.gate.follow_ups() == ()


@pytest.mark.parametrize("turns_of_the_loop", range(14))
def test_whoever_hangs_up_just_before_it_is_done_leaves_no_doubt(turns_of_the_loop: int) -> None:
    async def story(world: World, caller: Caller, floor: list[Operator]) -> None:
        floor[0].answers(await floor[0].is_asked(), Approve())
        for _ in range(turns_of_the_loop):
            await asyncio.sleep(0)
        caller.hangs_up()
        gone_at = world.now()
        await world.until(lambda: not world.approvals.gate.live())
        assert world.now() - gone_at < 2.0

    world = play(IN, story, "ana")
    assert outcome(world) in ("caller_gone", "failed", "executed")
    assert world.agent.acted == (["normal"] if outcome(world) == "executed" else [])
    assert len(world.approvals.gate.follow_ups()) == (outcome(world) != "executed")
