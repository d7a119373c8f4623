"""The console's sockets over real connections, with the real floor, desk, hub and accounts behind them."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from handoff import commands as core
from handoff import events as facts
from handoff.approvals import Gate
from handoff.audit import AuditItem, Audits
from handoff.brief import Brief
from handoff.commands import Urgency
from handoff.errors import StorageError
from handoff.policy import Policy
from handoff.ports import OperatorRecord, SessionRecord
from handoff.review import Choice, Reviews, TurnOpened
from handoff.testing import MemoryStore, a_decision
from tests.support.flooring import NoExercises, a_floor, nothing
from voice_hitl.audio import g711
from voice_hitl.call import service
from voice_hitl.call.approving import ApprovalService
from voice_hitl.call.auditing import AuditService
from voice_hitl.call.bridge import FRAME_BYTES, OperatorLeg
from voice_hitl.call.inbox import FloorSaid
from voice_hitl.call.journal import Journal
from voice_hitl.call.ports import CallSnapshot
from voice_hitl.call.reviewing import ReviewService
from voice_hitl.call.runner import CallRunner
from voice_hitl.call.transcript import Line
from voice_hitl.clock import Clock
from voice_hitl.server import console as console_module
from voice_hitl.server import wire
from voice_hitl.server.auth import COOKIE, Accounts, Identity
from voice_hitl.server.console import REPLACED, ConsoleParts, Consoles
from voice_hitl.server.http import one_shape
from voice_hitl.server.hub import Hub
from voice_hitl.server.metrics import Metrics
from voice_hitl.server.windows import OUTBOX_SIZE

PUBLIC = "https://voice.example.com"
WATCHFUL = Policy.from_mapping(
    {"review": {"rate": 1, "risky_rate": 1}, "audit": {"uniform": 1}}, "test"
)
Message = TypeVar("Message", bound=wire.WireModel)
Client = TestClient[web.Request, web.Application]
DECISION = a_decision("CA1")
BRIEF = Brief(
    call_id="CA1",
    why="The caller asked for a person.",
    reasons=DECISION.reasons,
    urgency=DECISION.urgency,
    who="+15550100",
    intent=None,
    slots={},
    tried=(),
    pending=None,
    exchanges=(),
    next_step="Take over from here.",
)


def snapshot(state: str = "ai", turns: int = 0) -> CallSnapshot:
    return CallSnapshot(
        "CA1", "+15550100", "test", 1.0, state, False, None, None, None, turns, (), (), 2, True
    )


class Call:
    """A live call as the console reaches it: it gives whom the desk assigns a real audio leg."""

    def __init__(self, hub: Hub, call_id: str = "CA1") -> None:
        self.leg: OperatorLeg | None = None
        self.told: asyncio.Queue[object] = asyncio.Queue()
        self.played: asyncio.Queue[bytes] = asyncio.Queue()
        self.sockets: asyncio.Queue[str] = asyncio.Queue()
        self._hub = hub
        self._call_id = call_id

    def offered(self, operator_id: str) -> None:
        pass

    def accepted(self, operator_id: str, epoch: int) -> None:
        pass

    def post(self, event: FloorSaid) -> None:
        if isinstance(event.event, facts.OperatorAssigned):
            self.bridges(event.event.operator_id, event.event.epoch)
        else:
            self.told.put_nowait(event.event)

    def bridges(self, operator_id: str, epoch: int) -> OperatorLeg:
        self.leg = OperatorLeg(
            self._call_id,
            operator_id,
            epoch,
            play=self.played.put_nowait,
            on_attached=lambda: self.sockets.put_nowait("attached"),
            on_detached=lambda: self.sockets.put_nowait("detached"),
            on_first_frame=lambda: self.sockets.put_nowait("spoke"),
        )
        self._hub.bridged(self._call_id, operator_id, epoch, BRIEF)
        return self.leg


@dataclass
class Window:
    """One open console window, and all that it was told."""

    socket: aiohttp.ClientWebSocketResponse
    told: list[Any] = field(default_factory=list)

    async def send(self, command: wire.WireModel | str | bytes) -> None:
        if isinstance(command, bytes):
            await self.socket.send_bytes(command)
        else:
            text = command if isinstance(command, str) else command.model_dump_json()
            await self.socket.send_str(text)

    async def next(self) -> Any:
        text = await self.socket.receive_str(timeout=5.0)
        message = wire.server_message.validate_json(text)
        self.told.append(message)
        return message

    async def until(
        self, kind: type[Message], wanted: Callable[[Message], bool] = lambda _: True
    ) -> Message:
        """Read on until a message of this kind is so."""
        while True:
            message = await self.next()
            if isinstance(message, kind) and wanted(message):
                return message

    async def is_(self, presence: str, who: str | None = None) -> wire.OperatorView:
        """Wait until an operator (by name) has a presence."""
        changed = await self.until(
            wire.OperatorChanged,
            lambda m: m.operator.presence == presence and who in (None, m.operator.name),
        )
        return changed.operator

    async def all_told_so_far(self) -> list[Any]:
        """Everything up to the answer to a question asked now."""
        await self.send(wire.Take(call_id="nobody"))
        await self.until(wire.Problem)
        return self.told


@functools.cache
def accounts() -> tuple[MemoryStore, Accounts]:
    """One book of accounts for all tests: making one costs a password hash."""
    store = MemoryStore()
    return store, Accounts(store, session_seconds=3600)


class Office:
    """A server's console side, and who works there."""

    def __init__(self, reconnect_seconds: float, policy: Policy) -> None:
        self.clock = Clock.of_running_loop()
        self.people, self.accounts = accounts()
        intents = {"balance": "the balance"}
        self.hub = Hub(self.clock, Metrics(), "1.0", "Be kind.", self._lines, intents)
        self.calls: dict[str, Call] = {"CA1": Call(self.hub)}
        self.journal_store = MemoryStore()
        self.journal = Journal(self.journal_store)
        self.floor = a_floor(
            policy, self.clock, self.journal, self.hub.floor, lambda call: self.calls.get(call)
        )
        self.approvals = ApprovalService(
            Gate(Policy()),
            self.clock,
            self.journal,
            self.hub.approvals,
            lambda _: None,
            self.floor,
            NoExercises(),
            nothing,
        )
        self.reviews = ReviewService(
            Reviews(WATCHFUL, key=b"test"),
            self.clock,
            self.journal,
            self.hub.reviews,
            lambda _: None,
            self.floor,
            intents,
        )
        self.audits = AuditService(
            Audits(WATCHFUL, key=b"test"),
            self.clock,
            self.journal,
            self.hub.screens.audits,
            lambda _: True,
            self.floor,
        )
        self.consoles = Consoles(
            ConsoleParts(
                accounts=self.accounts,
                hub=self.hub,
                floor=self.floor,
                approvals=self.approvals,
                reviews=self.reviews,
                audits=self.audits,
                clock=self.clock,
                find_call=lambda call: cast(CallRunner | None, self.calls.get(call)),
                reconnect_seconds=reconnect_seconds,
                public_url=PUBLIC,
            )
        )
        self.app = web.Application(middlewares=[one_shape])
        self.consoles.add_to(self.app)
        self.client: Client

    @property
    def call(self) -> Call:
        return self.calls["CA1"]

    def _lines(self, call_id: str) -> list[Line]:
        return [Line(0, "agent", "Hello.", 1.0)] if call_id in self.calls else []

    async def cookie(self, name: str, **account: Any) -> dict[str, str]:
        """The headers of somebody who is signed in; `account` is what their record says besides."""
        record = OperatorRecord(f"op_{name}", name, "", account.pop("role", "operator"))
        await self.people.save([replace(record, **account)])
        identity = Identity(f"op_{name}", name)
        token = await self.accounts.open_session(identity, self.clock.wall())
        return {"Cookie": f"{COOKIE}={token}"}

    @asynccontextmanager
    async def window(self, name: str, **account: Any) -> AsyncIterator[Window]:
        headers = await self.cookie(name, **account)
        async with self.client.ws_connect("/ws/console", headers=headers) as socket:
            yield Window(socket)

    @asynccontextmanager
    async def available(self, name: str, **account: Any) -> AsyncIterator[Window]:
        async with self.window(name, **account) as window:
            await window.send(wire.SetPresence(presence="available"))
            await window.is_("available", name)
            yield window

    @asynccontextmanager
    async def audio(
        self, name: str, epoch: object = 1, call_id: str = "CA1"
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        path = f"/ws/audio/{call_id}?epoch={epoch}"
        async with self.client.ws_connect(path, headers=await self.cookie(name)) as socket:
            yield socket

    def asks(self, request: int = 1, urgency: Urgency = Urgency.MEDIUM) -> None:
        """The call asks for a person."""
        self.hub.call_changed(snapshot("waiting"))
        decision = replace(DECISION, urgency=urgency)
        self.floor.tell(core.RequestOperator("CA1", BRIEF, decision, request=request))


@asynccontextmanager
async def an_office(
    reconnect_seconds: float = 5.0, policy: Policy | None = None
) -> AsyncIterator[Office]:
    office = Office(reconnect_seconds, policy or Policy())
    async with asyncio.TaskGroup() as tasks:
        services = [
            tasks.create_task(service.run())
            for service in (office.journal, office.floor, office.reviews, office.audits)
        ]
        try:
            async with TestClient(TestServer(office.app)) as client:
                office.client = client
                yield office
        finally:
            for service in reversed(services):
                service.cancel()


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with an_office() as office:
        yield office


async def soon(queue: asyncio.Queue[Any]) -> Any:
    async with asyncio.timeout(5.0):
        return await queue.get()


# --- who may come in ---


@pytest.mark.parametrize("path", ["/ws/console", "/ws/audio/CA1?epoch=1"])
async def test_nobody_comes_in_without_a_session(office: Office, path: str) -> None:
    for headers in ({}, {"Cookie": f"{COOKIE}=made-up"}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await office.client.ws_connect(path, headers=headers)
        assert caught.value.status == 401
    async with office.window("ben") as ben:
        hello = await ben.next()
        assert [known.name for known in hello.operators] == ["ben"]


async def test_a_session_that_was_ended_opens_nothing(office: Office) -> None:
    headers = await office.cookie("ana")
    await office.accounts.close_session(headers["Cookie"].partition("=")[2])
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await office.client.ws_connect("/ws/console", headers=headers)
    assert caught.value.status == 401


@pytest.mark.parametrize("path", ["/ws/console", "/ws/audio/CA1?epoch=1"])
@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "https://", "file://"])
async def test_a_foreign_page_is_refused_though_it_has_the_cookie(
    office: Office, path: str, origin: str
) -> None:
    office.call.bridges("op_ana", 1)
    headers = await office.cookie("ana") | {"Origin": origin}
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await office.client.ws_connect(path, headers=headers)
    assert caught.value.status == 403


async def test_our_own_pages_come_in_by_either_address(office: Office) -> None:
    for origin in (PUBLIC, str(office.client.make_url("/")).rstrip("/")):
        headers = await office.cookie("ana") | {"Origin": origin}
        async with office.client.ws_connect("/ws/console", headers=headers) as socket:
            assert isinstance(await Window(socket).next(), wire.Hello)


# --- events and commands ---


async def test_the_whole_state_comes_first(office: Office) -> None:
    office.hub.call_changed(snapshot())
    async with office.window("ana") as ana:
        hello = await ana.next()
        assert isinstance(hello, wire.Hello)
        assert (hello.me.name, hello.me.presence) == ("ana", "away")
        assert [call.call_id for call in hello.calls] == ["CA1"]
        assert hello.guidelines == "Be kind."


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("", "Invalid JSON"),
        ("{", "Invalid JSON"),
        ("[]", "refused: Input should be an object"),
        ("null", "refused: Input should be an object"),
        ('"presence"', "refused: Input should be an object"),
        ("{}", "refused: Unable to extract tag"),
        ('{"type": "fire"}', "fire"),
        ('{"type": "accept"}', "accept.offer_id"),
        ('{"type": "accept", "offer_id": 7}', "accept.offer_id"),
        ('{"type": "accept", "offer_id": "x", "more": 1}', "accept.more"),
        ('{"type": "presence", "presence": "in_call"}', "presence.presence"),
        ('{"type": "hand_back", "call_id": "CA1", "epoch": "one"}', "hand_back.epoch"),
        (b"\x00\x01", "only JSON text"),
    ],
)
async def test_a_command_that_is_not_understood_is_answered_and_costs_nothing(
    office: Office, message: str | bytes, words: str
) -> None:
    async with office.window("ana") as ana:
        await ana.send(message)
        problem = await ana.until(wire.Problem)
        assert words in problem.message
        await ana.send(wire.SetPresence(presence="available"))
        await ana.is_("available")


async def test_a_note_that_is_too_long_is_refused(office: Office) -> None:
    async with office.window("ana") as ana:
        await ana.send(
            f'{{"type": "hand_back", "call_id": "CA1", "epoch": 1, "note": "{"x" * 2001}"}}'
        )
        assert "2000" in (await ana.until(wire.Problem)).message
        assert office.call.told.empty()


async def test_a_message_over_64_kib_closes_the_window(office: Office) -> None:
    async with office.window("ana") as ana:
        await ana.next()
        await ana.send("x" * (64 * 1024 + 1))
        while not ana.socket.closed:
            await ana.socket.receive(timeout=5.0)
        assert ana.socket.close_code == 1009


async def test_presence_is_seen_by_everybody(office: Office) -> None:
    async with office.window("ana") as ana, office.window("ben") as ben:
        await ana.send(wire.SetPresence(presence="available"))
        assert (await ben.is_("available")).name == "ana"
        await ana.send(wire.SetPresence(presence="away"))
        assert (await ben.is_("away", "ana")).call_id is None


async def test_an_accepted_offer_becomes_a_bridge(office: Office) -> None:
    async with office.available("ana") as ana:
        office.asks()
        offer = (await ana.until(wire.Offered)).offer
        assert (offer.call_id, offer.caller) == ("CA1", "+15550100")
        assert offer.brief.why == "The caller asked for a person."
        assert 0 < offer.expires_at - office.clock.wall() <= offer.seconds
        await ana.send(wire.Accept(offer_id=offer.offer_id))
        over = await ana.until(wire.OfferOver)
        assert (over.offer_id, over.reason) == (offer.offer_id, "accepted")
        bridged = await ana.until(wire.Bridged)
        assert (bridged.call_id, bridged.epoch) == ("CA1", 1)
        assert (await ana.is_("in_call")).call_id == "CA1"


async def test_a_declined_offer_rings_at_the_next(office: Office) -> None:
    async with office.available("ana") as ana, office.available("ben") as ben:
        office.asks()
        offer = (await ana.until(wire.Offered)).offer
        await ana.send(wire.Decline(offer_id=offer.offer_id))
        assert (await ana.until(wire.OfferOver)).reason == "declined"
        again = (await ben.until(wire.Offered)).offer
        assert again.call_id == offer.call_id
        await ana.send(wire.Accept(offer_id=offer.offer_id))
        late = await ana.until(wire.OfferOver)
        assert (late.reason, "declined" in late.message) == ("declined", True)
        await ben.send(wire.Accept(offer_id=again.offer_id))
        await ben.until(wire.Bridged)
        assert not any(isinstance(m, wire.Bridged) for m in await ana.all_told_so_far())


async def test_accepting_what_rings_at_a_colleague_takes_nothing_from_them(office: Office) -> None:
    async with office.available("ana") as ana, office.window("ben") as ben:
        office.asks()
        offer = (await ana.until(wire.Offered)).offer
        await ben.send(wire.Accept(offer_id=offer.offer_id))
        assert (await ben.until(wire.OfferOver)).reason == "taken"
        async with office.window("ana") as reloaded:
            hello = await reloaded.next()
            assert [known.offer_id for known in hello.offers] == [offer.offer_id]
        await ana.send(wire.Accept(offer_id=offer.offer_id))
        await ana.until(wire.Bridged)


async def test_commands_about_a_call_reach_it_with_who_said_so(office: Office) -> None:
    async with office.window("ana") as ana:
        await ana.send(wire.Take(call_id="CA1"))
        await ana.send(wire.HandBack(call_id="CA1", epoch=3, note="Address changed."))
        await ana.send(wire.EndCall(call_id="CA1", epoch=3))
        assert await soon(office.call.told) == facts.TakeoverAsked("op_ana")
        back = facts.HandedBack("op_ana", "Address changed.", epoch=3)
        assert await soon(office.call.told) == back
        assert await soon(office.call.told) == facts.OperatorEndedCall("op_ana", epoch=3)


@pytest.mark.parametrize(
    "command",
    [
        wire.Take(call_id="CA9"),
        wire.HandBack(call_id="CA9", epoch=1),
        wire.EndCall(call_id="CA9", epoch=1),
    ],
)
async def test_commands_about_a_call_that_is_over_are_answered(
    office: Office, command: wire.WireModel
) -> None:
    async with office.window("ana") as ana:
        await ana.send(command)
        assert "already over" in (await ana.until(wire.Problem)).message


async def test_watching_shows_a_call_from_its_beginning(office: Office) -> None:
    async with office.window("ana") as ana:
        await ana.send(wire.Watch(call_id="CA1"))
        transcript = await ana.until(wire.Transcript)
        await ana.send(wire.Earlier(call_id="CA1", before=1))
        earlier = await ana.until(wire.TranscriptEarlier)
        assert (earlier.entries, earlier.more) == (transcript.entries, False)
        assert [entry.text for entry in transcript.entries] == ["Hello."]
        office.hub.line("CA1", Line(1, "caller", "hi", 2.0, confidence=0.9))
        assert (await ana.until(wire.TranscriptChanged)).entry.text == "hi"
        await ana.send(wire.Watch(call_id=None))
        await ana.all_told_so_far()
        office.hub.line("CA1", Line(2, "caller", "more", 3.0))
        seen = [m for m in await ana.all_told_so_far() if isinstance(m, wire.TranscriptChanged)]
        assert [m.entry.text for m in seen] == ["hi"]


# --- windows ---


async def test_two_windows_of_one_operator_are_one_operator(office: Office) -> None:
    async with office.available("ana") as first:
        async with office.window("ana") as second:
            hello = await second.next()
            assert hello.me.presence == "available"
            office.asks()
            offers = [(await window.until(wire.Offered)).offer for window in (first, second)]
            assert offers[0] == offers[1]
            await second.send(wire.Accept(offer_id=offers[0].offer_id))
            assert [(await w.until(wire.Bridged)).epoch for w in (first, second)] == [1, 1]
        told = await first.all_told_so_far()
        assert not any(isinstance(message, wire.OperatorGone) for message in told)


async def test_closing_one_of_two_windows_is_no_leaving() -> None:
    async with an_office(reconnect_seconds=0.0) as office, office.window("ben") as ben:
        async with office.available("ana") as first:
            async with office.window("ana") as second:
                await second.next()
            await first.send(wire.SetPresence(presence="away"))
            await ben.is_("away", "ana")
            told = await ben.all_told_so_far()
            assert not any(isinstance(message, wire.OperatorGone) for message in told)
        gone = await ben.until(wire.OperatorGone)
        assert gone.operator_id == "op_ana"


async def test_a_reload_costs_neither_presence_nor_the_offer() -> None:
    async with an_office(reconnect_seconds=0.3) as office, office.window("ben") as ben:
        async with office.available("ana") as ana:
            office.asks()
            offer = (await ana.until(wire.Offered)).offer
        await ben.is_("offered", "ana")
        async with office.window("ana") as again:
            hello = await again.next()
            assert hello.me.presence == "offered"
            assert [known.offer_id for known in hello.offers] == [offer.offer_id]
            await asyncio.sleep(0.4)  # longer than she may be away
            told = await ben.all_told_so_far()
            assert not any(isinstance(message, wire.OperatorGone) for message in told)
            await again.send(wire.Accept(offer_id=offer.offer_id))
            await again.until(wire.Bridged)


async def test_a_reload_in_mid_call_is_told_of_its_bridge_again(office: Office) -> None:
    async with office.available("ana") as ana:
        office.asks()
        await ana.send(wire.Accept(offer_id=(await ana.until(wire.Offered)).offer.offer_id))
        await ana.until(wire.Bridged)
    async with office.window("ana") as again, office.window("ben") as ben:
        assert (await again.next()).me.presence == "in_call"
        bridged = await again.until(wire.Bridged)
        assert (bridged.call_id, bridged.epoch) == ("CA1", 1)
        assert bridged.brief is not None, "the reloaded page shows what the call is about again"
        assert bridged.brief.why == "The caller asked for a person."
        told = await ben.all_told_so_far()
        assert not any(isinstance(message, wire.Bridged) for message in told)
        office.hub.unbridged("CA1", "op_ana", "handed_back")
        await again.until(wire.Unbridged)
    async with office.window("ana") as later:
        told = await later.all_told_so_far()
        assert not any(isinstance(message, wire.Bridged) for message in told)


async def test_a_call_that_is_over_is_bridged_to_nobody(office: Office) -> None:
    office.hub.call_changed(snapshot("operator"))
    office.call.bridges("op_ana", 1)
    office.hub.call_ended("CA1", "failed")
    async with office.window("ana") as ana:
        told = await ana.all_told_so_far()
        assert not any(isinstance(message, wire.Bridged) for message in told)


async def test_who_stays_away_leaves_the_floor_and_their_offer_goes_on() -> None:
    async with an_office(reconnect_seconds=0.05) as office, office.window("ben") as ben:
        async with office.available("ana") as ana:
            office.asks()
            await ana.until(wire.Offered)
            await ben.send(wire.SetPresence(presence="available"))
            await ben.is_("available", "ben")
        assert (await ben.until(wire.OperatorGone)).operator_id == "op_ana"
        await ben.until(wire.Offered)
        async with office.window("ana") as back:
            hello = await back.next()
            assert hello.me.presence == "away"
            assert hello.offers == []
            await back.send(wire.SetPresence(presence="available"))
            await back.is_("available", "ana")


async def test_who_comes_back_in_the_moment_of_leaving_is_on_the_floor() -> None:
    """The floor may hear of the leaving when the new window is open already (its store is slow)."""
    async with (
        an_office(reconnect_seconds=60.0) as office,
        office.window("ben") as ben,
        office.window("ana") as ana,
    ):
        await ana.is_("away", "ana")
        office.floor.post(facts.OperatorLeft("op_ana"))
        office.floor.post(facts.OperatorJoined("op_ana", "ana"))
        await ben.until(wire.OperatorGone)
        await ana.send(wire.SetPresence(presence="available"))
        assert (await ana.is_("available", "ana")).operator_id == "op_ana"
        await ben.is_("available", "ana")


async def test_who_finds_no_room_on_the_floor_leaves_nothing_behind(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(service, "INBOX_SIZE", 0)
        async with office.window("ana") as window:
            while not window.socket.closed:
                await window.socket.receive(timeout=5.0)
    connection = office.hub.open(Identity("op_ana", "ana"))
    assert office.hub.close(connection), "it is the only one of hers"


async def test_who_leaves_a_floor_without_room_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with an_office(reconnect_seconds=0.05) as office, office.window("ben") as ben:
        async with office.available("ana"):
            await ben.is_("available", "ana")
            monkeypatch.setattr(service, "INBOX_SIZE", 0)
        assert (await ben.until(wire.OperatorGone)).operator_id == "op_ana"


async def test_a_window_that_does_not_keep_up_is_closed_to_come_again(office: Office) -> None:
    async with office.window("ana") as slow, office.window("ben") as ben:
        await slow.next()
        for turns in range(OUTBOX_SIZE + 10):
            office.hub.call_changed(snapshot(turns=turns))
        while not slow.socket.closed:
            await slow.socket.receive(timeout=5.0)
        assert slow.socket.close_code == 1013
        await ben.next()
        while not ben.socket.closed:
            await ben.socket.receive(timeout=5.0)
    async with office.window("ana") as again:
        hello = await again.next()
        assert hello.calls[0].turns == OUTBOX_SIZE + 9


# --- audio ---

SILENCE = bytes(FRAME_BYTES)


@pytest.mark.parametrize(
    ("name", "epoch", "call_id"),
    [
        ("ben", 7, "CA1"),
        ("ana", 6, "CA1"),
        ("ana", 8, "CA1"),
        ("ana", "", "CA1"),
        ("ana", "seven", "CA1"),
        ("ana", "07", "CA1"),
        ("ana", 7, "CA2"),
        ("ana", 7, "CA9"),
    ],
)
async def test_a_call_is_heard_by_its_operator_alone(
    office: Office, name: str, epoch: object, call_id: str
) -> None:
    office.call.bridges("op_ana", 7)
    office.calls["CA2"] = Call(office.hub, "CA2")  # with nobody
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with office.audio(name, epoch, call_id):
            pass
    assert caught.value.status == 403
    assert office.call.sockets.empty()


async def test_the_audio_needs_an_epoch_at_all(office: Office) -> None:
    office.call.bridges("op_ana", 7)
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await office.client.ws_connect("/ws/audio/CA1", headers=await office.cookie("ana"))
    assert caught.value.status == 403


async def test_sound_goes_both_ways(office: Office) -> None:
    leg = office.call.bridges("op_ana", 7)
    async with office.audio("ana", 7) as socket:
        assert await soon(office.call.sockets) == "attached"
        sound = g711.decode_bytes(bytes(range(160)))
        await socket.send_bytes(struct.pack("<I", 0) + sound)
        assert g711.decode_bytes(await soon(office.call.played)) == sound
        assert await soon(office.call.sockets) == "spoke"
        for number in range(3):
            leg.from_caller(bytes([number]) * 160)
            message = await socket.receive_bytes(timeout=5.0)
            assert message[:4] == struct.pack("<I", number)
            assert message[4:] == g711.decode_bytes(bytes([number]) * 160)
    assert await soon(office.call.sockets) == "detached"


@pytest.mark.parametrize("message", [b"", SILENCE[1:], SILENCE + b"\0", "hello"])
async def test_anything_but_a_frame_closes_the_audio(office: Office, message: bytes | str) -> None:
    office.call.bridges("op_ana", 7)
    async with office.audio("ana", 7) as socket:
        if isinstance(message, str):
            await socket.send_str(message)
        else:
            await socket.send_bytes(message)
        closed = await socket.receive(timeout=5.0)
        assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 1003)
        assert "324 bytes" in str(closed.extra)
    assert [await soon(office.call.sockets) for _ in range(2)] == ["attached", "detached"]
    assert office.call.played.empty()


async def test_the_end_of_the_bridge_closes_the_audio(office: Office) -> None:
    leg = office.call.bridges("op_ana", 7)
    async with office.audio("ana", 7) as socket:
        await soon(office.call.sockets)
        leg.close()
        closed = await socket.receive(timeout=5.0)
        assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 1000)
    assert office.call.sockets.empty(), "an end is no loss"


async def test_a_browser_that_goes_away_is_noticed_and_may_come_back(office: Office) -> None:
    leg = office.call.bridges("op_ana", 7)
    for _ in range(2):
        async with office.audio("ana", 7) as socket:
            assert await soon(office.call.sockets) == "attached"
            leg.from_caller(bytes(160))
            await socket.receive_bytes(timeout=5.0)
        assert await soon(office.call.sockets) == "detached"


async def test_an_older_bridge_of_the_same_operator_is_closed_to_them(office: Office) -> None:
    office.call.bridges("op_ana", 7)
    async with office.audio("ana", 7):
        office.call.bridges("op_ana", 8)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with office.audio("ana", 7):
                pass
        async with office.audio("ana", 8) as socket:
            await socket.send_bytes(SILENCE)
            await soon(office.call.played)


async def test_a_new_socket_takes_the_place_of_the_old_one(office: Office) -> None:
    leg = office.call.bridges("op_ana", 7)
    async with office.audio("ana", 7) as old:
        assert await soon(office.call.sockets) == "attached"
        async with office.audio("ana", 7) as new:
            closed = await old.receive(timeout=5.0)
            assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, REPLACED)
            leg.from_caller(bytes(160))
            await new.receive_bytes(timeout=5.0)
            await old.close()
            assert office.call.sockets.empty(), "a replaced socket is no loss"
    assert await soon(office.call.sockets) == "detached"


async def test_what_a_browser_does_not_read_is_dropped_not_kept(office: Office) -> None:
    leg = office.call.bridges("op_ana", 7)
    async with office.audio("ana", 7) as socket:
        await soon(office.call.sockets)
        assert socket._response.connection is not None
        assert socket._response.connection.transport is not None
        socket._response.connection.transport.pause_reading()
        for _ in range(5000):
            leg.from_caller(bytes(160))
            await asyncio.sleep(0)
        assert leg.dropped > 4000
        socket._response.connection.transport.resume_reading()


async def test_a_browser_that_vanished_without_a_word_is_noticed(office: Office) -> None:
    office.call.bridges("op_ana", 7)
    async with office.audio("ana", 7):  # nobody reads, so that nobody answers
        assert await soon(office.call.sockets) == "attached"
        async with asyncio.timeout(3.0):
            assert await office.call.sockets.get() == "detached"


async def test_who_listens_without_a_microphone_is_there(office: Office) -> None:
    office.call.bridges("op_ana", 7)
    async with office.audio("ana", 7) as socket:
        assert await soon(office.call.sockets) == "attached"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await socket.receive()  # answers each ping as a browser does
        assert office.call.sockets.empty()


# --- signing out ---


async def test_signing_out_closes_what_the_session_opened(office: Office) -> None:
    office.call.bridges("op_ana", 7)
    headers = await office.cookie("ana")
    async with (
        office.window("ana") as elsewhere,
        office.client.ws_connect("/ws/console", headers=headers) as console,
        office.client.ws_connect("/ws/audio/CA1?epoch=7", headers=headers) as audio,
    ):
        assert await soon(office.call.sockets) == "attached"
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(office.accounts.close_session(headers["Cookie"].partition("=")[2]))
            for socket in (console, audio):
                while not socket.closed:
                    await socket.receive(timeout=5.0)
                assert socket.close_code == 1008
        assert await soon(office.call.sockets) == "detached"
        await elsewhere.all_told_so_far()  # another session's window stays


async def expires(office: Office, headers: dict[str, str]) -> None:
    """The session of these headers ends by itself."""
    token_hash = hashlib.sha256(headers["Cookie"].partition("=")[2].encode()).hexdigest()
    await office.people.save([SessionRecord(token_hash, "op_ana", office.clock.wall())])


async def closes(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """With which code the server closes a socket."""
    while not socket.closed:
        await socket.receive(timeout=5.0)
    return socket.close_code


async def test_who_lost_their_account_loses_what_they_opened(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console_module, "SESSION_CHECK", 0.02)
    office.call.bridges("op_ana", 7)
    headers = await office.cookie("ana")
    async with (
        office.window("bob") as elsewhere,
        office.client.ws_connect("/ws/console", headers=headers) as console,
        office.client.ws_connect("/ws/audio/CA1?epoch=7", headers=headers) as audio,
    ):
        assert await soon(office.call.sockets) == "attached"
        await office.accounts.remove("ana")
        assert [await closes(socket) for socket in (console, audio)] == [1008, 1008]
        assert await soon(office.call.sockets) == "detached"
        await elsewhere.all_told_so_far()  # another's window stays


async def test_a_session_that_expired_closes_what_it_opened(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console_module, "SESSION_CHECK", 0.02)
    headers = await office.cookie("ana")
    async with (
        office.window("bob") as elsewhere,
        office.client.ws_connect("/ws/console", headers=headers) as console,
    ):
        await expires(office, headers)
        assert await closes(console) == 1008
        await elsewhere.all_told_so_far()


async def test_a_session_that_expires_in_a_conversation_cuts_nobody_off(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console_module, "SESSION_CHECK", 0.02)
    monkeypatch.setattr(console_module, "OVERTIME", 0.6)
    leg = office.call.bridges("op_ana", 7)
    headers = await office.cookie("ana")
    path = "/ws/audio/CA1?epoch=7"
    async with office.client.ws_connect("/ws/console", headers=headers) as console:
        window = Window(console)
        async with office.client.ws_connect(path, headers=headers):
            assert await soon(office.call.sockets) == "attached"
            await expires(office, headers)
            await asyncio.sleep(1.0)
            assert office.call.sockets.empty()
        assert await soon(office.call.sockets) == "detached"
        async with office.client.ws_connect(path, headers=headers) as again:
            assert await soon(office.call.sockets) == "attached"
            await window.all_told_so_far()
            leg.close()
            assert await closes(again) == 1000
        assert await closes(console) == 1008


async def test_signing_out_in_overtime_ends_a_session(office: Office) -> None:
    headers = await office.cookie("ana")
    token, wall = headers["Cookie"].partition("=")[2], office.clock.wall()
    await expires(office, headers)
    assert await office.accounts.identify(token, wall + 1.0) is None
    office.accounts.outlast(token, wall, wall + 60.0)
    assert await office.accounts.identify(token, wall + 1.0) is not None
    assert await office.accounts.identify(token, wall + 60.0) is None
    await office.accounts.close_session(token)
    assert await office.accounts.identify(token, wall + 1.0) is None


async def test_a_sick_store_closes_nobodys_window(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console_module, "SESSION_CHECK", 0.01)
    asked = asyncio.Event()
    async with office.window("ana") as window:

        async def sick(_hash: str) -> None:
            asked.set()
            raise StorageError("the disk is gone")

        monkeypatch.setattr(office.people, "session", sick)
        async with asyncio.timeout(5.0):
            await asked.wait()
        await window.all_told_so_far()


# --- what people look at beside the calls ---


def understood() -> CallSnapshot:
    """The call once the AI knows what the caller wants."""
    return replace(snapshot(turns=3), intent="balance")


async def test_a_turn_is_decided_without_knowing_what_the_ai_makes_of_it(office: Office) -> None:
    async with office.available("ana") as ana, office.available("bob") as bob:
        office.reviews.opened(TurnOpened("CA1", 3, "Caller: how much is left", "financial", 0.2))
        office.hub.call_changed(understood())
        office.reviews.chosen("CA1", 3, Choice("balance", None, "Five dollars."))
        for window in (ana, bob):
            asked = await window.until(wire.ReviewAsked)
            changed = [told.call for told in window.told if isinstance(told, wire.CallChanged)]
            assert [call.intent for call in changed] == [None]
        assert "Five dollars" not in asked.model_dump_json()
        async with office.window("ana") as second:
            hello = await second.until(wire.Hello)
            assert [call.intent for call in hello.calls] == [None]
            assert [review.review_id for review in hello.reviews] == ["CA1:3"]

        await ana.send(wire.ReviewChoice(review_id="CA1:3", intent="weather"))
        assert "no such intent" in (await ana.until(wire.Problem)).message
        await ana.send(wire.ReviewChoice(review_id="CA1:3", intent="balance"))
        assert (await ana.until(wire.ReviewOver)).reason == "equal"
        assert (await bob.until(wire.ReviewOver)).reason == "taken"
        assert (await bob.until(wire.CallChanged)).call.intent == "balance"
        await bob.send(wire.ReviewChoice(review_id="CA1:3", intent="balance"))
        assert "over" in (await bob.until(wire.Problem)).message


async def test_who_watches_a_call_does_not_review_it(office: Office) -> None:
    async with office.available("ana") as ana, office.available("bob") as bob:
        office.hub.call_changed(snapshot())
        await ana.send(wire.Watch(call_id="CA1"))
        await ana.until(wire.Transcript)
        office.reviews.opened(TurnOpened("CA1", 3, "Caller: how much is left", "financial", 0.2))
        await bob.until(wire.ReviewAsked)
        assert not [told for told in await ana.all_told_so_far() if told.type == "review"]
        await bob.send(wire.Watch(call_id="CA1"))
        assert (await bob.until(wire.ReviewOver)).reason == "informed"


async def test_what_the_ai_did_is_judged_at_a_console(office: Office) -> None:
    async with office.available("ana") as ana:
        await ana.send(wire.NextAudit())
        assert (await ana.until(wire.AuditShown)).audit is None
        office.audits.automated(
            AuditItem("CA1:1", "decision", "CA1", 1, "automatic", "general", 0.2, "said so")
        )
        await ana.send(wire.NextAudit())
        shown = (await ana.until(wire.AuditShown)).audit
        assert shown is not None
        assert (shown.audit_id, shown.summary, shown.path) == ("CA1:1", "said so", "automatic")
        assert shown.expires_at > office.clock.wall() + 800
        await ana.send(wire.AuditVerdict(audit_id="CA1:1", verdict="wrong", note="no"))
        assert (await ana.until(wire.AuditOver)).reason == "answered"
        await ana.send(wire.AuditVerdict(audit_id="CA1:1", verdict="right"))
        assert (await ana.until(wire.AuditOver)).reason == "over"
