from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from voice_hitl.errors import ConfigError, ScenarioError, TelephonyError
from voice_hitl.simulate.caller import SimulatedCaller
from voice_hitl.simulate.load import percentiles, play, simulate
from voice_hitl.simulate.ticker import Ticker
from voice_hitl.simulate.webhook import Target

Make = Callable[..., Any]
SHORT: tuple[dict[str, Any], ...] = ({"wait": 0.3}, {"hangup": {}})


async def test_so_many_calls_at_once_and_no_more(talker: Make, scenario: Make) -> None:
    talking: list[int] = [0]
    most: list[int] = []

    def started(_: SimulatedCaller) -> None:
        talking[0] += 1
        most.append(talking[0])

    def ended(_: SimulatedCaller) -> None:
        talking[0] -= 1

    made = [scenario(*SHORT, name=f"n{n}") for n in range(7)]
    server = talker(answers=[])
    async with server.serving() as url:
        records = await play(
            made,
            Target(url),
            together=3,
            on_start=started,
            on_end=ended,
            ticker=Ticker(rate=6),
            keep_audio=False,
        )
    assert [record.scenario for record in records] == [f"n{n}" for n in range(7)]
    assert all(record.ok for record in records)
    assert (max(most), talking) == (3, [0])
    assert len({record.call_sid for record in records}) == 7
    assert all(record.heard == b"" for record in records)
    assert all(record.bursts for record in records)


async def test_a_ramp_parts_the_starts(talker: Make, scenario: Make) -> None:
    async with talker(answers=[]).serving() as url:
        records = await play(
            [scenario(*SHORT)] * 4, Target(url), together=4, ramp=0.5, ticker=Ticker(rate=6)
        )
    starts = sorted(record.started for record in records)
    assert all(b - a >= 0.49 for a, b in pairwise(starts))


async def test_what_cannot_be_played_is_refused_before_any_call(scenario: Make) -> None:
    with pytest.raises(ScenarioError, match="depend on what the server"):
        await play([scenario({"wait": "operator"})], Target("http://127.0.0.1:1"))
    with pytest.raises(ValueError, match="together"):
        await play([], Target("http://127.0.0.1:1"), together=0)


@contextmanager
def serving_in_a_thread(server: Any) -> Iterator[str]:
    """The command runs its own event loop, so the server needs a thread of its own."""
    loop = asyncio.new_event_loop()
    stop, ready, addresses = asyncio.Event(), threading.Event(), list[str]()

    async def serve() -> None:
        async with server.serving() as url:
            addresses.append(url)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(10)
    try:
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def test_the_command_shows_a_table_and_writes_recordings_and_report(
    talker: Make, scenario: Make, tmp_path: Path
) -> None:
    scenario({"wait": "agent_done"}, {"say": "hello.wav", "text": "hello"}, name="good", linger=0.2)
    scenario({"wait": "agent_done", "timeout": 0.1}, name="hasty", linger=0.2)
    screen, out = io.StringIO(), tmp_path / "out"
    with serving_in_a_thread(talker(close_after=1)) as url:
        records = simulate(
            [tmp_path / "good.yaml", tmp_path / "hasty.yaml"],
            url=url,
            times=2,
            together=4,
            record_to=out,
            report=tmp_path / "report.json",
            console=Console(file=screen, width=120),
        )
    assert [(r.scenario, r.ok) for r in records] == [("good", True), ("hasty", False)] * 2
    shown = screen.getvalue()
    assert "4 calls" in shown
    assert "2 as they should" in shown
    assert "waited 0.1 s in vain for agent_done" in shown
    report = json.loads((tmp_path / "report.json").read_text())
    assert [call["ok"] for call in report] == [True, False, True, False]
    assert all(Path(call["recording"]).stat().st_size > 1000 for call in report)


def test_named_scenarios_that_cannot_be_played_are_refused_before_anything_else(
    scenario: Make, tmp_path: Path
) -> None:
    scenario({"wait": "agent_done"}, {"wait": "operator"}, name="asks")
    scenario({"wait": "agent_done", "hears": ["hello"]}, name="hears")
    screen = io.StringIO()
    paths = [tmp_path / "asks.yaml", tmp_path / "hears.yaml"]
    with pytest.raises(ScenarioError) as caught:
        simulate(paths, url="http://127.0.0.1:1", console=Console(file=screen))
    said = str(caught.value)
    assert f"{paths[0]}: step 2, `wait: operator`; {paths[1]}: step 1, `hears`: depends on" in said
    assert screen.getvalue() == ""


def test_misuse_is_refused(scenario: Make, tmp_path: Path) -> None:
    scenario(*SHORT)
    with pytest.raises(ConfigError, match="http"):
        simulate([tmp_path], url="localhost")
    with pytest.raises(ConfigError, match="give a port from 1 to 65535"):
        simulate([tmp_path], url="http://localhost:99999")
    with pytest.raises(ScenarioError, match="no scenario to play"):
        simulate([tmp_path], times=0)


def test_of_a_folder_what_depends_on_the_server_is_left_out_and_named(
    talker: Make, scenario: Make, tmp_path: Path
) -> None:
    scenario({"wait": "agent_done"}, name="good", linger=0.2)
    asks = scenario({"wait": "operator"}, name="asks")
    screen = io.StringIO()
    with serving_in_a_thread(talker(close_after=1)) as url:
        records = simulate([tmp_path], url=url, console=Console(file=screen, width=120))
    assert [record.scenario for record in records] == ["good"]
    assert "1 call " in screen.getvalue()
    assert "`voice-hitl demo` plays them): asks\n" in screen.getvalue()
    (tmp_path / "good.yaml").unlink()
    with pytest.raises(ScenarioError, match="no scenario to play"):
        simulate([tmp_path], console=Console(file=screen))
    with (
        serving_in_a_thread(talker()) as url,
        pytest.raises(ScenarioError, match="depends on what"),
    ):
        simulate([asks.source], url=url, console=Console(file=screen))


def test_without_a_server_one_line_says_so(scenario: Make, tmp_path: Path) -> None:
    scenario(*SHORT)
    screen = io.StringIO()
    with pytest.raises(TelephonyError, match=r"no server answers at http://127\.0\.0\.1:1: start"):
        simulate([tmp_path], url="http://127.0.0.1:1", console=Console(file=screen))
    assert screen.getvalue() == ""


def test_percentiles_are_whole_milliseconds() -> None:
    assert percentiles([0.1, 0.2, 0.3]) == ("200", "290")
    assert percentiles([]) == ("-", "-")
