from __future__ import annotations

import asyncio

import pytest

from tests.support import virtual
from tests.support.booking import Desk
from voice_hitl.call.latency import Stage


@pytest.fixture
async def desk() -> Desk:
    return Desk()


def test_the_times_of_a_handoff_are_kept_and_measured_once() -> None:
    async def main() -> None:
        desk = Desk()
        desk.book.requested(desk.request())
        await asyncio.sleep(0.05)
        desk.book.offered("ana")
        await asyncio.sleep(3.0)
        desk.book.offered("ben")
        await asyncio.sleep(1.0)
        desk.book.accepted("ben", 4)
        await asyncio.sleep(0.04)
        desk.book.handoffs.bridged()
        await asyncio.sleep(0.5)
        desk.book.handoffs.bridged()
        desk.book.bridge_over("handed_back")
        await asyncio.sleep(1.0)
        desk.book.bridge_over("caller_hung_up")
        store = await desk.stored()
        (handoff,) = await store.handoffs("CA1")
        assert (handoff.operator_id, handoff.epoch) == ("ben", 4)
        assert handoff.ended_why == "handed_back"
        times = [
            handoff.offered_at,
            handoff.accepted_at,
            handoff.bridged_at,
            handoff.ended_at,
        ]
        after = [round(time - handoff.requested_at, 2) for time in times if time is not None]
        assert after == [0.05, 4.05, 4.09, 4.59]
        assert [round(ms) for ms in desk.screen.measured_ms[Stage.OFFER]] == [50]
        assert [round(ms) for ms in desk.screen.measured_ms[Stage.BRIDGE]] == [40]
        offered = [e.detail["operator_id"] for e in await store.events() if e.action == "offered"]
        assert sorted(offered) == ["ana", "ben"]

    virtual.run(main())


async def test_a_newer_brief_of_the_same_request_is_no_second_handoff(desk: Desk) -> None:
    desk.book.requested(desk.request("let me talk to a person", 1))
    desk.book.offered("ana")
    desk.book.requested(desk.request("there is fraud", 2))
    desk.book.accepted("ana", 1)
    desk.book.bridge_over("handed_back")
    (handoff,) = await (await desk.stored()).handoffs("CA1")
    assert handoff.offered_at is not None
    assert handoff.operator_id == "ana"
    assert handoff.brief["exchanges"][-1]["text"] == "there is fraud"


async def test_each_request_after_the_last_is_over_is_a_handoff_of_its_own(desk: Desk) -> None:
    desk.book.requested(desk.request(number=1))
    desk.book.bridge_over("nobody")
    desk.book.requested(desk.request(number=2))
    desk.book.bridge_over("caller_gone")
    handoffs = await (await desk.stored()).handoffs("CA1")
    assert [(h.seq, h.ended_why) for h in handoffs] == [(0, "nobody"), (1, "caller_gone")]


@pytest.mark.parametrize("why", ["withdrawn", "caller_gone", "nobody"])
async def test_the_end_of_a_request_does_not_end_what_an_accept_made_of_it(
    desk: Desk, why: str
) -> None:
    desk.book.requested(desk.request())
    desk.book.accepted("ana", 1)
    desk.book.bridge_over(why)
    desk.book.handoffs.bridged()
    desk.book.bridge_over("operator_ended")
    (handoff,) = await (await desk.stored()).handoffs("CA1")
    assert handoff.ended_why == "operator_ended"
    assert handoff.bridged_at is not None


@pytest.mark.parametrize("before", [False, True])
async def test_a_takeover_without_a_request_is_a_handoff_too(desk: Desk, before: bool) -> None:
    if before:
        desk.book.requested(desk.request())
        desk.book.bridge_over("nobody")
    desk.book.handoffs.bridged()  # nobody is bridged yet: means nothing
    desk.book.accepted("ana", 7)
    desk.book.assigned(desk.assignment(epoch=7))
    assert list(desk.shown.values())[-1] == "Ana took the call."
    handoff = (await (await desk.stored()).handoffs("CA1"))[-1]
    assert (handoff.seq, handoff.epoch, handoff.brief) == (int(before), 7, {})
    assert handoff.bridged_at is None
    assert handoff.ended_at is None
