"""`voice-hitl demo`: play the callers, show what happens, write the report."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import orjson
from rich.console import Console

from voice_hitl.agent.pack import Pack, load_pack
from voice_hitl.demo.host import account
from voice_hitl.demo.interactive import play_with_person
from voice_hitl.demo.report import CallReport, Played, report_all, report_call
from voice_hitl.demo.screen import Feed, show_budgets, show_calls, show_totals
from voice_hitl.demo.session import opened
from voice_hitl.errors import ScenarioError, VoiceHitlError
from voice_hitl.simulate.loading import load_scenarios
from voice_hitl.simulate.scenario import Scenario

OPERATORS = ("Dana", "Sam", "Lee")
FILE_WIDTH = 120  # columns where there is no terminal to ask

Result = TypeVar("Result")


def run_demo(
    *,
    pack: str,
    names: Sequence[str],
    headless: bool,
    report: Path | None,
    together: int,
    console: Console,
) -> bool:
    """Play a pack's scenarios (all, or those named) against a server of its own.

    `headless`: scripted operators take the calls, `together` calls at a time; otherwise a person at the
    console takes them, one after the other. `report`: where to write the JSON report. Returns whether every
    call went as its scenario says. Raises `ScenarioError` for an unknown name, `PackError`,
    `VoiceHitlError` when the server does not come up.
    """
    if not console.is_terminal:
        console.width = FILE_WIDTH
    loaded = load_pack(pack)
    scenarios = choose(loaded, names)
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="voice-hitl-demo-") as folder:
        data = Path(folder)
        if headless:
            played = _run(_headless(loaded, scenarios, data, together, console))
        else:
            played = _run(play_with_person(loaded, scenarios, data, console))
    with console.status("Comparing what was said with what was heard ..."):
        calls = [report_call(each) for each in played]
    show_calls(console, calls)
    show_budgets(console, calls)
    show_totals(console, calls, time.monotonic() - started)
    if report is not None:
        report.write_bytes(orjson.dumps(report_all(calls), option=orjson.OPT_INDENT_2))
        console.print(f"The report lies in {report}", style="dim", markup=False)
    return as_it_should(calls)


def as_it_should(calls: Sequence[CallReport]) -> bool:
    """Whether every call passed, and there was one."""
    return bool(calls) and all(call.ok for call in calls)


def choose(pack: Pack, names: Sequence[str]) -> list[Scenario]:
    """The pack's scenarios, all or those named; raises `ScenarioError`."""
    if not pack.scenarios_path.is_dir():
        raise ScenarioError(f"{pack.scenarios_path}: this pack has no scenarios; record some")
    scenarios = load_scenarios([pack.scenarios_path])
    known = {scenario.name: scenario for scenario in scenarios}
    for name in names:
        if name not in known:
            raise ScenarioError(
                f"there is no scenario {name!r} in pack {pack.name}; choose from {', '.join(known)}"
            )
    return [known[name] for name in dict.fromkeys(names)] if names else scenarios


async def _headless(
    pack: Pack,
    scenarios: Sequence[Scenario],
    data: Path,
    together: int,
    console: Console,
) -> list[Played]:
    feed = Feed(console, max(len(scenario.name) for scenario in scenarios))
    starting = console.status("Starting the server ...")
    starting.start()
    try:
        async with opened(
            pack,
            data,
            operators=[account(name) for name in OPERATORS],
            scripted=True,
            on_news=feed.news,
            on_call=feed.begin,
        ) as session:
            starting.stop()
            return await session.play_all(scenarios, together)
    finally:
        starting.stop()


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run on uvloop where there is one; a lone error comes out of its groups as itself."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(work)
    except BaseExceptionGroup as group:
        ours = group.subgroup(VoiceHitlError)
        lone: BaseException = ours if ours is not None else group
        while isinstance(lone, BaseExceptionGroup):
            lone = lone.exceptions[0]
        raise lone from group
