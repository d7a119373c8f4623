"""The bench's callers against a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

from voice_hitl.audio.vad import SileroVad
from voice_hitl.call.line import LoopbackLine
from voice_hitl.call.ticker import Ticker
from voice_hitl.call.vad_service import VadService
from voice_hitl.clock import Clock
from voice_hitl.server.media import media_socket
from voice_hitl.server.twilio import MEDIA_PATH, TwilioGate
from voice_hitl.simulate.bench_caller import run_callers, talk
from voice_hitl.telephony.tokens import TokenStore


@asynccontextmanager
async def loopback(*, accepting: bool = True) -> AsyncIterator[str]:
    clock = Clock.of_running_loop()
    ticker, tokens = Ticker(), TokenStore()
    vad = VadService(ticker, SileroVad())
    gate = TwilioGate(
        tokens=tokens,
        clock=clock.now,
        parameters=lambda form: {},
        accepting=lambda: accepting,
        unserved=lambda call_sid: False,
        on_status=lambda status: None,
    )

    async def media(request: web.Request) -> web.StreamResponse:
        return await media_socket(request, lambda: LoopbackLine(tokens, vad, ticker, clock, set()))

    app = web.Application()
    app.router.add_post("/twilio/voice", gate.voice)
    app.router.add_get(MEDIA_PATH, media)
    async with asyncio.TaskGroup() as tasks, TestServer(app) as server:
        running = tasks.create_task(ticker.run())
        yield str(server.make_url("/")).rstrip("/")
        running.cancel()


async def test_every_frame_comes_back_and_is_timed() -> None:
    sound = bytes(range(1, 255)) * 100
    async with loopback() as url:
        results = await run_callers(url, [talk(sound, offset) for offset in (0, 7, 30)], 0.5)
    for result in results:
        assert result.error == ""
        assert result.sent >= 20
        assert result.received == len(result.lateness) >= result.sent - 2
        assert len(result.send_lateness) == result.sent
        assert all(late > -0.002 for late in result.lateness)


def test_a_sound_is_repeated_frame_by_frame() -> None:
    frames = talk(b"\x01" * 160 + b"\x02" * 160 + b"\x03" * 100, 1)
    assert [next(frames)[0] for _ in range(4)] == [2, 1, 2, 1]
