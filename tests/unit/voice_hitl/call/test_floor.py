from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from handoff import commands as core
from handoff import events as facts
from handoff.brief import Brief
from handoff.commands import Ring
from handoff.errors import StorageError
from handoff.events import DeskEvent
from handoff.policy import Policy
from handoff.ports import HandoffRecord, Record
from handoff.testing import MemoryStore, a_decision
from tests.support import virtual
from tests.support.flooring import a_floor
from tests.support.world import Screen, replace_floor
from voice_hitl.call import service as module
from voice_hitl.call.inbox import FloorSaid
from voice_hitl.call.journal import STORED_WITHIN, Journal
from voice_hitl.clock import Clock

DECISION = a_decision("CA1")
BRIEF = Brief(
    call_id="CA1",
    why="The caller asked for a person.",
    reasons=DECISION.reasons,
    urgency=DECISION.urgency,
    who="+15550100",
    intent="balance",
    slots={},
    tried=(),
    pending=None,
    exchanges=(),
    next_step="Take over from here.",
)


class SlowStore(MemoryStore):
    """Takes `seconds` for every save."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds = seconds
        self.broken = False

    async def save(self, records: Sequence[Record]) -> None:
        await asyncio.sleep(self.seconds)
        if self.broken:
            raise StorageError("the disk is full")
        await super().save(records)


@dataclass
class Call:
    """A live call, as the floor knows it."""

    world: World
    call_id: str = "CA1"
    told: list[object] = field(default_factory=list)
    offers: list[str] = field(default_factory=list)
    accepts: list[tuple[str, int]] = field(default_factory=list)

    def post(self, event: FloorSaid) -> None:
        self.told.append(event.event)

    def offered(self, operator_id: str) -> None:
        self.offers.append(operator_id)

    def accepted(self, operator_id: str, epoch: int) -> None:
        self.accepts.append((operator_id, epoch))
        self.world.journal.put(
            HandoffRecord(self.call_id, 0, 1.0, {}, operator_id=operator_id, epoch=epoch)
        )


@dataclass
class Consoles(Screen):
    """Notes what was stored at each moment something was shown."""

    store: MemoryStore = field(default_factory=MemoryStore)
    stored_then: list[list[HandoffRecord]] = field(default_factory=list)
    rang_for: list[float] = field(default_factory=list)

    def ring(self, offer: Ring, seconds: float) -> None:
        super().ring(offer, seconds)
        self.rang_for.append(seconds)
        self.stored_then.append(self.store._all(HandoffRecord))

    def offer_over(self, operator_id: str, offer_id: str, call_id: str, reason: str) -> None:
        super().offer_over(operator_id, offer_id, call_id, reason)
        self.stored_then.append(self.store._all(HandoffRecord))


class World:
    def __init__(self, policy: Policy | None = None, save_seconds: float = 0.0) -> None:
        self.store = SlowStore(save_seconds)
        self.journal = Journal(self.store)
        self.screen = Consoles(store=self.store)
        self.calls: dict[str, Call] = {"CA1": Call(self)}
        self.clock = Clock(epoch=1_700_000_000.0)
        self.floor = a_floor(
            policy or Policy(), self.clock, self.journal, self.screen, self.calls.get, 40
        )

    @property
    def call(self) -> Call:
        return self.calls["CA1"]

    def joins(self, *operators: str) -> None:
        for operator in operators:
            self.floor.post(facts.OperatorJoined(operator, operator.title()))
            self.floor.post(facts.OperatorPresence(operator, facts.Presence.AVAILABLE))

    def asks(self, request: int = 1) -> None:
        """The call asks for a person, as its owner does: write it down, then tell the floor."""
        self.journal.put(HandoffRecord("CA1", 0, 1.0, {"why": BRIEF.why}))
        self.floor.tell(core.RequestOperator("CA1", BRIEF, DECISION, request=request))

    async def until(self, happened: Callable[[], bool], within: float = 60.0) -> None:
        end = self.clock.now() + within
        while not happened():
            assert self.clock.now() < end, "it did not happen in time"
            await asyncio.sleep(0.005)

    async def rings_at(self, operator: str) -> Ring:
        await self.until(lambda: operator in self.screen.ringing)
        return self.screen.ringing[operator]


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    async with asyncio.TaskGroup() as tasks:
        services = [tasks.create_task(world.journal.run()), tasks.create_task(world.floor.run())]
        try:
            yield world
        finally:
            for service in reversed(services):
                service.cancel()


def test_a_request_is_stored_before_it_rings() -> None:
    async def main() -> None:
        async with running(World(save_seconds=0.3)) as world:
            world.joins("ana")
            start = world.clock.now()
            world.asks()
            await world.rings_at("ana")
            assert world.clock.now() - start >= 0.3
            (then,) = world.screen.stored_then
            assert [record.call_id for record in then] == ["CA1"]
            assert world.call.offers == ["ana"]
            assert world.screen.presences == {"ana": "offered"}

    virtual.run(main())


def test_an_accept_is_stored_before_anybody_is_told() -> None:
    async def main() -> None:
        async with running(World(save_seconds=0.2)) as world:
            world.joins("ana")
            world.asks()
            offer = await world.rings_at("ana")
            accepted = world.clock.now()
            world.floor.post(facts.OfferAccepted("ana", offer.offer_id))
            await world.until(lambda: bool(world.call.told))
            assert world.clock.now() - accepted >= 0.2
            assert world.call.accepts == [("ana", 41)]
            assert world.call.told == [facts.OperatorAssigned("ana", "Ana", 41)]
            assert world.screen.over == [("ana", "accepted")]
            (stored,) = world.screen.stored_then[-1]
            assert (stored.operator_id, stored.epoch) == ("ana", 41)
            assert await world.store.last_epoch() == 41

    virtual.run(main())


def test_a_sick_disk_keeps_nobody_from_a_person() -> None:
    async def main() -> None:
        world = World()
        world.store.broken = True
        async with running(world):
            world.joins("ana")
            start = world.clock.now()
            world.asks()
            offer = await world.rings_at("ana")
            assert world.clock.now() - start == pytest.approx(STORED_WITHIN, abs=0.05)
            accepted = world.clock.now()
            world.floor.post(facts.OfferAccepted("ana", offer.offer_id))
            await world.until(lambda: bool(world.call.told))
            assert world.clock.now() - accepted == pytest.approx(STORED_WITHIN, abs=0.05)
            world.store.broken = False
            await world.journal.flush()
            assert await world.store.last_epoch() == 41

    virtual.run(main())


def test_a_promise_that_may_be_lost_is_not_told() -> None:
    async def main() -> None:
        world = World(Policy.from_mapping({"floor": {"callbacks": {"enabled": True}}}, "test"))
        async with running(world):
            world.asks()
            await world.until(lambda: bool(world.call.told))
            assert world.call.told == [facts.NobodyAvailable(0, 1, "callback")]
            world.asks(request=2)  # the caller asks again: what was promised stands
            await world.until(lambda: len(world.call.told) == 2)
            assert world.call.told[-1] == facts.NobodyAvailable(0, 2, "callback")
            assert len(world.floor.desk.callbacks()) == 1
            world.store.broken = True
            world.calls["CA2"] = Call(world, "CA2")
            brief = replace(BRIEF, call_id="CA2")
            asked = replace(DECISION, call_id="CA2")
            world.floor.tell(core.RequestOperator("CA2", brief, asked, request=1))
            await world.until(lambda: bool(world.calls["CA2"].told))
            assert world.calls["CA2"].told == [facts.NobodyAvailable(0, 1, "nobody")]
            world.store.broken = False
            await world.journal.flush()
            kept = await world.store.machine_records("callbacks", open_only=True)
            assert [record.call_id for record in kept] == ["CA1", "CA2"]  # and yet she is called

    virtual.run(main())


def test_an_offer_lapses_by_itself_and_the_next_operator_is_rung() -> None:
    async def main() -> None:
        async with running(World(replace_floor(Policy(), offer_seconds=3.0, rounds=1))) as world:
            world.joins("ana", "ben")
            start = world.clock.now()
            world.asks()
            await world.rings_at("ana")
            assert world.screen.rang_for == [pytest.approx(3.0, abs=0.01)]
            await world.rings_at("ben")
            assert world.clock.now() - start == pytest.approx(3.0, abs=0.05)
            assert world.screen.over == [("ana", "lapsed")]
            await world.until(lambda: bool(world.call.told))
            assert world.clock.now() - start == pytest.approx(6.0, abs=0.1)
            assert world.call.told == [facts.NobodyAvailable(tried=2, request=1)]
            assert world.screen.ringing == {}

    virtual.run(main())


def test_nobody_there_is_told_with_the_number_of_the_request() -> None:
    """A call that has asked again since must be able to tell the answer to its first request."""

    async def main() -> None:
        async with running(World()) as world:
            world.asks(request=3)
            await world.until(lambda: bool(world.call.told))
            assert world.call.told == [facts.NobodyAvailable(tried=0, request=3)]

    virtual.run(main())


def test_nothing_rings_for_a_call_that_is_gone() -> None:
    async def main() -> None:
        async with running(World()) as world:
            world.joins("ana")
            world.asks()
            del world.calls["CA1"]  # it ended while its request was on its way
            await world.until(lambda: world.screen.presences.get("ana") == "offered")
            assert world.screen.ringing == {}
            world.floor.tell(core.WithdrawRequest("CA1", "caller_gone", 1))
            await world.until(lambda: world.screen.presences["ana"] == "available")

    virtual.run(main())


def test_an_accept_for_a_call_that_is_gone_frees_the_operator() -> None:
    async def main() -> None:
        async with running(World()) as world:
            world.joins("ana")
            world.asks()
            offer = await world.rings_at("ana")
            del world.calls["CA1"]
            world.floor.post(facts.OfferAccepted("ana", offer.offer_id))
            await world.until(lambda: world.screen.presences["ana"] == "available")
            assert world.screen.over == [("ana", "caller_gone")]
            assert world.screen.ringing == {}
            assert world.floor.desk.owner("CA1") is None

    virtual.run(main())


def test_a_caller_who_hangs_up_while_the_accept_is_stored_frees_the_operator() -> None:
    async def main() -> None:
        async with running(World(save_seconds=0.5)) as world:
            world.joins("ana")
            world.asks()
            call = world.call
            offer = await world.rings_at("ana")
            world.floor.post(facts.OfferAccepted("ana", offer.offer_id))
            await asyncio.sleep(0.2)
            del world.calls["CA1"]
            world.floor.tell(core.WithdrawRequest("CA1", "caller_gone", 1))
            await world.until(lambda: world.screen.presences["ana"] == "available")
            assert world.screen.over == [("ana", "caller_gone")]
            assert call.told == []
            assert world.floor.desk.owner("CA1") is None

    virtual.run(main())


def test_a_stale_accept_is_answered_with_why() -> None:
    async def main() -> None:
        async with running(World()) as world:
            world.joins("ana")
            world.asks()
            offer = await world.rings_at("ana")
            world.floor.post(facts.OfferDeclined("ana", offer.offer_id))
            world.floor.post(facts.OfferAccepted("ana", offer.offer_id))
            world.floor.post(facts.OfferAccepted("ana", "CA9.1"))
            await world.until(lambda: len(world.screen.over) == 3)
            assert world.screen.over == [
                ("ana", "declined"),
                ("ana", "declined"),
                ("ana", "unknown"),
            ]

    virtual.run(main())


def test_a_call_gives_its_operator_back_to_the_floor() -> None:
    async def main() -> None:
        async with running(World()) as world:
            world.joins("ana")
            await world.until(lambda: world.screen.presences.get("ana") == "available")
            world.floor.tell(core.RequestTakeover("CA1", "ana"))
            await world.until(lambda: bool(world.call.told))
            assert world.screen.presences["ana"] == "in_call"
            world.floor.tell(core.DisconnectOperator("CA1", "ana", "handed_back", epoch=40))
            world.floor.tell(core.RequestTakeover("CA1", "ana"))
            await world.until(lambda: ("ana", "taken") in world.screen.over)  # 40 was another's
            assert world.screen.presences["ana"] == "in_call"
            world.floor.tell(core.DisconnectOperator("CA1", "ana", "handed_back", epoch=41))
            await world.until(lambda: world.screen.presences["ana"] == "available")

    virtual.run(main())


def test_a_full_inbox_fails_whoever_posts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INBOX_SIZE", 2)

    async def main() -> None:
        world = World()
        event: DeskEvent = facts.OperatorJoined("ana", "Ana")
        world.floor.post(event)
        world.floor.post(event)
        with pytest.raises(asyncio.QueueFull):
            world.floor.post(event)
        async with running(world):
            await world.until(lambda: world.screen.presences.get("ana") == "away")
            world.floor.post(event)  # there is room again

    virtual.run(main())


def test_a_floor_that_has_stopped_is_woken_by_no_timer() -> None:
    async def main() -> None:
        world = World(replace_floor(Policy(), offer_seconds=3.0))
        async with running(world):
            world.joins("ana")
            world.asks()
            await world.rings_at("ana")
        await asyncio.sleep(10.0)
        assert world.floor._inbox.empty()

    virtual.run(main())
