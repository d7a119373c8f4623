"""The composition root: real servers in this process, on free ports, with real callers and consoles."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import shutil
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import aiohttp
import orjson
import psutil
import pytest
import structlog

from handoff.errors import StorageError
from handoff.ports import CallRecord, SessionRecord
from handoff.storage import SqlStore
from voice_hitl.agent.pack import SHIPPED, load_pack
from voice_hitl.app import (
    COLLECTOR,
    Server,
    open_loopback,
    open_server,
    run_server,
)
from voice_hitl.config import DATABASE, Config
from voice_hitl.data_folder import SERVER_FILE
from voice_hitl.errors import ConfigError, PackError
from voice_hitl.server import wire
from voice_hitl.telephony.emulator import Carrier, Playback

SCRIPTED = "tests.support.scripted:ScriptedAgent"
TWIN = "tests.support.scripted:TwinAgent"


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Neither this machine's configuration nor its environment has a say; the log is left as it was."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("VOICE_HITL_")]:
        monkeypatch.delenv(name)
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config.model_validate(
        {
            "data_dir": tmp_path / "data",
            "server": {"port": 0},
            "agent": {"agent": SCRIPTED},
            "speech": {"recognizer": "sphinx", "workers": 1},
            "log": {"level": "error", "format": "json"},
        }
    )


def changed(config: Config, **sections: dict[str, Any]) -> Config:
    """The configuration with some values of some sections changed."""
    updates = {
        name: getattr(config, name).model_copy(update=values) for name, values in sections.items()
    }
    return config.model_copy(update=updates)


def lone(caught: pytest.ExceptionInfo[BaseException]) -> BaseException:
    """What is wrong, out of the groups that task groups wrap it in."""
    error: BaseException = caught.value
    while isinstance(error, BaseExceptionGroup):
        (error,) = error.exceptions
    return error


class Phone:
    """A caller: Twilio's side of one call against a real port, in real time."""

    def __init__(self, session: aiohttp.ClientSession, port: int, call_sid: str = "CA1") -> None:
        self.carrier: Carrier
        self.close_code: int | None = None
        self._session = session
        self._base = f"http://127.0.0.1:{port}"
        self._sid = call_sid
        self._socket: aiohttp.ClientWebSocketResponse

    async def dials(self) -> None:
        form = {"CallSid": self._sid, "From": "+15550100", "CallStatus": "in-progress"}
        async with self._session.post(f"{self._base}/twilio/voice", data=form) as answer:
            assert answer.status == 200
            stream = ElementTree.fromstring(await answer.text()).find("Connect/Stream")
        assert stream is not None
        parameters = {p.get("name", ""): p.get("value", "") for p in stream.findall("Parameter")}
        now = asyncio.get_running_loop().time()
        self.carrier = Carrier(
            stream_sid="MZ1",
            call_sid=self._sid,
            account_sid="AC1",
            parameters=parameters,
            playback=Playback(now),
        )
        self._socket = await self._session.ws_connect(stream.get("url", ""))
        for message in self.carrier.opening():
            await self._socket.send_str(message)

    async def talks(self, frames: list[bytes]) -> None:
        """Send frames at 20 ms each, obeying what comes meanwhile."""
        for frame in frames:
            await self._socket.send_str(self.carrier.media(frame))
            await self._listens(0.02)

    async def until(self, happened: Callable[[], bool], within: float = 15.0) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while not happened():
            assert loop.time() < end, "it did not happen in time"
            await self.talks([b"\xff" * 160])

    async def presses(self, digit: str) -> None:
        await self._socket.send_str(self.carrier.dtmf(digit))

    async def hangs_up(self) -> None:
        await self._socket.send_str(self.carrier.stop())
        await self._socket.close()

    @property
    def closed(self) -> bool:
        return self.close_code is not None

    async def _listens(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        for message in self.carrier.due(loop.time()):
            await self._socket.send_str(message)
        while (left := end - loop.time()) > 0:
            try:
                received = await self._socket.receive(timeout=left)
            except TimeoutError:
                return
            if received.type is not aiohttp.WSMsgType.TEXT:
                self.close_code = self._socket.close_code
                return
            for message in self.carrier.receive(received.data, loop.time()):
                await self._socket.send_str(message)


@asynccontextmanager
async def a_server(config: Config) -> AsyncIterator[Server]:
    async with AsyncExitStack() as stack:
        yield await open_server(config, stack)


# --- loopback ---


async def test_a_loopback_caller_hears_every_frame_again(config: Config) -> None:
    file = config.data_dir / SERVER_FILE
    async with AsyncExitStack() as stack, aiohttp.ClientSession() as session:
        port = await open_loopback(config, stack)
        said = orjson.loads(file.read_bytes())
        assert (said["port"], said["pid"]) == (port, psutil.Process().pid)
        base = f"http://127.0.0.1:{port}"
        for path, status in (("/healthz", 200), ("/readyz", 200), ("/", 404), ("/metrics", 404)):
            assert (await session.get(base + path)).status == status
        phone = Phone(session, port)
        await phone.dials()
        frames = [bytes([number + 1]) * 160 for number in range(20)]
        await phone.talks(frames)
        ready = await (await session.get(base + "/readyz")).json()
        assert ready == {"ready": True, "calls": 1}
        await phone.until(lambda: phone.carrier.playback.received >= 20 * 160)
        heard = b"".join(audio for _, audio in phone.carrier.playback.audio())
        assert heard.startswith(b"".join(frames))
        assert phone.carrier.faults == []
        await phone.hangs_up()
    assert not file.exists()


async def test_a_stream_that_nobody_announced_is_refused(config: Config) -> None:
    async with AsyncExitStack() as stack, aiohttp.ClientSession() as session:
        port = await open_loopback(config, stack)
        carrier = Carrier(
            stream_sid="MZ1",
            call_sid="CA1",
            account_sid="AC1",
            parameters={"token": "made-up"},
            playback=Playback(0.0),
        )
        async with session.ws_connect(f"http://127.0.0.1:{port}/twilio/media") as stream:
            for message in carrier.opening():
                await stream.send_str(message)
            closed = await stream.receive(timeout=5.0)
            assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 1008)


def test_a_port_that_is_taken_is_said_in_one_line(config: Config) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as caught:
            run_server(changed(config, server={"port": port}), loopback=True)
    assert f"cannot listen on 127.0.0.1:{port}" in str(caught.value)
    assert "--port" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (config.data_dir / SERVER_FILE).exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_and_nothing_remains(config: Config, number: int) -> None:
    file = config.data_dir / SERVER_FILE

    def stop() -> None:
        while not file.exists():  # its handlers are there before its file is
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    stopper = threading.Thread(target=stop, daemon=True)
    stopper.start()
    thresholds = gc.get_threshold()
    try:
        run_server(config, loopback=True)
        assert gc.get_freeze_count() > 0, "what start-up made is not looked at again"
        assert gc.get_threshold() == COLLECTOR
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
    stopper.join(timeout=5.0)
    assert not file.exists()


# --- the whole server ---


async def sign_in(session: aiohttp.ClientSession, base: str, server: Server) -> None:
    await server.accounts.add("ana", "correct horse", 0.0)
    body = {"name": "ana", "password": "correct horse"}
    assert (await session.post(f"{base}/api/v1/session", json=body)).status == 200


async def told(socket: aiohttp.ClientWebSocketResponse, kind: type[wire.WireModel]) -> Any:
    """The console's next message of a kind."""
    while True:
        message = wire.server_message.validate_json(await socket.receive_str(timeout=10.0))
        if isinstance(message, kind):
            return message


async def test_a_call_goes_from_the_first_word_to_a_person_and_into_the_store(
    config: Config,
) -> None:
    before = set(psutil.Process().children(recursive=True))
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session, a_server(config) as server:
        base = f"http://127.0.0.1:{server.port}"
        assert orjson.loads((config.data_dir / SERVER_FILE).read_bytes())["port"] == server.port
        page = await session.get(base + "/")
        assert (page.status, page.content_type) == (200, "text/html")
        await sign_in(session, base, server)
        console = await session.ws_connect(f"{base}/ws/console")
        hello = await told(console, wire.Hello)
        assert hello.me.name == "ana"
        assert hello.guidelines == load_pack("banking").guidelines
        await console.send_str(wire.SetPresence(presence="available").model_dump_json())

        phone = Phone(session, server.port)
        await phone.dials()
        await phone.until(lambda: bool(phone.carrier.playback.bursts))  # the greeting
        ready = await (await session.get(base + "/readyz")).json()
        assert ready == {"ready": True, "calls": 1}
        await phone.presses("0")
        offer = (await told(console, wire.Offered)).offer
        assert (offer.caller, offer.brief.reasons[0].code) == ("+15550100", "digit_zero")
        await console.send_str(wire.Accept(offer_id=offer.offer_id).model_dump_json())
        bridge = await told(console, wire.Bridged)
        audio = await session.ws_connect(f"{base}/ws/audio/{bridge.call_id}?epoch={bridge.epoch}")
        await phone.talks([bytes([0x20, 0xA0]) * 80] * 10)
        assert len(await audio.receive_bytes(timeout=5.0)) == 324
        await audio.send_bytes(bytes(324))
        ending = wire.EndCall(call_id=bridge.call_id, epoch=bridge.epoch)
        await console.send_str(ending.model_dump_json())
        assert (await told(console, wire.CallGone)).outcome == "handed_off"
        await phone.until(lambda: phone.closed)
        await audio.close()

        await server.journal.flush()
        detail = await (await session.get(f"{base}/api/v1/calls/CA1")).json()
        assert detail["call"]["outcome"] == "handed_off"
        assert detail["handoffs"][0]["bridged_at"] is not None
        figures = await (await session.get(base + "/metrics")).text()
        assert 'voice_hitl_calls_total{outcome="handed_off"} 1.0' in figures
        assert "voice_hitl_live_calls 0.0" in figures
        assert re.search(r"^voice_hitl_long_run_wait_seconds [0-9.+Inf]+$", figures, re.MULTILINE)
        assert phone.carrier.faults == []
        await console.close()
    assert not (config.data_dir / SERVER_FILE).exists()
    assert set(psutil.Process().children(recursive=True)) <= before, "it left processes"


async def test_what_an_earlier_run_left_open_is_closed_at_start(config: Config) -> None:
    config.data_dir.mkdir()
    store = await SqlStore.open(f"sqlite:///{(config.data_dir / DATABASE).resolve()}")
    await store.save([CallRecord("CA9", "+15550100", "banking", "en", started_at=1.0)])
    await store.save([SessionRecord("old", "op_ana", 1.0), SessionRecord("new", "op_ana", 1e11)])
    await store.aclose()
    async with a_server(config) as server:
        assert await server.store.session("old") is None, "an expired sign-in is forgotten"
        assert await server.store.session("new") is not None
        call = await server.store.call("CA9")
        assert call is not None
        assert (call.outcome, call.reason) == ("failed", "server_stopped")


async def test_a_second_server_on_the_same_folder_touches_nothing(config: Config) -> None:
    async with a_server(config) as server:
        await server.store.save([CallRecord("CA1", "+15550100", "banking", "en", started_at=1.0)])
        with pytest.raises(StorageError, match="another server is running"):
            async with a_server(config):
                pass
        with pytest.raises(StorageError, match="another server is running"):
            async with AsyncExitStack() as stack:
                await open_loopback(config, stack)
        call = await server.store.call("CA1")
        assert call is not None
        assert call.outcome is None
        assert orjson.loads((config.data_dir / SERVER_FILE).read_bytes())["port"] == server.port


async def test_a_server_with_a_ladder_shows_how_each_agent_does(
    config: Config, tmp_path: Path
) -> None:
    pack = tmp_path / "mine"
    shutil.copytree(SHIPPED / "banking", pack, ignore=shutil.ignore_patterns("scenarios"))
    with (pack / "policy.yaml").open("a", encoding="utf-8") as policy:
        policy.write("\nladder: {rungs: [{name: TwinAgent}]}\n")
    made = changed(config, agent={"pack": str(pack), "agent": None, "ladder": (TWIN,)})
    async with a_server(made) as server, aiohttp.ClientSession() as session:
        phone = Phone(session, server.port)
        await phone.dials()
        await phone.until(lambda: phone.carrier.playback.received > 0)
        await phone.presses("1")
        page = f"http://127.0.0.1:{server.port}/metrics"
        asked = 'voice_hitl_ladder_turns_total{outcome="asked",rung="TwinAgent"} 1.0'
        async with asyncio.timeout(10):
            while asked not in await (await session.get(page)).text():
                await phone.talks([b"\xff" * 160])
        await phone.hangs_up()


async def test_a_server_that_cannot_start_leaves_nothing_running(config: Config) -> None:
    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(BaseExceptionGroup) as caught:
        async with a_server(changed(config, agent={"agent": "nowhere:Agent"})):
            pass
    assert isinstance(lone(caught), ConfigError)
    assert set(psutil.Process().children(recursive=True)) <= before
    assert not (config.data_dir / SERVER_FILE).exists()


async def test_a_pack_that_is_not_there_is_said_before_anything_starts(config: Config) -> None:
    with pytest.raises(PackError, match="no pack 'nowhere'"):
        async with a_server(changed(config, agent={"pack": "nowhere"})):
            pass
    assert not config.data_dir.exists()
