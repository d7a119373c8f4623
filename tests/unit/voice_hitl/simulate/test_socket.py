from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer
from websockets.asyncio.server import ServerConnection, serve

from voice_hitl.errors import TelephonyError
from voice_hitl.simulate.socket import CarrierSocket

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/media", handler)
    async with TestServer(app) as server:
        yield str(server.make_url("/media")).replace("http", "ws", 1)


class Inbox:
    """Collects messages and tells when there are enough."""

    def __init__(self, wanted: int = 1) -> None:
        self.messages: list[str | bytes] = []
        self.wanted = wanted
        self.full = asyncio.Event()

    def __call__(self, message: str | bytes) -> None:
        self.messages.append(message)
        if len(self.messages) == self.wanted:
            self.full.set()


async def echo(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str(request.headers.get("X-Twilio-Signature", "none"))
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
            await socket.send_bytes(message.data.encode())
    return socket


async def test_messages_go_both_ways_and_headers_arrive() -> None:
    inbox = Inbox(wanted=5)
    async with serving(echo) as url:
        socket = await CarrierSocket.open(
            url, headers={"X-Twilio-Signature": "sig"}, on_message=inbox
        )
        assert socket.is_open
        socket.send(["a", "ä" * 70_000])
        await inbox.full.wait()
        await socket.finish()
    assert inbox.messages == ["sig", "a", b"a", "ä" * 70_000, ("ä" * 70_000).encode()]
    assert (socket.is_open, socket.close_code, socket.closed.done()) == (False, 1000, True)
    assert socket.bytes_out > 140_000
    assert socket.bytes_in > 280_000
    socket.send(["too late"])
    socket.close()
    await socket.finish()


async def test_fragments_are_put_together() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.send(["one ", "mess", "age"])
        await connection.wait_closed()

    inbox = Inbox()
    async with serve(handler, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        socket = await CarrierSocket.open(f"ws://127.0.0.1:{port}/", headers={}, on_message=inbox)
        await inbox.full.wait()
        await socket.finish()
    assert inbox.messages == ["one message"]


async def test_the_servers_farewell_is_kept() -> None:
    async def farewell(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.close(code=1008, message=b"no token")
        return socket

    async with serving(farewell) as url:
        socket = await CarrierSocket.open(url, headers={}, on_message=Inbox())
        await socket.closed
    assert (socket.close_code, socket.close_reason) == (1008, "no token")


async def test_a_server_that_vanishes_is_noticed() -> None:
    async def vanish(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert request.transport is not None
        request.transport.abort()
        return socket

    async with serving(vanish) as url:
        socket = await CarrierSocket.open(url, headers={}, on_message=Inbox())
        await socket.closed
    assert socket.close_code == 1006


async def test_a_server_that_does_not_answer_the_close_is_cut() -> None:
    release = asyncio.Event()

    async def deaf(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoclose=False)
        await socket.prepare(request)
        await release.wait()
        return socket

    async with serving(deaf) as url:
        socket = await CarrierSocket.open(url, headers={}, on_message=Inbox())
        await socket.finish(timeout=0.05)
        assert socket.closed.done()
        release.set()


async def test_refusals_say_why() -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.Response(status=403, text="not you\n")

    async with serving(refuse) as url:
        with pytest.raises(TelephonyError, match=r"upgrade refused: HTTP 403 not you$"):
            await CarrierSocket.open(url, headers={}, on_message=Inbox())


async def test_what_cannot_be_reached_says_so() -> None:
    for url, complaint in [
        ("ws://127.0.0.1:1/", "Connect"),
        ("http://127.0.0.1:1/", "no WebSocket address"),
        ("ws://no-such-host.invalid/", "no-such-host"),
    ]:
        with pytest.raises(TelephonyError, match=complaint):
            await CarrierSocket.open(url, headers={}, on_message=Inbox())


async def test_a_server_that_never_answers_and_one_that_talks_nonsense() -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n\r\n")
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    for behave, complaint in [
        (mute, "no answer to the upgrade"),
        (nonsense, "cut off"),
        (hang_up, "cut off"),
    ]:
        server = await asyncio.start_server(behave, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(TelephonyError, match=complaint):
                await CarrierSocket.open(
                    f"ws://127.0.0.1:{port}/", headers={}, on_message=Inbox(), timeout=0.2
                )
