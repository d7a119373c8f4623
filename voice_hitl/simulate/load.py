"""Plays many simulated callers against a running server: one after the other, together, or ramping up."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import numpy as np
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from voice_hitl.errors import ConfigError, ScenarioError, TelephonyError
from voice_hitl.simulate.caller import SimulatedCaller
from voice_hitl.simulate.loading import load_scenarios
from voice_hitl.simulate.record import CallRecord
from voice_hitl.simulate.scenario import Scenario
from voice_hitl.simulate.script import ServerView
from voice_hitl.simulate.ticker import Ticker
from voice_hitl.simulate.webhook import TIMEOUT, Target


async def play(
    scenarios: Sequence[Scenario],
    target: Target,
    *,
    together: int = 1,
    ramp: float = 0.0,
    view: ServerView | None = None,
    record_to: Path | None = None,
    keep_audio: bool = True,
    on_start: Callable[[SimulatedCaller], None] | None = None,
    on_end: Callable[[SimulatedCaller], None] | None = None,
    ticker: Ticker | None = None,
) -> list[CallRecord]:
    """Make one call a scenario, at most `together` at once; return the records in the same order.

    `ramp`: seconds between the starts of two calls, at least. `ticker`: the callers' clock, by default a
    new one in real time. Raises `ScenarioError` before any call when a scenario cannot be played.
    """
    if together < 1 or ramp < 0:
        raise ValueError(f"together {together} must be >= 1 and ramp {ramp} >= 0")
    clock = ticker or Ticker()
    room = asyncio.Semaphore(together)
    starting = asyncio.Lock()
    earliest = clock.now()

    async def call(caller: SimulatedCaller) -> None:
        nonlocal earliest
        async with room:
            async with starting:
                await clock.sleep(earliest - clock.now())
                earliest = clock.now() + ramp
            if on_start is not None:
                on_start(caller)
            await caller.run()
            if on_end is not None:
                on_end(caller)

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        callers = [
            SimulatedCaller(
                scenario,
                target,
                ticker=clock,
                session=session,
                view=view,
                record_to=record_to,
                keep_audio=keep_audio,
            )
            for scenario in scenarios
        ]
        async with asyncio.TaskGroup() as ticking:
            beat = ticking.create_task(clock.run())
            try:
                async with asyncio.TaskGroup() as calls:
                    for caller in callers:
                        calls.create_task(call(caller))
            finally:
                beat.cancel()
    return [caller.record for caller in callers]


def simulate(
    paths: Sequence[Path],
    *,
    url: str = "http://127.0.0.1:8080",
    public_url: str | None = None,
    auth_token: str | None = None,
    times: int = 1,
    together: int = 1,
    ramp: float = 0.0,
    record_to: Path | None = None,
    report: Path | None = None,
    console: Console | None = None,
) -> list[CallRecord]:
    """Play scenario files (or folders of them) `times` over against a running server.

    Shows progress and a table on `console`. `record_to` keeps a stereo WAV a call, `report` gets all
    records as JSON. Nothing went wrong when every record is `ok`. Scenarios of a folder that depend on what
    the server knows are left out, and named; named ones are refused before any call. Raises `ScenarioError`,
    `ConfigError` for a URL that is none and
    `TelephonyError` where no server answers.
    """
    target = Target(url, public_url, auth_token)
    shown = console or Console()
    scenarios = _playable(load_scenarios(paths), paths, shown) * times
    if not scenarios:
        raise ScenarioError("no scenario to play: name a file or a folder")
    _look_for_server(url)
    if record_to is not None:
        record_to.mkdir(parents=True, exist_ok=True)
    with _progress(shown) as progress:
        bar = progress.add_task("calls", total=len(scenarios), talking=0)

        def talking(change: int) -> None:
            task = progress.tasks[bar]
            progress.update(
                bar, advance=int(change < 0), talking=int(task.fields["talking"]) + change
            )

        records = _run(
            play(
                scenarios,
                target,
                together=together,
                ramp=ramp,
                record_to=record_to,
                keep_audio=record_to is not None,
                on_start=lambda _: talking(+1),
                on_end=lambda _: talking(-1),
            )
        )
    shown.print(table(records))
    for record in records:
        for what in [*record.problems, *record.faults]:
            shown.print(f"[red]{record.scenario} {record.call_sid}[/red]: {what}", highlight=False)
    if report is not None:
        report.write_bytes(orjson.dumps([r.to_dict() for r in records], option=orjson.OPT_INDENT_2))
    return records


def table(records: Sequence[CallRecord]) -> Table:
    """One line a call, and the latencies of all of them in the last."""
    shown = Table(title="Simulated calls")
    for name in ("scenario", "ended", "seconds", "said", "p50 ms", "p95 ms", "clears", "wrong"):
        shown.add_column(name, justify="left" if name in ("scenario", "ended") else "right")
    for record in records:
        shown.add_row(
            record.scenario,
            record.ending.value,
            f"{record.ended - record.started:.1f}",
            str(len(record.utterances)),
            *percentiles(record.latencies),
            str(len(record.clears)),
            str(len(record.problems) + len(record.faults)),
            style=None if record.ok else "red",
        )
    shown.add_section()
    shown.add_row(
        f"{len(records)} {'call' if len(records) == 1 else 'calls'}",
        f"{sum(record.ok for record in records)} as they should",
        f"{sum(record.ended - record.started for record in records):.1f}",
        str(sum(len(record.utterances) for record in records)),
        *percentiles([latency for record in records for latency in record.latencies]),
        str(sum(len(record.clears) for record in records)),
        str(sum(len(record.problems) + len(record.faults) for record in records)),
    )
    return shown


def percentiles(seconds: Sequence[float]) -> tuple[str, str]:
    """p50 and p95 in whole milliseconds; a dash without any value."""
    if not seconds:
        return "-", "-"
    middle, high = np.percentile(np.array(seconds) * 1000, [50, 95])
    return f"{middle:.0f}", f"{high:.0f}"


def _playable(
    scenarios: Sequence[Scenario], paths: Sequence[Path], console: Console
) -> list[Scenario]:
    """Those that were named, and of folders those that need no view of the server; the others are said.

    Raises `ScenarioError` where one that was named needs one.
    """
    named = {path for path in paths if not path.is_dir()}
    left_out = [s for s in scenarios if s.needs_view() and s.source not in named]
    if left_out:
        console.print(
            f"left out, they need to know what the server knows (`voice-hitl demo` plays them): "
            f"{', '.join(s.name for s in left_out)}",
            soft_wrap=True,
            highlight=False,
            markup=False,
        )
    playable = [s for s in scenarios if s not in left_out]
    refused = [f"{s.source}: {step}" for s in playable if (step := s.view_step()) is not None]
    if refused:
        raise ScenarioError(
            f"{'; '.join(refused)}: depends on what the server knows; play it with `voice-hitl demo`"
        )
    return playable


def _look_for_server(url: str) -> None:
    """Raise `TelephonyError` unless something listens there, `ConfigError` for a port that is none."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise ConfigError(f"{url}: give a port from 1 to 65535") from error
    try:
        socket.create_connection((parts.hostname or "", port), timeout=TIMEOUT).close()
    except OSError as error:
        raise TelephonyError(
            f"no server answers at {url}: start `voice-hitl serve`, or give --url"
        ) from error


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[talking]} talking"),
        TimeElapsedColumn(),
        console=console,
    )


def _run(work: Coroutine[Any, Any, list[CallRecord]]) -> list[CallRecord]:
    factory = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)
