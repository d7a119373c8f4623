"""A small real server that talks, and voices that need no synthesizer."""

from __future__ import annotations

import asyncio
import audioop
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
import yaml
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from voice_hitl.server.twilio import AFTER_PATH, MEDIA_PATH, CallStatus, TwilioGate
from voice_hitl.simulate.caller import SimulatedCaller
from voice_hitl.simulate.loading import load_scenario
from voice_hitl.simulate.record import CallRecord
from voice_hitl.simulate.scenario import Scenario
from voice_hitl.simulate.script import ServerView
from voice_hitl.simulate.ticker import Ticker
from voice_hitl.simulate.wav import write_mono
from voice_hitl.simulate.webhook import STATUS_PATH, VOICE_PATH, Target
from voice_hitl.telephony.emulator import is_audible
from voice_hitl.telephony.media_stream import Dtmf, Mark, Media, MediaStream, Started, Stopped
from voice_hitl.telephony.tokens import TokenStore
from voice_hitl.telephony.twiml import Fallback

SPEED = 6.0  # simulated seconds a real second; the server here keeps no time
Voice = Callable[..., bytes]


def speak(seconds: float, seed: int = 0, *, lead: float = 0.0, trail: float = 0.0) -> bytes:
    """Mu-law sound with the make-up of speech: harmonics of a gliding pitch, syllables, no two alike."""
    rng = np.random.default_rng(seed)
    n = int(seconds * 8000)
    t = np.arange(n) / 8000
    steps = int(seconds * 5) + 2
    place = np.linspace(0, steps - 1, n)
    pitch = np.interp(place, np.arange(steps), rng.uniform(90, 220, steps))
    phase = 2 * np.pi * np.cumsum(pitch) / 8000
    sound = np.zeros(n)
    for harmonic in range(1, 12):
        weight = np.interp(place, np.arange(steps), rng.uniform(0, 1, steps) / harmonic)
        sound += weight * np.sin(harmonic * phase + rng.uniform(0, 6))
    sound *= 4000 * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))
    pcm = np.clip(sound, -32000, 32000).astype(np.int16).tobytes()
    quiet = (b"\xff" * int(lead * 8000), b"\xff" * int(trail * 8000))
    return quiet[0] + audioop.lin2ulaw(pcm, 2) + quiet[1]


@dataclass
class Talker:
    """A server's side of calls: greets, answers each time the caller falls silent, ends when told.

    It goes by the audio it gets and never by a clock, so it keeps up with callers of any speed.
    """

    greeting: bytes = field(default_factory=lambda: speak(0.6, seed=100))
    answers: list[bytes] = field(default_factory=lambda: [speak(0.6, seed=101)])
    barge_in: bool = False
    close_after: int | None = None  # answers after which it ends the call
    refuse_upgrade: bool = False
    crash_at_frame: int | None = None
    raw: list[str] = field(default_factory=list)  # sent as it is, right after the start
    accepting: bool = True
    unserved: bool = False
    public_url: str | None = None
    auth_token: str | None = None

    heard: bytes = b""
    timestamps: list[int] = field(default_factory=list)
    digits: str = ""
    marks: list[str] = field(default_factory=list)
    parameters: Mapping[str, str] = field(default_factory=dict)
    stopped: int = 0
    forms: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    statuses: list[CallStatus] = field(default_factory=list)
    open_streams: int = 0
    all_gone: asyncio.Event = field(default_factory=asyncio.Event)

    def gate(self) -> TwilioGate:
        return TwilioGate(
            tokens=TokenStore(),
            clock=asyncio.get_running_loop().time,
            public_url=self.public_url,
            auth_token=self.auth_token,
            announcement="Hello.",
            fallback=Fallback("Sorry.", "+15550123"),
            parameters=lambda form: {"caller": form["From"]},
            accepting=lambda: self.accepting,
            unserved=lambda _: self.unserved,
            on_status=self.statuses.append,
        )

    async def media(self, gate: TwilioGate, request: web.Request) -> web.StreamResponse:
        refusal = gate.check_upgrade(request)
        if self.refuse_upgrade:
            refusal = web.Response(status=503, text="no room\n")
        if refusal is not None:
            return refusal
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.open_streams += 1
        try:
            await self._talk(gate, request, socket)
        finally:
            self.open_streams -= 1
            if not self.open_streams:
                self.all_gone.set()
        return socket

    async def _talk(
        self, gate: TwilioGate, request: web.Request, socket: web.WebSocketResponse
    ) -> None:
        stream, answered, frames, silent, spoke = MediaStream(), 0, 0, 0, False
        pending: set[str] = set()

        async def say(name: str, audio: bytes) -> None:
            for start in range(0, len(audio), 160):
                await socket.send_str(stream.encode_media(audio[start : start + 160]))
            pending.add(name)
            await socket.send_str(stream.encode_mark(name))

        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                return
            for event in stream.receive(message.data):
                match event:
                    case Started():
                        token = event.parameters["token"]
                        assert gate.tokens.redeem(token, event.call_sid, gate.clock())
                        self.parameters = event.parameters
                        for text in self.raw:
                            await socket.send_str(text)
                        await say("greeting", self.greeting)
                    case Media():
                        frames += 1
                        if frames == self.crash_at_frame:
                            assert request.transport is not None
                            request.transport.abort()
                        self.heard += event.payload
                        self.timestamps.append(event.timestamp_ms)
                        audible = is_audible(event.payload)
                        silent = 0 if audible else silent + 1
                        if audible and self.barge_in and pending:
                            await socket.send_str(stream.encode_clear())
                            pending.clear()
                        spoke = spoke or audible
                        if spoke and silent == 10 and answered < len(self.answers):
                            spoke = False
                            answered += 1
                            await say(f"answer {answered}", self.answers[answered - 1])
                    case Mark():
                        self.marks.append(event.name)
                        pending.discard(event.name)
                        if event.name == f"answer {self.close_after}":
                            await socket.close()
                            return
                    case Dtmf():
                        self.digits += event.digit
                    case Stopped():
                        self.stopped += 1

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """The server on a free port; gives its address."""
        gate = self.gate()

        @web.middleware
        async def keep_form(request: web.Request, handler: Any) -> web.StreamResponse:
            if request.method == "POST":
                form = {name: str(value) for name, value in (await request.post()).items()}
                self.forms.append((request.path, form))
            answer: web.StreamResponse = await handler(request)
            return answer

        async def media(request: web.Request) -> web.StreamResponse:
            return await self.media(gate, request)

        app = web.Application(middlewares=[keep_form])
        app.router.add_post(VOICE_PATH, gate.voice)
        app.router.add_post(AFTER_PATH, gate.after)
        app.router.add_post(STATUS_PATH, gate.status)
        app.router.add_get(MEDIA_PATH, media)
        async with TestServer(app) as server:
            yield str(server.make_url("/")).rstrip("/")


MakeTalker = Callable[..., Talker]
MakeScenario = Callable[..., Scenario]
Serving = Callable[[Talker], AbstractAsyncContextManager[str]]


@pytest.fixture
def voice() -> Voice:
    return speak


@pytest.fixture
def talker() -> MakeTalker:
    return Talker


@pytest.fixture
def scenario(tmp_path: Path) -> MakeScenario:
    """Makes a scenario file; `hello.wav` (0.5 s of speech) and `long.wav` (1.5 s) lie beside it."""
    write_mono(tmp_path / "hello.wav", speak(0.5, seed=1, lead=0.1, trail=0.4))
    write_mono(tmp_path / "long.wav", speak(1.5, seed=2, trail=0.2))
    noise = np.random.default_rng(3).normal(0, 500, 8000).astype(np.int16).tobytes()
    write_mono(tmp_path / "noise.wav", audioop.lin2ulaw(noise, 2))

    def make(*steps: Mapping[str, object], **fields: object) -> Scenario:
        values = {
            "name": "test",
            "steps": list(steps),
            "expect": {"outcome": "automated"},
            "linger": 0.6,
            **fields,
        }
        path = tmp_path / f"{values['name']}.yaml"
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
        return load_scenario(path)

    return make


@pytest.fixture
def call() -> Callable[..., Awaitable[CallRecord]]:
    """Makes one call; fields beyond `view` and `record_to` are those of the `Target`."""

    async def make(
        scenario: Scenario,
        url: str,
        *,
        view: ServerView | None = None,
        record_to: Path | None = None,
        **fields: Any,
    ) -> CallRecord:
        ticker = Ticker(rate=SPEED)
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
            beat = tasks.create_task(ticker.run())
            try:
                return await SimulatedCaller(
                    scenario,
                    Target(url, **fields),
                    ticker=ticker,
                    session=session,
                    view=view,
                    record_to=record_to,
                ).run()
            finally:
                beat.cancel()

    return make
