"""Whoever gets a call, however they get it, is shown what it is about: real calls on a virtual clock."""

from __future__ import annotations

from handoff import events as facts
from handoff.brief import Brief
from handoff.policy import Policy
from tests.support import virtual
from tests.support.world import World, a_world


def _brief_of(world: World, operator_id: str) -> Brief:
    brief = world.screen.briefs[operator_id]
    assert brief is not None
    return brief


def test_who_takes_a_call_that_was_not_offered_is_shown_its_brief() -> None:
    async def main() -> None:
        async with a_world() as world:
            ana = world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("what is my balance")
            await world.until(lambda: bool(world.screen.calls))
            ana.tells(facts.TakeoverAsked("ana"))
            await ana.opens_audio()
            brief = _brief_of(world, "ana")
            assert brief.reasons[0].code == "takeover"
            assert "what is my balance" in [line.text for line in brief.exchanges]
            caller.hangs_up()

    virtual.run(main())


def test_who_takes_over_from_a_colleague_who_was_lost_is_shown_why_a_person_was_asked() -> None:
    async def main() -> None:
        async with a_world() as world:
            ana, ben = world.operator("ana"), world.operator("ben")
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("let me talk to a person")
            await world.until(lambda: bool(world.screen.ringing))
            first, second = (ana, ben) if "ana" in world.screen.ringing else (ben, ana)
            offer = await first.is_rung()
            first.accepts(offer)
            await first.opens_audio()
            assert _brief_of(world, first.operator_id) == offer.brief
            first.loses_audio()
            await second.takes()
            brief = _brief_of(world, second.operator_id)
            assert brief.reasons == offer.brief.reasons
            caller.hangs_up()

    virtual.run(main())


def test_the_marks_of_risk_reach_the_console_as_the_policy_sets_them() -> None:
    async def main() -> None:
        marks = {"low": 1.0, "high": 3.8, "low_turns": 3}
        policy = Policy.from_mapping({"hysteresis": marks}, "test")
        async with a_world(policy=policy) as world:
            world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("what is my balance")
            await world.until(lambda: any(call.points for call in world.screen.calls.values()))
            (call,) = world.screen.calls.values()
            (point,) = call.points
            assert point.low is not None and point.high is not None
            assert abs((point.high - point.low) - 2.8 / (10 + 4)) < 1e-9
            assert (call.low_turns, call.armed) == (3, True)
            caller.hangs_up()

    virtual.run(main())
