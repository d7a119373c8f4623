"""The floor in whole calls on virtual time: alerts, rounds, rest, callbacks, and what a handoff costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from handoff import events as facts
from handoff.approvals import Approve
from handoff.callbacks import CallbackState
from handoff.commands import Decision, DecisionKind
from handoff.events import Effect, Presence, Seniority
from handoff.policy import Policy
from handoff.replay import replay
from handoff.risk import SHIPPED, cost_of_handoff
from handoff.testing import MemoryStore
from tests.support import virtual
from tests.support.scripted import ScriptedAgent
from tests.support.world import Caller, Operator, World, a_world
from voice_hitl.agent.protocol import Proposal
from voice_hitl.call.inbox import FloorSaid

CALLBACKS = {"floor": {"callbacks": {"enabled": True}}}


def policy(values: Mapping[str, Any]) -> Policy:
    return Policy.from_mapping(values, "test")


async def wants_a_person(world: World, words: str = "let me talk to a person") -> Caller:
    caller = await world.call()
    await caller.hears_the_end()
    await caller.says(words)
    return caller


async def is_rung_for(world: World, operator: Operator) -> str:
    return (await operator.is_rung()).call_id


async def is_called_back(world: World, operator: Operator) -> str:
    """Wait until a callback rings; returns its offer."""
    await world.until(lambda: operator.operator_id in world.screen.callback_rings)
    return world.screen.callback_rings[operator.operator_id].offer_id


def test_a_critical_call_alerts_everyone_on_call_at_once_and_the_first_to_take_it_has_it() -> None:
    async def main() -> None:
        async with a_world() as world:
            ana = world.operator("ana")
            sam = Operator(world, "sam").joins(Seniority.ON_CALL)  # away, and alerted all the same
            Operator(world, "eve").joins(Seniority.ON_CALL).goes(Presence.BREAK)
            caller = await wants_a_person(world, "there is fraud on my account")
            await world.until(lambda: bool(world.screen.alerted))
            assert world.screen.alerted == {"CA1": {"sam"}}
            assert await is_rung_for(world, ana) == "CA1"
            caller.runner.post(FloorSaid(facts.TakeoverAsked("sam")))
            await sam.opens_audio()
            assert world.screen.alerts_over == [("CA1", "taken")]
            assert ("ana", "taken") in world.screen.over
            caller.hangs_up()

    virtual.run(main())


def test_a_call_of_high_urgency_is_served_before_one_that_waits_longer() -> None:
    async def main() -> None:
        async with a_world() as world:
            ana = world.operator("ana")
            first = await wants_a_person(world)
            await ana.takes()
            second = await wants_a_person(world)
            await world.until(lambda: world.screen.waiting == ["CA2"])
            third = await wants_a_person(world, "break")
            await world.until(lambda: len(world.screen.waiting) == 2)
            assert world.screen.waiting == ["CA3", "CA2"]
            first.hangs_up()
            assert await is_rung_for(world, ana) == "CA3"
            third.hangs_up()
            second.hangs_up()

    virtual.run(main())


def test_a_review_in_hand_counts_and_an_emergency_rings_all_the_same() -> None:
    async def main() -> None:
        async with a_world(policy=policy({"floor": {"capacity": 1}})) as world:
            ana = world.operator("ana")
            world.floor.work_taken("ana", "review-1", "review")
            first = await wants_a_person(world)
            await world.until(lambda: world.screen.waiting == ["CA1"])
            await world.passes(1)
            assert ana.offer is None
            second = await wants_a_person(world, "fraud")
            assert await is_rung_for(world, ana) == "CA2"
            second.hangs_up()
            await world.until(lambda: ana.offer is None)
            world.floor.work_done("ana", "review-1")
            assert await is_rung_for(world, ana) == "CA1"
            first.hangs_up()

    virtual.run(main())


def test_who_must_rest_gets_nothing_and_the_next_is_rung_until_the_rest_is_over() -> None:
    async def main() -> None:
        rules = policy({"care": {"work_minutes": 5, "break_minutes": 1}})
        async with a_world(policy=rules) as world:
            ana, ben = world.operator("ana"), world.operator("ben")
            world.floor.work_taken("ana", "chat-1", "general")
            await world.passes(300)
            await world.until(lambda: world.screen.rests == [("ana", True)])
            world.floor.work_done("ana", "chat-1")
            caller = await wants_a_person(world)
            assert await is_rung_for(world, ben) == "CA1"
            assert world.floor.free() == ()
            ben.goes(Presence.AWAY)
            await world.until(lambda: world.screen.waiting == ["CA1"])  # she comes back: he waits
            await world.passes(1)
            assert ana.offer is None
            caller.hangs_up()
            await world.until(lambda: world.screen.rests == [("ana", True), ("ana", False)])
            other = await wants_a_person(world)
            assert await is_rung_for(world, ana) == "CA2"
            other.hangs_up()

    virtual.run(main())


def test_a_caller_waits_for_the_end_of_a_rest() -> None:
    """The desk is woken by the end of the rest, with nothing else happening."""

    async def main() -> None:
        rules = policy({"care": {"work_minutes": 5, "break_minutes": 1}})
        async with a_world(policy=rules) as world:
            ana = world.operator("ana")
            world.floor.work_taken("ana", "chat-1", "general")
            await world.passes(301)
            world.floor.work_done("ana", "chat-1")
            rested_at = world.now() + 60
            await world.passes(45)
            caller = await wants_a_person(world)
            assert await is_rung_for(world, ana) == "CA1"
            assert world.now() == pytest.approx(rested_at, abs=0.5)
            caller.hangs_up()

    virtual.run(main())


def test_what_care_knows_survives_a_restart() -> None:
    store = MemoryStore()
    rules = policy({"care": {"work_minutes": 5, "break_minutes": 10}})

    async def main() -> None:
        async with a_world(policy=rules, store=store) as world:
            world.operator("ana")
            world.floor.work_taken("ana", "chat-1", "general")
            await world.passes(300)
            world.floor.work_done("ana", "chat-1")
            await world.passes(1)
        async with a_world(policy=rules, store=store) as world:
            world.operator("ana")
            ben = world.operator("ben")
            caller = await wants_a_person(world)
            assert await is_rung_for(world, ben) == "CA1"
            assert world.floor.free() == ()
            assert world.screen.rests == [("ana", True)]
            caller.hangs_up()

    virtual.run(main())


def test_a_call_counts_as_work_until_its_wrap_up_is_over() -> None:
    async def main() -> None:
        async with a_world(policy=policy({"floor": {"wrap_up": 20}})) as world:
            ana = world.operator("ana")
            caller = await wants_a_person(world)
            await ana.takes()
            began = world.now()
            caller.hangs_up()
            await world.until(lambda: world.screen.presences["ana"] == "wrap_up")
            await world.passes(10)
            ana_works = [r for r in await world.store.machine_records("care") if r.key == "ana"]
            assert ana_works[0].detail["idle"] is None
            await world.until(lambda: world.screen.presences["ana"] == "available")
            await world.passes(0.1)
            (kept,) = await world.store.machine_records("care")
            assert kept.detail["idle"] == pytest.approx(0.0, abs=0.1)
            assert kept.detail["worked"] == pytest.approx(world.now() - began, abs=1.0)
            assert kept.detail["recent"] == ["general"]

    virtual.run(main())


def test_when_all_have_passed_everyone_is_asked_again_while_the_caller_still_waits() -> None:
    async def main() -> None:
        async with a_world() as world:
            ana, ben = world.operator("ana"), world.operator("ben")
            caller = await wants_a_person(world)
            ana.declines(await ana.is_rung())
            ben.declines(await ben.is_rung())
            passed = world.now()
            await ana.takes()
            assert world.now() - passed == pytest.approx(5.0, abs=0.5)
            caller.hangs_up()

    virtual.run(main())


def test_a_break_gives_peace_at_once() -> None:
    async def main() -> None:
        async with a_world() as world:
            ana, ben = world.operator("ana"), world.operator("ben")
            caller = await wants_a_person(world)
            await ana.is_rung()
            ana.goes(Presence.BREAK)
            assert await is_rung_for(world, ben) == "CA1"
            assert world.screen.presences["ana"] == "break"
            assert world.workplace.care.care.resting(world.now()) == ("ana",)
            ana.goes(Presence.AVAILABLE)
            await world.until(lambda: world.screen.presences["ana"] == "available")
            assert world.workplace.care.care.resting(world.now()) == ()
            caller.hangs_up()

    virtual.run(main())


# --- callbacks --------------------------------------------------------------------------------


def test_a_callback_is_promised_kept_and_done_by_the_next_who_is_free() -> None:
    async def main() -> None:
        async with a_world(policy=policy(CALLBACKS)) as world:
            caller = await wants_a_person(world)
            await caller.hears("Notice callback")
            (kept,) = await world.store.machine_records("callbacks", open_only=True)
            assert (kept.state, kept.call_id) == ("waiting", "CA1")
            caller.hangs_up()
            await world.until(lambda: not caller.live)
            ana = world.operator("ana")
            offer_id = await is_called_back(world, ana)
            world.floor.post(facts.OfferAccepted("ana", offer_id))
            await world.until(lambda: ("ana", "accepted") in world.screen.over)
            (record,) = world.screen.callbacks.values()
            assert (record.state, record.operator_id) == (CallbackState.CLAIMED, "ana")
            assert record.number == "+15550100"
            assert record.promised_at == pytest.approx(world.clock.wall(), abs=60)
            assert world.screen.presences["ana"] == "in_call"
            assert record.epoch is not None
            done = facts.CallbackDone(record.callback_id, "ana", record.epoch, "reached her")
            world.floor.post(done)
            await world.until(lambda: world.screen.presences["ana"] == "available")
            await world.journal.flush()
            (kept,) = await world.store.machine_records("callbacks")
            assert (kept.state, kept.open, kept.detail["note"]) == ("done", False, "reached her")

    virtual.run(main())


def test_without_the_policy_nothing_is_promised() -> None:
    async def main() -> None:
        async with a_world() as world:
            caller = await wants_a_person(world)
            await caller.hears("Notice nobody")
            caller.hangs_up()
            await world.settled()
            assert await world.store.machine_records("callbacks") == []

    virtual.run(main())


def test_a_callback_survives_the_death_of_the_server() -> None:
    store = MemoryStore()

    async def main() -> None:
        async with a_world(policy=policy(CALLBACKS), store=store) as world:
            caller = await wants_a_person(world)
            await caller.hears("Notice callback")
            caller.hangs_up()
        async with a_world(policy=policy(CALLBACKS), store=store) as world:
            assert list(world.screen.callbacks) == []
            ana = world.operator("ana")
            offer_id = await is_called_back(world, ana)
            (record,) = world.screen.callbacks.values()
            assert record.promised_at < world.clock.wall() < record.by
            world.floor.post(facts.OfferAccepted("ana", offer_id))
            await world.until(lambda: ("ana", "accepted") in world.screen.over)
            epoch = world.floor.desk.epoch
            world.floor.post(facts.OperatorLeft("ana"))
            await world.until(lambda: world.screen.presences["ana"] == "gone")
        async with a_world(policy=policy(CALLBACKS), store=store) as world:
            assert world.floor.desk.epoch == epoch > 0
            owner = world.floor.desk.owner(record.callback_id)
            assert owner is not None
            assert owner.operator_id == "ana"  # it is still hers to close
            world.operator("ana")
            world.floor.post(facts.CallbackDone(record.callback_id, "ana", epoch))
            await world.until(lambda: world.screen.presences.get("ana") == "available")
        async with a_world(policy=policy(CALLBACKS), store=store) as world:
            assert world.floor.desk.callbacks() == ()
            assert world.floor.desk.epoch == epoch  # though nothing open names it

    virtual.run(main())


def test_who_accepts_a_callback_while_the_caller_is_still_there_gets_the_call() -> None:
    async def main() -> None:
        async with a_world(policy=policy(CALLBACKS)) as world:
            caller = await wants_a_person(world)
            await caller.hears("Notice callback")
            ana = world.operator("ana")
            world.floor.post(facts.OfferAccepted("ana", await is_called_back(world, ana)))
            await ana.opens_audio()
            await world.until(lambda: caller.runner.engine.state.value == "operator")
            (record,) = world.screen.callbacks.values()
            assert record.state is CallbackState.WITHDRAWN
            caller.hangs_up()

    virtual.run(main())


# --- what a handoff costs ---------------------------------------------------------------------


def judged_alike(staffed: bool, words: str) -> tuple[Decision, Policy]:
    """The decision after a caller's first turn, with somebody free or with nobody there."""
    worlds: list[World] = []

    async def main() -> None:
        async with a_world() as world:
            worlds.append(world)
            if staffed:
                world.operator("ana")
                await world.passes(0.1)
            caller = await wants_a_person(world, words)
            await world.until(lambda: bool(world.screen.decisions))
            caller.hangs_up()

    virtual.run(main())
    return worlds[0].screen.decisions[0], Policy()


def test_the_wait_to_be_expected_makes_soft_handoffs_worth_less() -> None:
    (served, rules), (alone, _) = (judged_alike(staffed, "mumble") for staffed in (True, False))
    assert served.kind is DecisionKind.SOFT
    dearer = cost_of_handoff(rules, rules.waiting.limit, 0.0) - cost_of_handoff(rules, 0.0, 0.0)
    assert served.value - alone.value == pytest.approx(dearer)
    assert dearer > 2


def test_what_triage_leaves_to_the_ai_is_drawn_for_a_look() -> None:
    async def main() -> None:
        clears = {"clears": True, "clear_below": 80, "sample": 1}
        rules = policy({"hysteresis": {"high": 0, "low": 0}, "triage": clears})
        async with a_world(policy=rules) as world:
            ana = world.operator("ana")
            caller = await wants_a_person(world, "mumble")
            await caller.hears("Notice back_to_ai")
            assert ana.offer is None
            caller.hangs_up()
            await world.settled()
            await world.journal.flush()
            (drawn,) = await world.store.machine_records("audit", open_only=True)
            assert drawn.key == "CA1:cleared:1"
            (logged,) = [
                e for e in await world.store.events() if e.action == "triage.audit_cleared"
            ]
            assert logged.detail["propensity"] == 1.0

    virtual.run(main())


def test_hard_triggers_hand_over_whatever_it_costs() -> None:
    for staffed in (True, False):
        decision, _ = judged_alike(staffed, "let me talk to a person")
        assert decision.hand_off
        assert decision.kind is DecisionKind.HARD


def test_a_live_call_hears_of_changes_and_decides_the_same_again() -> None:
    async def main() -> None:
        async with a_world() as world:
            ana = world.operator("ana")
            await world.passes(0.1)
            caller = await world.call()
            await caller.hears_the_end()
            ana.goes(Presence.AWAY)
            await world.passes(6)
            await caller.says("mumble")
            await world.until(lambda: bool(world.screen.decisions))
            caller.hangs_up()
        told = [f.values for f in await world.store.facts("CA1") if f.kind == "FloorReported"]
        assert [report["expected_wait"] for report in told] == [0.0, 90.0]
        again = replay(await world.store.facts("CA1"), Policy(), SHIPPED)
        kept = await world.store.decisions("CA1")
        assert [d.value for d in again] == [d.value for d in kept]

    virtual.run(main())


def test_every_call_counts_in_the_budget_once_and_a_restart_goes_on() -> None:
    store = MemoryStore()

    async def main() -> None:
        async with a_world(store=store) as world:
            ana = world.operator("ana")
            quiet = await world.call()
            await quiet.hears_the_end()
            quiet.hangs_up()
            await world.settled()
            asked = await wants_a_person(world)
            await ana.takes()
            asked.hangs_up()
            await world.settled()
            taken = await world.call()
            await taken.hears_the_end()
            taken.runner.post(FloorSaid(facts.TakeoverAsked("ana")))
            await ana.opens_audio()
            taken.hangs_up()
        (kept,) = await store.machine_records("budget")
        assert kept.detail["recent"] == "nht"
        async with a_world(store=store) as world:
            caller = await world.call()
            caller.hangs_up()
        (kept,) = await store.machine_records("budget")
        assert kept.detail["recent"] == "nhtn"

    virtual.run(main())


# --- light work -------------------------------------------------------------------------------


def test_nobody_is_asked_to_approve_more_than_they_can_hold() -> None:
    pay = Proposal("a1", "transfer", {"amount": "50"}, Effect.IRREVERSIBLE, "move 50 dollars")
    rules = policy(
        {"oversight": {"actions": {"transfer": {"mode": "in"}}}, "floor": {"capacity": 1}}
    )

    async def main() -> None:
        async with a_world(ScriptedAgent(action=pay), rules) as world:
            ana, ben = world.operator("ana"), world.operator("ben")
            first = await wants_a_person(world, "move the money")
            ask = await ana.is_asked()
            await world.until(lambda: world.screen.loads.get("ana") == 1)
            assert world.floor.free() == ("ben",)
            second = await wants_a_person(world, "move the money")
            await ben.is_asked()
            assert len(world.screen.asked["ana"]) == 1
            ana.answers(ask, Approve())
            await world.until(lambda: world.screen.loads["ana"] == 0)
            assert world.floor.free() == ("ana",)
            first.hangs_up()
            second.hangs_up()

    virtual.run(main())
