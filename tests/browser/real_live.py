"""A real server process and a caller on its media stream, in the role of a live server."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from xml.etree import ElementTree

import aiohttp
import numpy as np
import orjson
import websockets

from tests.browser.sound import Samples, babble
from voice_hitl.agent.pack import SHIPPED
from voice_hitl.audio import g711
from voice_hitl.demo.host import RunningServer, serving
from voice_hitl.telephony.emulator import Carrier, Playback

CALLER = "+15550101"


class RealLive:
    """See `tests.browser.live.LiveServer`."""

    def __init__(self, server: RunningServer, tasks: asyncio.TaskGroup) -> None:
        self.caller_voice: Samples = babble(seed=3, rate=g711.RATE)
        self._server = server
        self._tasks = tasks
        self._heard = bytearray()
        self._arrived = asyncio.Event()
        self.running: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def setup_url(self) -> str:
        for line in self._server.log.read_text(encoding="utf-8").splitlines():
            url = orjson.loads(line).get("url", "")
            if "/setup?token=" in url:
                return str(url)
        raise AssertionError("the server printed no one-time link")

    async def caller_asks_for_a_person(self) -> str:
        """Call, listen to the greeting for a moment, press 0."""
        if self.running is not None:
            self.running.cancel()
        self._heard.clear()
        self.running = self._tasks.create_task(self._call())
        return CALLER

    async def caller_hears(self, seconds: float) -> Samples:
        start, wanted = len(self._heard), round(seconds * g711.RATE)
        async with asyncio.timeout(seconds + 10):
            while len(self._heard) < start + wanted:
                self._arrived.clear()
                await self._arrived.wait()
        return g711.decode(bytes(self._heard[start : start + wanted]))

    async def _call(self) -> None:
        call_sid = f"CA{secrets.token_hex(16)}"
        form = {"CallSid": call_sid, "From": CALLER}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/twilio/voice", data=form) as answer,
        ):
            stream = ElementTree.fromstring(await answer.text()).find(".//Stream")
        assert stream is not None
        parameters = {p.attrib["name"]: p.attrib["value"] for p in stream.findall("Parameter")}
        loop = asyncio.get_running_loop()
        carrier = Carrier(
            stream_sid="MZ1",
            call_sid=call_sid,
            account_sid="AC1",
            parameters=parameters,
            playback=Playback(loop.time(), keep_audio=False),
        )
        voice = g711.encode(np.ascontiguousarray(self.caller_voice, np.int16))
        async with websockets.connect(stream.attrib["url"], compression=None) as socket:
            for message in carrier.opening():
                await socket.send(message)
            reading = self._tasks.create_task(self._read(socket, carrier))
            start = loop.time()
            try:
                number = 0
                while not reading.done():
                    offset = number * g711.FRAME % (len(voice) - g711.FRAME)
                    talking = number > 150  # three seconds in: a person has been asked for
                    frame = voice[offset : offset + g711.FRAME] if talking else g711.SILENT_FRAME
                    await socket.send(carrier.media(frame))
                    for message in carrier.due(loop.time()):
                        await socket.send(message)
                    if number == 50:
                        await socket.send(carrier.dtmf("0"))
                    number += 1
                    await asyncio.sleep(max(0.0, start + number * 0.02 - loop.time()))
            except websockets.ConnectionClosed:
                pass  # the server ended the call
            finally:
                reading.cancel()

    async def _read(self, socket: websockets.ClientConnection, carrier: Carrier) -> None:
        async for message in socket:
            document = orjson.loads(message)
            if document["event"] == "media":
                self._heard += base64.b64decode(document["media"]["payload"])
                self._arrived.set()
            for answer in carrier.receive(message, asyncio.get_running_loop().time()):
                await socket.send(answer)


@asynccontextmanager
async def a_real_server(folder: Path) -> AsyncIterator[RealLive]:
    """A server with nobody's account yet."""
    async with serving(SHIPPED / "banking", folder) as server, asyncio.TaskGroup() as tasks:
        live = RealLive(server, tasks)
        yield live
        if live.running is not None:
            live.running.cancel()
