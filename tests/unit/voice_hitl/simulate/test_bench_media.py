from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from voice_hitl.simulate import bench_media
from voice_hitl.simulate.bench_media import Run, figures, parse


def run(calls: int, cpu: float, late: float, resident: float, back: int = 1000) -> Run:
    return Run(
        calls=calls,
        speech="conversation",
        seconds=10.0,
        cpu_per_call_minute=cpu,
        resident_mb=resident,
        frames_sent=1000,
        frames_back=back,
        lateness_ms={"p50": 1.0, "p95": 2.0, "p99": late, "max": 50.0},
        send_lateness_p99_ms=0.5,
    )


def test_figures_are_medians_against_targets() -> None:
    runs = [run(10, cpu, 3.0, 80.0) for cpu in (0.2, 0.9, 0.3)]
    runs += [run(60, 0.2, late, 105.0, back=990) for late in (10.0, 30.0, 40.0)]
    found = {figure.name: figure for figure in figures(runs)}
    cpu = found["CPU, 10 calls, conversation"]
    assert (cpu.middle, cpu.target, cpu.met) == (0.3, 0.8, True)
    late = found["lateness p99, 60 calls, conversation"]
    assert (late.middle, late.met) == (30.0, False)
    assert found["lateness p99, 10 calls, conversation"].met is None
    assert found["frames that did not come back, 60 calls, conversation"].middle == 10
    each = found["resident, each further call"]
    assert each.middle == pytest.approx(0.5)
    assert each.met


def test_what_was_not_measured_is_not_met() -> None:
    (_, late, _) = figures([run(60, 0.1, float("nan"), 50.0)])
    assert late.met is False


def test_the_table_says_what_was_missed() -> None:
    console = Console(record=True, width=140)
    bad = run(60, 0.2, 33.0, 80.0)
    bad.errors.append("no frame came back")
    bench_media.show(console, "barista", [bad], {"cores": "2"})
    text = console.export_text()
    assert "missed" in text
    assert "no frame came back" in text
    assert "cores: 2" in text


def test_the_server_is_the_product() -> None:
    command = bench_media.server_command(Path("somewhere"))
    assert command[1:5] == ["-m", "voice_hitl.cli", "serve", "--loopback"]


@pytest.mark.parametrize("bad", [["--url", "http://x"], ["--calls", "0"], ["--seconds", "-1"]])
def test_misuse_is_refused(bad: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(bad)
    assert caught.value.code == 2
