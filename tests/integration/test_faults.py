"""A real server process, real callers, real consoles; processes and sockets are really killed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest
import yaml

from handoff.storage import SqlStore
from voice_hitl.agent.pack import SHIPPED
from voice_hitl.config import DATABASE
from voice_hitl.demo.console_client import ConsoleClient, ConsoleSocket
from voice_hitl.demo.host import Account, RunningServer, account, make_accounts, serving
from voice_hitl.server import wire
from voice_hitl.simulate.load import play
from voice_hitl.simulate.loading import load_scenarios
from voice_hitl.simulate.record import CallRecord
from voice_hitl.simulate.scenario import Scenario
from voice_hitl.simulate.webhook import Target

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("server")]

BANKING = SHIPPED / "banking"


def routine() -> Scenario:
    """A shipped caller who stays with the AI."""
    return next(s for s in load_scenarios([BANKING / "scenarios"]) if s.name == "balance")


def presses_zero(folder: Path) -> Scenario:
    """A caller who wants a person and then waits for whatever comes."""
    file = folder / "presses_zero.yaml"
    steps = [{"wait": "agent_speaking"}, {"dtmf": "0"}, {"wait": 60.0}]
    scenario = {
        "name": "presses_zero",
        "description": "Presses 0 and waits.",
        "caller": "+15550101",
        "steps": steps,
        "expect": {"outcome": "handed_off"},
    }
    file.write_text(yaml.safe_dump(scenario), encoding="utf-8")
    (loaded,) = load_scenarios([file])
    return loaded


@dataclass
class World:
    server: RunningServer
    accounts: dict[str, Account]

    def children(self) -> list[psutil.Process]:
        """The server's worker processes."""
        pid = int(_read(self.server.data / "server.json")["pid"])
        return psutil.Process(pid).children(recursive=True)

    async def play(self, scenario: Scenario) -> CallRecord:
        """One caller."""
        (record,) = await play([scenario], Target(self.server.url))
        return record

    @asynccontextmanager
    async def operator(self, name: str) -> AsyncIterator[Desk]:
        """An available operator's open console."""
        async with (
            ConsoleClient.signed_in(self.server.url, self.accounts[name]) as client,
            client.console() as socket,
            asyncio.TaskGroup() as tasks,
        ):
            desk = Desk(client, socket)
            reading = tasks.create_task(desk.read())
            await socket.send(wire.SetPresence(presence="available"))
            await desk.until(
                lambda m: isinstance(m, wire.OperatorChanged) and m.operator.presence == "available"
            )
            yield desk
            reading.cancel()


class Desk:
    """What one console has been told, to wait on."""

    def __init__(self, client: ConsoleClient, socket: ConsoleSocket) -> None:
        self.client = client
        self.socket = socket
        self.seen: list[Any] = []
        self._news = asyncio.Condition()

    async def read(self) -> None:
        async for message in self.socket.messages():
            async with self._news:
                self.seen.append(message)
                self._news.notify_all()

    async def until(self, wanted: Callable[[Any], bool], within: float = 30.0) -> Any:
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(lambda: any(wanted(m) for m in self.seen))
        return next(m for m in self.seen if wanted(m))


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(path.read_bytes())
    return found


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    accounts = {name: account(name) for name in ("ana", "ben")}
    await make_accounts(tmp_path, list(accounts.values()))
    async with serving(BANKING, tmp_path) as server:
        yield World(server, accounts)


async def stored_outcome(desk: Desk, call_id: str) -> str:
    async with asyncio.timeout(10):
        while True:
            detail = await desk.client.get(f"/calls/{call_id}")
            if detail is not None and detail["call"]["outcome"] is not None:
                return str(detail["call"]["outcome"])
            await asyncio.sleep(0.05)


async def test_recognition_killed_in_mid_sentence_costs_the_caller_nothing(world: World) -> None:
    async with world.operator("ana") as ana, asyncio.TaskGroup() as tasks:
        playing = tasks.create_task(world.play(routine()))
        live = (await ana.until(lambda m: isinstance(m, wire.CallChanged))).call
        await ana.socket.send(wire.Watch(call_id=live.call_id))
        await ana.until(
            lambda m: (
                isinstance(m, wire.TranscriptChanged)
                and m.entry.role == "caller"
                and not m.entry.final
            )
        )
        killed = world.children()
        assert killed
        for process in killed:
            process.send_signal(signal.SIGKILL)
        record = await playing
        assert record.ok, record.problems
        assert await stored_outcome(ana, live.call_id) == "automated"
        assert all(not process.is_running() for process in killed)
        assert len(world.children()) == len(killed)


async def test_a_browser_that_dies_in_mid_call_hands_the_caller_to_the_next(
    world: World, tmp_path: Path
) -> None:
    async with world.operator("ben") as ben, asyncio.TaskGroup() as tasks:
        async with world.operator("ana") as ana:
            await ben.socket.send(wire.SetPresence(presence="away"))
            playing = tasks.create_task(world.play(presses_zero(tmp_path)))
            offer = (await ana.until(lambda m: isinstance(m, wire.Offered))).offer
            await ana.socket.send(wire.Accept(offer_id=offer.offer_id))
            bridged = await ana.until(lambda m: isinstance(m, wire.Bridged))
            async with ana.client.audio(bridged.call_id, bridged.epoch) as audio:
                await audio.receive()
                await ben.socket.send(wire.SetPresence(presence="available"))
        again = (await ben.until(lambda m: isinstance(m, wire.Offered))).offer
        assert again.call_id == offer.call_id
        await ben.socket.send(wire.Accept(offer_id=again.offer_id))
        rebridged = await ben.until(lambda m: isinstance(m, wire.Bridged))
        assert rebridged.epoch > bridged.epoch
        await ben.socket.send(wire.EndCall(call_id=again.call_id, epoch=rebridged.epoch))
        await playing
        assert await stored_outcome(ben, offer.call_id) == "handed_off"
        detail = await ben.client.get(f"/calls/{offer.call_id}")
        assert detail is not None
        assert [h["ended_at"] is not None for h in detail["handoffs"]] == [True, True]


async def test_a_killed_server_has_lost_nothing_that_anybody_was_told(
    world: World, tmp_path: Path
) -> None:
    async with asyncio.TaskGroup() as tasks, world.operator("ana") as ana:
        tasks.create_task(world.play(presses_zero(tmp_path)))
        offer = (await ana.until(lambda m: isinstance(m, wire.Offered))).offer
        os.kill(int(_read(world.server.data / "server.json")["pid"]), signal.SIGKILL)
    store = await SqlStore.open(f"sqlite:///{(tmp_path / DATABASE).resolve()}")
    try:
        decisions = await store.decisions(offer.call_id)
        assert any(decision.hand_off for decision in decisions)
        (handoff,) = await store.handoffs(offer.call_id)
        assert handoff.brief["why"] == offer.brief.why
        assert await store.close_unfinished(at=1.0) == 1
        call = await store.call(offer.call_id)
        assert call is not None
        assert call.outcome == "failed"
    finally:
        await store.aclose()
