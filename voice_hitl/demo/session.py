"""One run of the demo: a server, a floor of operators, and callers who are played against it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from voice_hitl.agent.pack import Pack
from voice_hitl.agent.tools import load_toolbox_type
from voice_hitl.demo.console_client import ConsoleClient
from voice_hitl.demo.host import Account, RunningServer, account, make_accounts, serving
from voice_hitl.demo.operators import Floor, ScriptedOperator
from voice_hitl.demo.report import Played, Stored
from voice_hitl.demo.watching import Monitor, OnNews
from voice_hitl.simulate.caller import SimulatedCaller
from voice_hitl.simulate.scenario import Scenario
from voice_hitl.simulate.ticker import Ticker
from voice_hitl.simulate.webhook import Target

EXCLUSIVE = "exclusive"  # tag of scenarios in which it matters who else wants an operator
RAMP = 0.7  # seconds between two callers
_READY_LIMIT = 15.0
_SETTLE_LIMIT = 6.0  # seconds for the end of a call to be stored and told
_RING_LIMIT = 2.0  # seconds after a call's end in which consoles must fall silent
_POLL = 0.05

OnCall = Callable[[str, Scenario], None]


@dataclass(frozen=True, slots=True)
class Session:
    """What a demo works with."""

    server: RunningServer
    floor: Floor
    monitor: Monitor
    client: ConsoleClient  # the monitor's own account
    http: aiohttp.ClientSession
    ticker: Ticker
    facts: Callable[[str], Any]
    on_call: OnCall

    async def play_all(self, scenarios: Sequence[Scenario], together: int) -> list[Played]:
        """Play scenarios, several at once, those that need the floor to themselves one by one at the end.

        Returns them in the order given.
        """
        done: dict[str, Played] = {}
        room = asyncio.Semaphore(together)

        async def one(scenario: Scenario) -> None:
            async with room:
                done[scenario.name] = await self.play(scenario)

        async with asyncio.TaskGroup() as calls:
            for scenario in scenarios:
                if EXCLUSIVE not in scenario.tags:
                    calls.create_task(one(scenario))
                    await asyncio.sleep(RAMP)
        for scenario in scenarios:
            if EXCLUSIVE in scenario.tags:
                await one(scenario)
        return [done[scenario.name] for scenario in scenarios]

    async def play(self, scenario: Scenario, *, judged: bool = True) -> Played:
        """Make one call and wait until nothing more can come of it; `judged`: see `Played`."""
        caller = SimulatedCaller(
            scenario,
            Target(self.server.url),
            ticker=self.ticker,
            session=self.http,
            view=self.monitor,
        )
        call_id = caller.call_sid
        self.floor.expect(call_id, scenario)
        before = len(self.floor.problems)
        async with self.monitor.watching(call_id):
            self.on_call(call_id, scenario)
            record = await caller.run()
            stored = await self._stored(call_id)
            await _until(lambda: not self.floor.ringing.get(call_id), _RING_LIMIT)
            bridges = self.floor.of(call_id)
            await _until(lambda: all(b.ended_at is not None for b in bridges), _RING_LIMIT)
        return Played(
            scenario=scenario,
            record=record,
            stored=stored,
            unix=time.time() - asyncio.get_running_loop().time(),
            bridges=bridges,
            facts=await self.facts(scenario.caller) if scenario.expect.bank else {},
            still_ringing=sorted(self.floor.ringing.get(call_id, ())),
            problems=self.floor.problems[before:],
            approvals=self.floor.approvals.get(call_id, ()),
            judged=judged,
        )

    async def _stored(self, call_id: str) -> Stored | None:
        """The call as it was stored, once its end is."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _SETTLE_LIMIT
        while True:
            found = await self.client.get(f"/calls/{call_id}")
            ended = found is not None and found["call"]["outcome"] is not None
            if ended or loop.time() >= until:
                return found
            await asyncio.sleep(_POLL)


@asynccontextmanager
async def opened(
    pack: Pack,
    data: Path,
    *,
    operators: Sequence[Account],
    scripted: bool,
    on_news: OnNews,
    on_call: OnCall,
) -> AsyncIterator[Session]:
    """Start a server with these operators' accounts; `scripted` puts them on the floor as well.

    Raises `VoiceHitlError` when the server or an operator does not come up.
    """
    watcher = account("monitor")
    await make_accounts(data, [watcher, *operators])
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(pack.path.absolute(), data))
        client = await stack.enter_async_context(ConsoleClient.signed_in(server.url, watcher))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        floor = Floor()
        ticker = Ticker()
        staff = []
        for each in operators if scripted else ():
            signed_in = ConsoleClient.signed_in(server.url, each)
            staff.append(ScriptedOperator(await stack.enter_async_context(signed_in), floor))
        async with asyncio.TaskGroup() as background:
            tasks = [background.create_task(ticker.run())]
            tasks += [background.create_task(operator.run()) for operator in staff]
            try:
                async with asyncio.timeout(_READY_LIMIT):
                    for operator in staff:
                        await operator.available.wait()
                yield Session(
                    server=server,
                    floor=floor,
                    monitor=Monitor(client, on_news),
                    client=client,
                    http=http,
                    ticker=ticker,
                    facts=await stack.enter_async_context(_facts(pack, data)),
                    on_call=on_call,
                )
            finally:
                for task in tasks:
                    task.cancel()


@asynccontextmanager
async def _facts(pack: Pack, data: Path) -> AsyncIterator[Callable[[str], Any]]:
    """What the pack's own database says of a caller; nothing for packs whose tools cannot tell."""
    toolbox = None if pack.info.tools is None else load_toolbox_type(pack.info.tools)
    if toolbox is None:
        yield _no_facts
        return
    made = toolbox(data, pack.info.parameters)
    try:
        yield getattr(made, "facts", _no_facts)
    finally:
        await made.aclose()


async def _no_facts(_caller: str) -> Mapping[str, Any]:
    return {}


async def _until(condition: Callable[[], bool], limit: float) -> None:
    """Look again and again until something holds, for `limit` seconds at most."""
    for _ in range(round(limit / _POLL)):
        if condition():
            return
        await asyncio.sleep(_POLL)
