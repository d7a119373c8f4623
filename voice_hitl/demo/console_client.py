"""The console's protocol from the other side: what a browser does, in Python."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from pydantic import ValidationError

from voice_hitl.demo.host import Account
from voice_hitl.errors import VoiceHitlError
from voice_hitl.server import wire

AUDIO_MESSAGE_LIMIT = 4096


class ConsoleClient:
    """One signed-in operator at one server."""

    def __init__(self, url: str, session: aiohttp.ClientSession, me: wire.Session) -> None:
        self.url = url
        self.me = me
        self._session = session

    @classmethod
    @asynccontextmanager
    async def signed_in(cls, url: str, account: Account) -> AsyncIterator[ConsoleClient]:
        """Sign in for the length of the block; raises `VoiceHitlError` when the server refuses."""
        # A server on this machine has an IP address for a name, whose cookies aiohttp drops by default.
        jar = aiohttp.CookieJar(unsafe=True)
        body = wire.SignIn(name=account.name, password=account.password).model_dump()
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            async with session.post(f"{url}/api/v1/session", json=body) as answer:
                if answer.status != 200:
                    raise VoiceHitlError(f"{account.name} could not sign in: {await answer.text()}")
                me = wire.Session.model_validate_json(await answer.read())
            yield cls(url, session, me)

    async def get(self, path: str) -> dict[str, Any] | None:
        """The JSON object of an address under `/api/v1`; None for 404."""
        async with self._session.get(f"{self.url}/api/v1{path}") as answer:
            if answer.status == 404:
                return None
            if answer.status != 200:
                raise VoiceHitlError(f"GET {path}: HTTP {answer.status} {await answer.text()}")
            found: dict[str, Any] = await answer.json()
            return found

    @asynccontextmanager
    async def console(self) -> AsyncIterator[ConsoleSocket]:
        """Open a console window."""
        async with self._session.ws_connect(f"{self.url}/ws/console", heartbeat=15.0) as socket:
            yield ConsoleSocket(socket)

    @asynccontextmanager
    async def audio(
        self, call_id: str, epoch: int
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Open the audio of a call; raises `aiohttp.ClientError` when it is not ours any more."""
        address = f"{self.url}/ws/audio/{call_id}?epoch={epoch}"
        async with self._session.ws_connect(
            address, compress=0, max_msg_size=AUDIO_MESSAGE_LIMIT
        ) as socket:
            yield socket


class ConsoleSocket:
    """An open console window: messages in, commands out."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, message: wire.WireModel) -> None:
        """Send a command; nothing happens when the server has gone."""
        if not self._socket.closed:
            await self._socket.send_str(message.model_dump_json())

    async def messages(self) -> AsyncIterator[wire.ServerMessage]:
        """All messages until the window closes; raises `VoiceHitlError` for one that is not understood."""
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            try:
                yield wire.server_message.validate_json(message.data)
            except ValidationError as error:
                raise VoiceHitlError(f"console message not understood: {error}") from error
