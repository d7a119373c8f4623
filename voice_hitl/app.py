"""The composition root: the only place that knows every concrete class and puts them together."""

from __future__ import annotations

import asyncio
import gc
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.metadata import version

from handoff.policy import Policy
from handoff.ports import PolicyRecord
from handoff.storage import SqlStore
from voice_hitl.agent.ladder import LadderAgent
from voice_hitl.agent.making import make_agent
from voice_hitl.agent.pack import Pack, load_pack
from voice_hitl.background import background
from voice_hitl.call.calls import Calls
from voice_hitl.call.journal import Journal
from voice_hitl.call.line import CallerLine, LineParts, LoopbackLine
from voice_hitl.call.moderating import make_moderation
from voice_hitl.call.parts import CallParts
from voice_hitl.call.speaking import FILLER
from voice_hitl.call.ticker import Ticker
from voice_hitl.call.vad_service import VadService
from voice_hitl.call.workplace import Kept, Workplace
from voice_hitl.clock import Clock
from voice_hitl.config import Config
from voice_hitl.data_folder import (
    held_folder,
    open_store,
    sampling_key,
    write_server_file,
)
from voice_hitl.learning.versions import in_force
from voice_hitl.log import configure, get_logger
from voice_hitl.main_loop import run_main
from voice_hitl.retention import keep_no_longer
from voice_hitl.server.api import Api
from voice_hitl.server.auth import Accounts
from voice_hitl.server.console import ConsoleParts, Consoles
from voice_hitl.server.exercises import ExercisesApi
from voice_hitl.server.figures import FiguresApi
from voice_hitl.server.http import add_console
from voice_hitl.server.hub import Hub
from voice_hitl.server.metrics import Metrics
from voice_hitl.server.site import application, listen, twilio_gate
from voice_hitl.server.twilio import TwilioGate
from voice_hitl.server.work import WorkApi
from voice_hitl.speech.cache import CachedSynthesizer
from voice_hitl.speech.choose import create_recognizer, create_synthesizer
from voice_hitl.speech.voice import VoiceSettings
from voice_hitl.telephony.tokens import TokenStore

log = get_logger(__name__)

VERSION = version("voice-hitl")

COLLECTOR = (700, 10, 100)
"""Thresholds of the cycle collector. An ended call leaves no cycles, so that a look at everything, which
holds up all live calls (25 ms with 60 of them), is seldom worth it: a tenth as often as by default."""


def run_server(config: Config, *, loopback: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; raises `ConfigError` and friends if it cannot start."""
    configure(config.log.level, config.log.format)
    run_main(_serve(config, loopback))


async def _serve(config: Config, loopback: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        if loopback:
            await open_loopback(config, stack)
        else:
            server = await open_server(config, stack)
            stack.push_async_callback(server.drain, config.server.drain_seconds)
        _spare_the_collector()
        await stop.wait()
        log.info("stopping")


def _spare_the_collector() -> None:
    """What start-up made lives as long as the server: the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, for whoever opened it."""

    port: int
    calls: Calls
    hub: Hub
    workplace: Workplace
    store: SqlStore
    journal: Journal
    accounts: Accounts

    async def drain(self, seconds: float) -> None:
        """Take no further calls, call nobody any more, and let the live calls end well."""
        self.workplace.drain()
        await self.calls.drain(seconds)


async def open_server(config: Config, stack: AsyncExitStack) -> Server:
    """Start every part; what was started is stopped, last first, when `stack` closes.

    Raises `ConfigError`, `PackError`, `PolicyError` or `StorageError` if the server cannot run.
    """
    pack = load_pack(config.agent.pack)
    policy = Policy.from_mapping(pack.policy, str(pack.policy_path))
    clock = Clock.of_running_loop()
    stack.enter_context(held_folder(config))
    store = await stack.enter_async_context(open_store(config))
    lost = await store.close_unfinished(clock.wall())
    if lost:
        log.warning("calls of the last run were closed", calls=lost)
    force = await in_force(store, policy)
    policy = force.policy
    journal = Journal(store)
    journal.put(PolicyRecord.of(policy, clock.wall()))
    start = await stack.enter_async_context(background())
    start(journal.run())
    start(keep_no_longer(store, clock, config.storage.keep_days))

    # An agent alone takes a core for a moment; on a ladder a call's turn mostly waits for others.
    threads = config.server.max_calls if config.agent.ladder else 1
    executor = ThreadPoolExecutor(threads, thread_name_prefix="understanding")
    stack.callback(executor.shutdown, wait=False, cancel_futures=True)
    making = asyncio.get_running_loop().run_in_executor(executor, make_agent, config, pack)
    recognizer = create_recognizer(
        config.speech.recognizer,
        pack.language(),
        whisper_model=config.speech.whisper_model,
        cache=config.data_dir / "recognizer",
        workers=config.speech.workers,
        language=pack.info.language,
    )
    voice = create_synthesizer(VoiceSettings(voice=config.voice.voice, rate=config.voice.rate))
    await stack.enter_async_context(recognizer)
    await stack.enter_async_context(voice)
    agent = await making
    stack.push_async_callback(agent.aclose)
    key = sampling_key(config)
    moderation = await asyncio.get_running_loop().run_in_executor(
        executor, make_moderation, pack, policy, key
    )
    clips = await _render(voice, pack)

    token = config.server.metrics_token
    metrics = Metrics(None if token is None else token.get_secret_value())
    if isinstance(agent, LadderAgent):
        metrics.watch_ladder(agent.stats)
    workplace: Workplace

    def call_ended(call_id: str, outcome: str) -> None:
        metrics.ended(outcome)
        workplace.call_over(call_id)

    calls = Calls(config.server.max_calls, on_end=call_ended)
    metrics.live.set_function(lambda: len(calls))
    hub = Hub(clock, metrics, VERSION, pack.guidelines, calls.lines, pack.intents)
    kept = await Kept.of(store, clock.wall())
    workplace = Workplace(policy, clock, journal, hub.screens, calls.get, key, pack.intents, kept)
    await workplace.figures.rebuild(policy, store)
    metrics.long_run_wait.set_function(workplace.costs.long_run_wait)
    ticker = Ticker()
    tokens = TokenStore()
    accounts = Accounts(store, config.operators.session_hours * 3600)
    line_parts = LineParts(
        calls=calls,
        call_parts=CallParts(
            recognizer=recognizer,
            voice=voice,
            clips=clips,
            executor=executor,
            floor=workplace.floor,
            gate=workplace.approvals,
            board=workplace.board,
            reviews=workplace.reviews,
            audits=workplace.audits,
            moderation=moderation,
            watcher=hub,
            clock=clock,
            notice=pack.notice,
            reconnect_seconds=config.operators.reconnect_seconds,
        ),
        agent=agent,
        policy=policy,
        models=force.models,
        model_version=force.version,
        pack=pack.name,
        language=pack.info.language,
        journal=journal,
        tokens=tokens,
        ticker=ticker,
        vad=VadService(ticker),
    )
    # Entered after the journal's, so stopped before it: the end of a call is still written down.
    start = await stack.enter_async_context(background())
    for service in (ticker.run(), *workplace.services(), calls.run()):
        start(service)

    twilio = twilio_gate(config, tokens, clock, calls.has_room, calls.unserved)
    app = application(twilio, lambda: CallerLine(line_parts), lambda: len(calls))
    consoles = Consoles(
        ConsoleParts(
            accounts=accounts,
            hub=hub,
            floor=workplace.floor,
            approvals=workplace.approvals,
            reviews=workplace.reviews,
            audits=workplace.audits,
            clock=clock,
            find_call=calls.get,
            reconnect_seconds=config.operators.reconnect_seconds,
            public_url=config.server.public_url,
        )
    )
    consoles.add_to(app)
    secure = (config.server.public_url or "").startswith("https://")
    identify = consoles.identify
    work = WorkApi(store, clock, identify, workplace.board, workplace.approvals, journal)
    figures = FiguresApi(workplace.figures, workplace.costs.budget, policy, clock, identify)
    exercises = ExercisesApi(
        store, journal, workplace.exercises, workplace.audit_exercises, identify
    )
    routes = [*work.routes, *figures.routes, *exercises.routes]
    proxies = config.server.trusted_proxies
    Api(accounts, store, clock, identify, secure, proxies, hub.reviews.informed, routes).add_to(app)
    app.router.add_get("/metrics", metrics.handle)
    add_console(app)
    port = await listen(config, app, stack)
    _say_hello(config, port, twilio, await accounts.first_link_token())
    write_server_file(config, port, stack)
    return Server(port, calls, hub, workplace, store, journal, accounts)


async def open_loopback(config: Config, stack: AsyncExitStack) -> int:
    """Start a server that sends callers their own audio back; returns its port.

    It takes every caller, whatever `server.max_calls` says: it is there to find out how many there can be.
    """
    stack.enter_context(held_folder(config))
    clock = Clock.of_running_loop()
    ticker = Ticker()
    tokens = TokenStore()
    live: set[LoopbackLine] = set()
    vad = VadService(ticker)
    start = await stack.enter_async_context(background())
    start(ticker.run())
    gate = twilio_gate(config, tokens, clock, accepting=lambda: True, unserved=lambda _: False)
    app = application(
        gate, lambda: LoopbackLine(tokens, vad, ticker, clock, live), lambda: len(live)
    )
    port = await listen(config, app, stack)
    _say_hello(config, port, gate, None)
    write_server_file(config, port, stack)
    return port


async def _render(voice: CachedSynthesizer, pack: Pack) -> dict[str, bytes]:
    """Speak the fixed prompts once; returns the clips of the notices, which must never wait."""
    await voice.prepare(pack.fixed_prompts())
    texts = [FILLER]
    for notice, variants in pack.info.notices.items():
        texts += [pack.notice(notice, time) for time in range(len(variants))]
    return {text: b"".join([chunk async for chunk in voice.synthesize(text)]) for text in texts}


def _say_hello(config: Config, port: int, gate: TwilioGate, setup_token: str | None) -> None:
    """What whoever started the server must know."""
    host = config.server.host if config.server.host not in ("0.0.0.0", "::") else "localhost"
    base = config.server.public_url or f"http://{host}:{port}"
    log.info("listening", url=base, port=port)
    if gate.loopback_only:
        log.warning(
            "no twilio.auth_token is set: only callers on this machine are accepted",
        )
    if setup_token is not None:
        log.info(
            "make the first operator account here, once", url=f"{base}/setup?token={setup_token}"
        )
