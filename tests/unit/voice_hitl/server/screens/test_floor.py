"""The floor at a console, over real sockets: who may do what, and what everyone is shown."""

from __future__ import annotations

import asyncio

from handoff.commands import Urgency
from handoff.events import NobodyAvailable, Seniority
from handoff.policy import Policy
from handoff.ports import EventRecord
from tests.unit.voice_hitl.server.test_console import Office, an_office
from voice_hitl.server import wire

CALLBACKS = Policy.from_mapping({"floor": {"callbacks": {"enabled": True}}}, "test")


async def test_an_account_says_what_its_operator_knows() -> None:
    async with (
        an_office() as office,
        office.available(
            "ana",
            role="supervisor",
            skills=("banking",),
            languages=("es", "en"),
            seniority="senior",
        ) as ana,
    ):
        me = ana.told[0].me
        assert (me.role, me.skills, me.languages) == ("supervisor", ["banking"], ["en", "es"])
        assert (me.seniority, me.load, me.resting) == ("senior", 0, False)
        (operator,) = office.floor.desk.operators()
        assert operator.skills == {"banking"}
        assert operator.languages == {"en", "es"}
        assert operator.seniority is Seniority.SENIOR


async def test_a_critical_call_is_on_every_on_call_screen_until_somebody_has_it() -> None:
    async with (
        an_office() as office,
        office.available("ana") as ana,
        office.window("sam", seniority="on_call") as sam,
    ):
        await sam.until(wire.Hello)
        office.asks(urgency=Urgency.CRITICAL)
        alert = (await sam.until(wire.Alerted)).alert
        assert (alert.call_id, alert.caller, alert.brief.why) == (
            "CA1",
            "+15550100",
            "The caller asked for a person.",
        )
        async with office.window("sam", seniority="on_call") as second:
            assert [view.call_id for view in (await second.until(wire.Hello)).alerts] == ["CA1"]
        offer = (await ana.until(wire.Offered)).offer
        await ana.send(wire.Accept(offer_id=offer.offer_id))
        over = await sam.until(wire.AlertOver)
        assert (over.call_id, over.reason, over.message) == (
            "CA1",
            "taken",
            "A colleague has the call.",
        )
        async with office.window("sam", seniority="on_call") as second:
            assert (await second.until(wire.Hello)).alerts == []


async def test_everyone_sees_who_waits_and_supervisors_alone_change_it() -> None:
    async with (
        an_office() as office,
        office.available("ana") as ana,
        office.available("ben") as ben,
        office.window("sam", role="supervisor") as sam,
    ):
        await sam.until(wire.Hello)
        office.asks()
        queue = (await sam.until(wire.QueueChanged, lambda m: bool(m.queue))).queue
        assert [(w.call_id, w.urgency, w.rings_at) for w in queue] == [("CA1", "medium", "op_ana")]
        assert abs(queue[0].since - office.clock.wall()) < 5
        louder = wire.Override(call_id="CA1", action="raise", why="a regular")
        await ben.send(louder)
        refused = await ben.until(wire.Problem)
        assert refused.message == "only supervisors may change the queue"
        await sam.send(louder)
        raised = await sam.until(wire.QueueChanged)
        assert (raised.queue[0].urgency, raised.queue[0].overridden) == ("high", True)
        await sam.send(
            wire.Override(call_id="CA1", action="reassign", why="knows her", to="op_ben")
        )
        assert (await ana.until(wire.OfferOver)).reason == "taken"
        assert (await ben.until(wire.Offered)).offer.call_id == "CA1"
        await sam.send(wire.Override(call_id="CA9", action="clear", why="a mistake"))
        problem = await sam.until(wire.Problem)
        assert problem.message.startswith("The queue stays as it is: it does not wait")
        await office.journal.flush()
        log = {event.action: event for event in office.journal_store._all(EventRecord)}
        assert log["triage.raise"].actor == "op_sam"
        assert log["triage.raise"].detail["why"] == "a regular"
        assert log["triage.clear_refused"].detail == {"reason": "unknown"}


async def promised(office: Office) -> None:
    """A caller whom nobody could serve was promised a callback, and has hung up."""
    office.asks()
    call = office.call
    async with asyncio.timeout(5.0):
        told = await call.told.get()
    assert told == NobodyAvailable(0, 1, "callback")
    del office.calls["CA1"]


async def test_a_callback_rings_is_taken_and_closed_by_its_owner_alone() -> None:
    async with an_office(policy=CALLBACKS) as office:
        async with office.window("ben") as ben:
            await ben.until(wire.Hello)
            await promised(office)
            seen = (await ben.until(wire.CallbackChanged)).callback
            assert (seen.state, seen.number, seen.call_id) == ("waiting", "+15550100", "CA1")
            assert seen.brief is not None
            assert seen.brief.next_step == "Take over from here."
            async with office.available("ana") as ana:
                assert [view.state for view in ana.told[0].callbacks] == ["waiting"]
                rung = (await ana.until(wire.CallbackOffered)).offer
                assert rung.callback.callback_id == seen.callback_id
                async with office.window("ana") as second:
                    offers = (await second.until(wire.Hello)).callback_offers
                    assert [offer.offer_id for offer in offers] == [rung.offer_id]
                await ana.send(wire.Accept(offer_id=rung.offer_id))
                mine = (
                    await ana.until(wire.CallbackChanged, lambda m: m.callback.state == "claimed")
                ).callback
                assert (await ana.until(wire.OfferOver)).reason == "accepted"
                assert mine.epoch is not None
                async with office.window("ana") as second:
                    assert (await second.until(wire.Hello)).callback_offers == []
                close = wire.CloseCallback(
                    callback_id=mine.callback_id, epoch=mine.epoch, reached=True, note="all well"
                )
                await ben.send(close)
                assert (await ben.until(wire.OfferOver)).reason == "stale"
                await ben.send(wire.WithdrawCallback(callback_id=mine.callback_id))
                assert (await ben.until(wire.Problem)).message == "this callback is not yours"
                await ana.send(close)
                done = (
                    await ben.until(wire.CallbackChanged, lambda m: m.callback.state == "done")
                ).callback
                assert done.note == "all well"
                await ana.is_("available", "ana")
        async with office.window("eve") as eve:
            assert (await eve.until(wire.Hello)).callbacks == []


async def test_a_supervisor_takes_a_promise_back() -> None:
    async with (
        an_office(policy=CALLBACKS) as office,
        office.window("sam", role="supervisor") as sam,
    ):
        await sam.until(wire.Hello)
        await promised(office)
        seen = (await sam.until(wire.CallbackChanged)).callback
        await sam.send(wire.WithdrawCallback(callback_id=seen.callback_id, note="came by"))
        gone = (await sam.until(wire.CallbackChanged)).callback
        assert (gone.state, gone.note) == ("withdrawn", "came by")


async def test_a_break_is_shown_to_everyone() -> None:
    async with an_office() as office, office.available("ana") as ana:
        await ana.send(wire.SetPresence(presence="break"))
        await ana.is_("break", "ana")
        office.asks()
        assert isinstance(await office.call.told.get(), NobodyAvailable)


async def test_who_must_rest_is_told_and_a_window_opened_later_knows() -> None:
    async with an_office() as office, office.window("ana") as ana:
        await ana.until(wire.Hello)
        office.hub.floor.rest("op_ana", True, 91.4)
        told = await ana.until(wire.RestChanged)
        assert (told.resting, told.worked_minutes) == (True, 91.4)
        assert "91 minutes" in told.message
        async with office.window("ben") as ben:
            colleagues = (await ben.until(wire.Hello)).operators
            assert [view.name for view in colleagues if view.resting] == ["ana"]
        office.hub.floor.rest("op_ana", False, 0.0)
        assert not (await ana.until(wire.RestChanged)).resting


async def test_wrap_up_ends_early() -> None:
    policy = Policy.from_mapping({"floor": {"wrap_up": 60}}, "test")
    async with an_office(policy=policy) as office, office.available("ana") as ana:
        office.asks()
        offer = (await ana.until(wire.Offered)).offer
        await ana.send(wire.Accept(offer_id=offer.offer_id))
        await ana.is_("in_call", "ana")
        office.floor.call_over("CA1")
        await ana.is_("wrap_up", "ana")
        await ana.send(wire.WrapUpDone())
        await ana.is_("available", "ana")
