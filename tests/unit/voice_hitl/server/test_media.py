"""The media socket on a real server, with the `websockets` library as the far end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
import websockets
from aiohttp import web
from aiohttp.test_utils import TestServer
from websockets.asyncio.client import ClientConnection, connect

from voice_hitl.errors import TelephonyError
from voice_hitl.server import media
from voice_hitl.server.media import MediaConnection, media_socket
from voice_hitl.telephony.media_stream import Media, Started

START = '{"event":"start","streamSid":"MZ1","start":{"callSid":"CA1","customParameters":{"a":"b"}}}'
FRAME = '{"event":"media","streamSid":"MZ1","media":{"payload":"AQID","timestamp":"20"}}'


@dataclass
class Session:
    """Notes what it is told; `on` holds what it does then."""

    on: dict[str, Callable[[Any], None]] = field(default_factory=dict)
    told: list[tuple[str, Any]] = field(default_factory=list)
    connection: MediaConnection | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None

    def on_started(self, started: Started, connection: MediaConnection) -> None:
        self.connection = connection
        self._note("started", started.call_sid)

    def on_media(self, event: Media) -> None:
        self._note("media", event.payload)

    def on_mark(self, name: str) -> None:
        self._note("mark", name)

    def on_dtmf(self, digit: str) -> None:
        self._note("dtmf", digit)

    def on_stopped(self) -> None:
        self._note("stopped", None)

    def closed(self, error: Exception | None = None) -> None:
        self.error = error
        self._note("closed", None)

    def _note(self, what: str, value: Any) -> None:
        self.told.append((what, value))
        self.changed.set()
        if what in self.on:
            self.on[what](value)

    async def until(self, what: str) -> None:
        async with asyncio.timeout(5):
            while what not in [name for name, _ in self.told]:
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def serving(session: Session) -> AsyncIterator[TestServer]:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await media_socket(request, lambda: session)

    app = web.Application()
    app.router.add_get("/twilio/media", handler)
    server = TestServer(app)
    async with server:
        yield server


def address(server: TestServer) -> str:
    return str(server.make_url("/twilio/media").with_scheme("ws"))


@asynccontextmanager
async def call(session: Session) -> AsyncIterator[ClientConnection]:
    async with serving(session) as server, connect(address(server), close_timeout=0.2) as far:
        yield far


@pytest.fixture
def session() -> Session:
    return Session()


async def closed_with(far: ClientConnection) -> tuple[int | None, str | None]:
    async with asyncio.timeout(5):
        with pytest.raises(websockets.ConnectionClosed):
            while True:
                await far.recv()
    return far.close_code, far.close_reason


async def test_a_call_from_start_to_stop(session: Session) -> None:
    async with call(session) as far:
        await far.send('{"event":"connected","protocol":"Call","version":"1.0.0"}')
        await far.send(START)
        await far.send(FRAME)
        await far.send('{"event":"mark","streamSid":"MZ1","mark":{"name":"m"}}')
        await far.send('{"event":"dtmf","streamSid":"MZ1","dtmf":{"digit":"0"}}')
        await far.send('{"event":"stop","streamSid":"MZ1"}')
        await session.until("stopped")
    await session.until("closed")
    assert session.error is None
    assert session.told == [
        ("started", "CA1"),
        ("media", b"\x01\x02\x03"),
        ("mark", "m"),
        ("dtmf", "0"),
        ("stopped", None),
        ("closed", None),
    ]


async def test_what_the_session_sends_arrives_whole_and_in_order(session: Session) -> None:
    texts = [f'{{"n":{number},"pad":"{"ä" * (number % 300)}"}}' for number in range(500)]

    def answer(_: object) -> None:
        assert session.connection is not None
        for text in texts:
            session.connection.send(text)

    session.on["started"] = answer
    async with call(session) as far:
        await far.send(START)
        assert [await far.recv() for _ in texts] == texts


async def test_the_stream_encodes_for_its_peer(session: Session) -> None:
    def answer(_: object) -> None:
        connection = session.connection
        assert connection is not None
        connection.send(connection.stream.encode_clear())

    session.on["started"] = answer
    async with call(session) as far:
        await far.send(START)
        assert orjson.loads(await far.recv()) == {"event": "clear", "streamSid": "MZ1"}


async def test_the_session_can_end_the_call(session: Session) -> None:
    def end(_: object) -> None:
        assert session.connection is not None
        session.connection.close(1000, "goodbye")
        session.connection.close(1011, "too late")
        session.connection.send("not any more")

    session.on["media"] = end
    async with call(session) as far:
        await far.send(START)
        await far.send(FRAME)
        await far.send(FRAME)
        assert await closed_with(far) == (1000, "goodbye")
        await session.until("closed")
    assert session.error is None
    assert [name for name, _ in session.told] == ["started", "media", "closed"]


async def test_a_refused_stream_is_closed_1008(session: Session) -> None:
    def refuse(_: object) -> None:
        raise TelephonyError("no such token")

    session.on["started"] = refuse
    async with call(session) as far:
        await far.send(START)
        assert await closed_with(far) == (1008, "no such token")
        await session.until("closed")


@pytest.mark.parametrize(
    ("message", "code"),
    [("not json", 1007), (b"binary", 1003), ('{"event":7}', 1008), ("[]", 1008)],
)
async def test_strangers_are_turned_away(session: Session, message: str | bytes, code: int) -> None:
    async with call(session) as far:
        await far.send(message)
        assert (await closed_with(far))[0] == code
        await session.until("closed")
    assert session.told == [("closed", None)]


async def test_a_message_over_64_kib_closes_1009(session: Session) -> None:
    async with call(session) as far:
        await far.send(START)
        await far.send("x" * 70_000)
        assert (await closed_with(far))[0] == 1009
        await session.until("closed")
    assert isinstance(session.error, TelephonyError)


async def test_odd_messages_in_a_call_are_survived(session: Session) -> None:
    async with call(session) as far:
        await far.send(START)
        for odd in ("{", b"\x00", "[1]", '{"event":"media"}', "x" * 1000):
            await far.send(odd)
        await far.send(FRAME)
        await session.until("media")


async def test_text_that_is_not_utf8_closes_1007(session: Session) -> None:
    async with call(session) as far:
        await far.send(START)
        await far.send(b"\xff\xfe", text=True)
        assert (await closed_with(far))[0] == 1007


async def test_fragments_and_pings_are_understood(session: Session) -> None:
    async with call(session) as far:
        await far.send([START[:20], START[20:50], START[50:]])
        async with asyncio.timeout(5):
            await (await far.ping(b"are you there"))
        await session.until("started")


async def test_a_line_that_breaks_while_the_caller_is_on_it_is_a_failure(session: Session) -> None:
    async with call(session) as far:
        await far.send(START)
        await session.until("started")
        far.transport.abort()
        await session.until("closed")
    assert isinstance(session.error, TelephonyError)
    assert [name for name, _ in session.told].count("closed") == 1


@pytest.mark.parametrize("stopped", [True, False])
async def test_a_peer_that_closes_is_answered_and_has_failed_unless_it_said_stop(
    session: Session, stopped: bool
) -> None:
    async with call(session) as far:
        await far.send(START)
        if stopped:
            await far.send('{"event":"stop","streamSid":"MZ1"}')
        await far.close(1000, "bye")
        assert far.close_code == 1000
        await session.until("closed")
    assert (session.error is None) is stopped


async def test_a_peer_that_goes_before_it_has_started_is_no_failure(session: Session) -> None:
    async with call(session) as far:
        await far.close(1000, "bye")
        await session.until("closed")
    assert session.error is None


async def test_a_line_that_breaks_after_the_server_said_goodbye_is_no_failure(
    session: Session,
) -> None:
    async with call(session) as far:
        await far.send(START)
        await session.until("started")
        assert session.connection is not None
        session.connection.close(1000, "goodbye")
        far.transport.abort()
        await session.until("closed")
    assert session.error is None


async def test_a_fault_in_one_call_ends_that_call_only(session: Session) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("bug")

    session.on["media"] = fail
    async with call(session) as far:
        await far.send(START)
        await far.send(FRAME)
        assert (await closed_with(far))[0] == 1011
        await session.until("closed")
    assert isinstance(session.error, RuntimeError)


async def test_who_does_not_start_is_sent_away(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "START_WITHIN", 0.05)
    async with call(session) as far:
        assert (await closed_with(far))[0] == 1008
        await session.until("closed")


async def test_a_silent_peer_is_pinged_then_given_up(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "QUIET", 0.05)
    async with serving(session) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(
            b"GET /twilio/media HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        async with asyncio.timeout(5):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(websockets.frames.Frame(1, START.encode()).serialize(mask=True))  # type: ignore[arg-type]
            assert await reader.readexactly(2) == b"\x89\x00"
            await session.until("closed")
        assert isinstance(session.error, TelephonyError)
        writer.close()


async def test_a_peer_that_does_not_read_is_given_up(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "STALLED", 0.05)

    def flood(_: object) -> None:
        assert session.connection is not None
        for _ in range(200):
            session.connection.send("x" * 60_000)

    session.on["started"] = flood
    async with call(session) as far:
        far.transport.pause_reading()
        await far.send(START)
        await session.until("closed")
    assert isinstance(session.error, TelephonyError)


async def test_the_server_forgets_the_connection(session: Session) -> None:
    async with serving(session) as server:
        async with connect(address(server)) as far:
            await far.send(START)
            await session.until("started")
            assert server.runner is not None
            assert server.runner.server is not None
            assert len(server.runner.server.connections) == 1
        await session.until("closed")
        assert not server.runner.server.connections


async def test_a_plain_request_is_no_call(session: Session) -> None:
    async with serving(session) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET /twilio/media HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(5):
            assert b" 400 " in await reader.readline()
        writer.close()
    assert session.told == []
