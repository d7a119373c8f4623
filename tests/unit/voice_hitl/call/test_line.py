from __future__ import annotations

import asyncio
from binascii import a2b_base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
import pytest

from tests.support import virtual
from tests.support.world import World, a_world
from voice_hitl.audio import g711
from voice_hitl.call.line import CALLER, CallerLine, LoopbackLine
from voice_hitl.call.ticker import Ticker
from voice_hitl.call.vad_service import VadService
from voice_hitl.clock import Clock
from voice_hitl.errors import TelephonyError
from voice_hitl.telephony.emulator import Carrier, Playback
from voice_hitl.telephony.media_stream import Media, MediaStream, Started
from voice_hitl.telephony.tokens import TokenStore
from voice_hitl.telephony.twiml import TOKEN_PARAMETER


@dataclass
class Connection:
    """The carrier's end of a line."""

    stream: MediaStream = field(default_factory=MediaStream)
    sent: list[str] = field(default_factory=list)
    closes: int = 0

    def __post_init__(self) -> None:
        carrier = Carrier(
            stream_sid="MZ1",
            call_sid="CA1",
            account_sid="AC1",
            parameters={},
            playback=Playback(0.0),
        )
        for message in carrier.opening():
            self.stream.receive(message)

    def send(self, text: str) -> None:
        self.sent.append(text)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.closes += 1

    @property
    def frames(self) -> list[str]:
        messages = [orjson.loads(text) for text in self.sent]
        return [m["media"]["payload"] for m in messages if m["event"] == "media"]


def started(token: str, call_sid: str = "CA1", **parameters: str) -> Started:
    return Started("MZ1", call_sid, "AC1", {TOKEN_PARAMETER: token, **parameters}, ("inbound",))


def admitted(world: World, call_sid: str = "CA1", **parameters: str) -> CallerLine:
    line = CallerLine(world.line_parts)
    token = world.tokens.issue(call_sid, world.now())
    line.on_started(started(token, call_sid, **parameters), Connection())
    return line


@asynccontextmanager
async def a_server() -> AsyncIterator[World]:
    """A world whose services have come up."""
    async with a_world() as world:
        await world.passes(0.01)
        yield world


def test_a_stream_with_its_token_becomes_a_call() -> None:
    async def main() -> None:
        async with a_server() as world:
            line = admitted(world, **{CALLER: "+15550123", "department": "cards"})
            runner = world.calls.get("CA1")
            assert runner is not None
            assert runner.book.started.caller == "+15550123"
            assert (runner.book.started.pack, runner.book.started.language) == ("test", "en")
            line.on_stopped()

    virtual.run(main())


def test_a_caller_without_a_number_is_unknown() -> None:
    async def main() -> None:
        async with a_server() as world:
            line = admitted(world)
            runner = world.calls.get("CA1")
            assert runner is not None
            assert runner.book.started.caller == "unknown"
            line.closed()

    virtual.run(main())


@pytest.mark.parametrize("which", ["none", "made up", "of another call", "used", "too old"])
def test_a_stream_without_its_own_fresh_token_starts_nothing(which: str) -> None:
    async def main() -> None:
        async with a_server() as world:
            token = world.tokens.issue("CA1", world.now())
            call_sid = "CA1"
            if which in ("none", "made up"):
                token = "" if which == "none" else "x" * 32
            elif which == "of another call":
                call_sid = "CA2"
            elif which == "used":
                assert world.tokens.redeem(token, "CA1", world.now())
            else:
                await world.passes(61.0)
            line = CallerLine(world.line_parts)
            with pytest.raises(TelephonyError, match="no valid token"):
                line.on_started(started(token, call_sid), Connection())
            assert len(world.calls) == 0
            line.on_media(Media(g711.SILENT_FRAME, 0, 1, 1))
            line.closed()
        assert await world.store.calls() == []

    virtual.run(main())


def test_a_stream_beyond_capacity_is_refused_and_leaves_no_trace() -> None:
    async def main() -> None:
        async with a_server() as world:
            lines = [admitted(world, f"CA{n}") for n in range(3)]
            token = world.tokens.issue("CA9", world.now())
            with pytest.raises(TelephonyError, match="no room"):
                CallerLine(world.line_parts).on_started(started(token, "CA9"), Connection())
            for line in lines:
                line.closed()
        assert len(await world.store.calls()) == 3

    virtual.run(main())


def test_what_comes_before_the_start_and_after_the_end_means_nothing() -> None:
    async def main() -> None:
        async with a_server() as world:
            line = CallerLine(world.line_parts)
            line.on_media(Media(g711.SILENT_FRAME, 0, 1, 1))
            line.on_mark("0.1")
            line.on_dtmf("1")
            line.closed()
            line = admitted(world)
            await world.passes(0.1)
            line.on_stopped()
            line.closed()
            line.on_dtmf("0")
            line.on_media(Media(g711.SILENT_FRAME, 0, 1, 1))
            line.on_mark("0.1")
        (call,) = await world.store.calls()
        assert call.outcome == "abandoned"
        assert world.screen.decisions == []

    virtual.run(main())


def test_a_line_that_breaks_fails_its_call_towards_the_fallback() -> None:
    async def main() -> None:
        async with a_server() as world:
            broken, other = admitted(world, "CA1"), admitted(world, "CA2")
            await world.passes(0.1)
            broken.closed(RuntimeError("a bug in the reader"))
            broken.closed()
            await world.passes(0.1)
            assert world.calls.unserved("CA1")
            assert world.calls.get("CA2") is not None
            other.closed()
            await world.passes(0.1)
            assert not world.calls.unserved("CA2")
        assert world.screen.ended == {"CA1": "failed", "CA2": "abandoned"}

    virtual.run(main())


def test_a_key_reaches_the_call() -> None:
    async def main() -> None:
        async with a_server() as world:
            line = admitted(world)
            line.on_dtmf("5")
            await world.until(
                lambda: any("pressed •" in x.text for x in world.calls.lines("CA1")), within=1.0
            )
            line.closed()

    virtual.run(main())


def test_the_call_ends_the_stream_when_it_is_over() -> None:
    async def main() -> None:
        async with a_server() as world:
            connection = Connection()
            line = CallerLine(world.line_parts)
            token = world.tokens.issue("CA1", world.now())
            line.on_started(started(token), connection)
            await world.passes(1.0)
            assert connection.frames
            assert connection.closes == 0
            line.on_stopped()
            await world.until(lambda: world.calls.get("CA1") is None)
            assert connection.closes == 1
            sent = len(connection.sent)
            await world.passes(1.0)
            assert len(connection.sent) == sent

    virtual.run(main())


# --- loopback ---


@dataclass
class Echo:
    tokens: TokenStore
    ticker: Ticker
    line: LoopbackLine
    live: set[LoopbackLine]
    connection: Connection
    now: Callable[[], float]

    def starts(self) -> None:
        self.line.on_started(started(self.tokens.issue("CA1", self.now())), self.connection)


@asynccontextmanager
async def an_echo() -> AsyncIterator[Echo]:
    clock, tokens, ticker = Clock(epoch=0.0), TokenStore(), Ticker()
    live: set[LoopbackLine] = set()
    line = LoopbackLine(tokens, VadService(ticker), ticker, clock, live)
    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(ticker.run())
        yield Echo(tokens, ticker, line, live, Connection(), clock.now)
        ticking.cancel()


def test_a_loopback_caller_hears_every_frame_again() -> None:
    async def main() -> None:
        async with an_echo() as echo:
            echo.starts()
            frames = [bytes([number]) * 160 for number in range(50)]
            for number, frame in enumerate(frames):
                echo.line.on_media(Media(frame, number * 20, number + 1, number + 1))
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.2)
            payload = [a2b_base64(text) for text in echo.connection.frames]
            assert payload == frames
            assert echo.live == {echo.line}
            echo.line.on_mark("0.1")
            echo.line.on_dtmf("1")
            echo.line.on_stopped()
            assert echo.live == set()
            echo.line.closed()
            echo.line.on_media(Media(frames[0], 1000, 51, 51))
            await asyncio.sleep(0.2)
            assert len(echo.connection.frames) == 50

    virtual.run(main())


def test_a_loopback_stream_needs_its_token_too() -> None:
    async def main() -> None:
        async with an_echo() as echo:
            with pytest.raises(TelephonyError, match="no valid token"):
                echo.line.on_started(started("made up"), echo.connection)
            assert echo.live == set()
            echo.line.on_media(Media(g711.SILENT_FRAME, 0, 1, 1))
            echo.line.closed()
            await asyncio.sleep(0.1)
            assert echo.connection.sent == []

    virtual.run(main())
