"""Many callers in one process for measurements: real frames at real time, as little work as possible.

Unlike `simulate.caller` these callers only talk; they look at nothing but when their own frames come back.
"""

from __future__ import annotations

import asyncio
import random
import xml.etree.ElementTree as ET
from base64 import b64encode
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import aiohttp
import orjson
from websockets.frames import Frame, Opcode

from voice_hitl.audio.g711 import FRAME, FRAME_SECONDS

_MARK = b'"payload":"'
_GREETING = 1.0  # seconds over which the callers' first frames are spread


@dataclass(slots=True)
class CallerResult:
    """One caller's figures; `lateness` and `send_lateness` in seconds, one a frame.

    `lateness`: when a frame came back, less its place on the absolute 20 ms grid it was sent by.
    `send_lateness`: when it was really sent, less that place: the measuring side's own fault.
    """

    sent: int = 0
    received: int = 0
    lateness: list[float] = field(default_factory=list)
    send_lateness: list[float] = field(default_factory=list)
    error: str = ""


class EchoCaller(asyncio.Protocol):
    """Sends frames on its grid and times their echo."""

    def __init__(
        self, host: str, path: str, call_sid: str, token: str, frames: Iterator[bytes]
    ) -> None:
        self.result = CallerResult()
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._loop = asyncio.get_running_loop()
        self._host, self._path = host, path
        self._call_sid, self._token = call_sid, token
        self._stream_sid = "MZ" + call_sid[2:]
        self._frames = frames
        self._transport: asyncio.Transport | None = None
        self._start = 0.0
        self._pending = b""
        self._upgraded = False
        self._stopping = False
        self._timer: asyncio.TimerHandle | None = None
        self._expected: deque[tuple[bytes, float]] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {b64encode(random.randbytes(16)).decode()}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """The handshake's answer, then echoes."""
        now = self._loop.time()
        data = self._pending + data
        if not self._upgraded:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._pending = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._fail(f"no upgrade: {head.splitlines()[0].decode(errors='replace')}")
                return
            self._upgraded = True
            self._begin(now)
        position = 0
        while (end_of_frame := _frame_end(data, position)) is not None:
            self._message(data, position, end_of_frame, now)
            position = end_of_frame
        self._pending = data[position:]

    def connection_lost(self, exc: Exception | None) -> None:
        """The server closed."""
        if self._timer is not None:
            self._timer.cancel()
        if not self._stopping and not self.result.error:
            self.result.error = f"the server closed the stream ({exc})"
        if not self.gone.done():
            self.gone.set_result(None)

    def stop(self) -> None:
        """Hang up."""
        if self._stopping or self._transport is None:
            return
        self._stopping = True
        if self._timer is not None:
            self._timer.cancel()
        self._write({"event": "stop", "streamSid": self._stream_sid})
        self._transport.write(Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=True))

    def _begin(self, now: float) -> None:
        self._write({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        self._write(
            {
                "event": "start",
                "streamSid": self._stream_sid,
                "start": {
                    "streamSid": self._stream_sid,
                    "callSid": self._call_sid,
                    "accountSid": "AC" + "0" * 32,
                    "tracks": ["inbound"],
                    "customParameters": {"token": self._token},
                    "mediaFormat": {
                        "encoding": "audio/x-mulaw",
                        "sampleRate": 8000,
                        "channels": 1,
                    },
                },
            }
        )
        self._start = now + random.random() * _GREETING
        self._timer = self._loop.call_at(self._start, self._send)

    def _send(self) -> None:
        """One frame, and the timer of the next on the absolute grid."""
        result = self.result
        due = self._start + result.sent * FRAME_SECONDS
        result.send_lateness.append(self._loop.time() - due)
        payload = b64encode(next(self._frames))
        number = result.sent + 1
        message = (
            f'{{"event":"media","sequenceNumber":"{number + 1}","media":{{"track":"inbound",'
            f'"chunk":"{number}","timestamp":"{20 * (number - 1)}","payload":"{payload.decode()}"}},'
            f'"streamSid":"{self._stream_sid}"}}'
        )
        self._expected.append((payload, due))
        assert self._transport is not None
        self._transport.write(Frame(Opcode.TEXT, message.encode()).serialize(mask=True))
        result.sent = number
        self._timer = self._loop.call_at(self._start + number * FRAME_SECONDS, self._send)

    def _message(self, data: bytes, start: int, end: int, now: float) -> None:
        """Match an echo with the frame that caused it; frames that the server dropped are skipped."""
        if (data[start] & 0xF) == Opcode.PING:
            assert self._transport is not None
            self._transport.write(Frame(Opcode.PONG, b"").serialize(mask=True))
            return
        at = data.find(_MARK, start, end)
        if at < 0:
            return
        at += len(_MARK)
        payload = data[at : data.index(b'"', at, end)]
        while self._expected:
            expected, due = self._expected.popleft()
            if expected == payload:
                self.result.received += 1
                self.result.lateness.append(now - due)
                return

    def _write(self, message: dict[str, object]) -> None:
        assert self._transport is not None
        self._transport.write(Frame(Opcode.TEXT, orjson.dumps(message)).serialize(mask=True))

    def _fail(self, why: str) -> None:
        self.result.error = why
        if self._transport is not None:
            self._transport.abort()


def _frame_end(data: bytes, position: int) -> int | None:
    """Where a server's frame (unmasked, below 64 KiB) ends, or None when it is not whole."""
    available = len(data) - position
    if available < 2:
        return None
    length = data[position + 1] & 0x7F
    head = 2
    if length == 126:
        if available < 4:
            return None
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        head = 4
    return position + head + length if available >= head + length else None


async def place_call(
    session: aiohttp.ClientSession, base_url: str, frames: Iterator[bytes]
) -> EchoCaller:
    """Do what Twilio does for a new call, up to the open stream.

    Raises `aiohttp.ClientError` or `OSError` when the server cannot be reached.
    """
    call_sid = "CA" + random.randbytes(16).hex()
    form = {"CallSid": call_sid, "From": "+15550100", "To": "+15550199", "CallStatus": "ringing"}
    async with session.post(f"{base_url}/twilio/voice", data=form) as answer:
        answer.raise_for_status()
        twiml = ET.fromstring(await answer.text())
    stream = twiml.find("./Connect/Stream")
    if stream is None:
        raise aiohttp.ClientError("the server's TwiML has no stream: it refuses the call")
    token = next((p.get("value", "") for p in stream if p.get("name") == "token"), "")
    url = urlsplit(stream.get("url", ""))
    host, port = url.hostname or "127.0.0.1", url.port or 80
    _, caller = await asyncio.get_running_loop().create_connection(
        lambda: EchoCaller(f"{host}:{port}", url.path, call_sid, token, frames), host, port
    )
    return caller


async def run_callers(
    base_url: str, sources: list[Iterator[bytes]], seconds: float
) -> list[CallerResult]:
    """Let one caller a source talk for `seconds`, then hang up; sources yield `FRAME` bytes forever."""
    async with aiohttp.ClientSession() as session:
        callers = [await place_call(session, base_url, source) for source in sources]
    await asyncio.sleep(seconds + _GREETING)
    for caller in callers:
        caller.stop()
    await asyncio.wait([caller.gone for caller in callers], timeout=5.0)
    for caller in callers:
        if not caller.result.received and not caller.result.error:
            caller.result.error = "no frame came back"
    return [caller.result for caller in callers]


def talk(sound: bytes, offset: int) -> Iterator[bytes]:
    """The sound's frames over and over, beginning at a frame of its own."""
    frames = [sound[at : at + FRAME] for at in range(0, len(sound) - FRAME + 1, FRAME)]
    position = offset % len(frames)
    while True:
        yield frames[position]
        position = (position + 1) % len(frames)
