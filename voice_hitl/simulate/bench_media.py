"""Measures what a call costs the server: loopback, real time, callers in processes of their own.

Figures are of the server process alone: CPU seconds a call-minute (user and system, from the operating
system's accounts, over the measured span), resident memory, and when its frames come back to the caller.
`python -m voice_hitl.simulate.bench_media` or `scripts/bench/media`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from voice_hitl.errors import VoiceHitlError
from voice_hitl.simulate import bench_sound
from voice_hitl.simulate.bench_caller import CallerResult, run_callers, talk

CPU_TARGETS = {10: 0.8, 50: 0.45}  # CPU seconds a call-minute at that many calls
LATENESS_TARGET_MS = 20.0  # p99, at 60 calls
MEMORY_TARGET_MB = 1.0  # resident, each further call
CALLERS_A_PROCESS = 30
_SETTLE = 2.5  # seconds: calls placed and first frames under way
_START_WITHIN = 60.0
_LISTENING = re.compile(r"https?://[\w.\-]+:(\d+)")


def server_command(data: Path) -> list[str]:
    """How the measured server is started: the product itself, on a free port."""
    return [
        *(sys.executable, "-m", "voice_hitl.cli", "serve", "--loopback"),
        *("--port", "0", "--data", str(data)),
    ]


@dataclass(slots=True)
class Run:
    """One measured span with `calls` callers at once."""

    calls: int
    speech: str
    seconds: float
    cpu_per_call_minute: float
    resident_mb: float
    frames_sent: int
    frames_back: int
    lateness_ms: dict[str, float]
    send_lateness_p99_ms: float
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Server:
    """A running server under measurement."""

    url: str
    process: psutil.Process

    def cpu(self) -> float:
        """CPU seconds of the process and the children it has, workers included."""
        times = [self.process.cpu_times()]
        times += [child.cpu_times() for child in self.process.children(recursive=True)]
        return sum(t.user + t.system for t in times)

    def resident(self) -> float:
        """Resident megabytes of the server process."""
        return float(self.process.memory_info().rss) / 1e6


@contextmanager
def started_server() -> Iterator[Server]:
    """A fresh server; raises `VoiceHitlError` with its output when it does not come up."""
    with tempfile.TemporaryDirectory() as data:
        log = Path(data) / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                server_command(Path(data)), stdout=output, stderr=subprocess.STDOUT
            )
        try:
            yield Server(_wait_for_url(process, log), psutil.Process(process.pid))
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for_url(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START_WITHIN
    while time.monotonic() < deadline:
        said = log.read_text(errors="replace")
        found = _LISTENING.search(said)
        if found:
            return f"http://127.0.0.1:{found[1]}"
        if process.poll() is not None:
            raise VoiceHitlError(f"the server ended with {process.returncode}:\n{said[-2000:]}")
        time.sleep(0.1)
    raise VoiceHitlError(f"the server did not say where it listens within {_START_WITHIN:g} s")


def measure(
    server: Server, calls: int, seconds: float, *, continuous: bool, wav: Path | None
) -> Run:
    """Let `calls` callers talk to the server; the span begins when all of them do."""
    speech = "continuous" if continuous else "conversation"
    shares = [CALLERS_A_PROCESS] * (calls // CALLERS_A_PROCESS)
    if calls % CALLERS_A_PROCESS:
        shares.append(calls % CALLERS_A_PROCESS)
    command = [sys.executable, "-m", "voice_hitl.simulate.bench_media", "--callers-of", server.url]
    command += ["--seconds", str(seconds + 2 * _SETTLE), "--speech", speech]
    command += ["--wav", str(wav)] if wav else []
    processes = [
        subprocess.Popen(
            [*command, "--calls", str(share), "--seed", str(index)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for index, share in enumerate(shares)
    ]
    for process in processes:  # each says that it has read its recordings, and waits to be let go
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    time.sleep(_SETTLE)
    begun, cpu = time.monotonic(), server.cpu()
    time.sleep(seconds)
    cpu, span = server.cpu() - cpu, time.monotonic() - begun
    resident = server.resident()
    results = [result for process in processes for result in _collect(process)]
    late = np.concatenate([np.array(result.lateness) for result in results]) * 1000
    own = np.concatenate([np.array(result.send_lateness) for result in results]) * 1000
    return Run(
        calls=calls,
        speech=speech,
        seconds=span,
        cpu_per_call_minute=cpu / span * 60 / calls,
        resident_mb=resident,
        frames_sent=sum(result.sent for result in results),
        frames_back=sum(result.received for result in results),
        lateness_ms={name: _quantile(late, q) for name, q in _QUANTILES.items()},
        send_lateness_p99_ms=_quantile(own, 0.99),
        errors=sorted({result.error for result in results if result.error}),
    )


_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


def _quantile(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], q: float) -> float:
    return round(float(np.quantile(values, q)), 2) if values.size else float("nan")


def _collect(process: subprocess.Popen[bytes]) -> list[CallerResult]:
    assert process.stdout is not None
    said = process.stdout.read()
    if process.wait() != 0:
        raise VoiceHitlError("the callers' process failed")
    return [CallerResult(**result) for result in json.loads(said)]


def callers(args: argparse.Namespace) -> None:
    """The other side: run in a process of its own, results as JSON on standard output."""
    _, utterances = bench_sound.recordings(args.wav)
    rng = random.Random(args.seed)
    make = bench_sound.monologue if args.speech == "continuous" else bench_sound.conversation
    sources = [talk(make(utterances, rng), rng.randrange(5000)) for _ in range(args.calls[0])]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    results = _event_loop().run_until_complete(run_callers(args.callers_of, sources, args.seconds))
    json.dump([asdict(result) for result in results], sys.stdout)


def _event_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure over all repeats, against its target."""

    name: str
    values: tuple[float, ...]
    unit: str
    target: float | None

    @property
    def middle(self) -> float:
        """The median."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the median keeps the target; None without one."""
        return None if self.target is None else self.middle <= self.target


def figures(runs: list[Run]) -> list[Figure]:
    """What the runs say, by number of calls and kind of speech."""
    result = []
    groups: dict[tuple[str, int], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.speech, run.calls), []).append(run)
    for (speech, calls), group in groups.items():
        where = f"{calls} calls, {speech}"
        cpu = tuple(run.cpu_per_call_minute for run in group)
        late = tuple(run.lateness_ms["p99"] for run in group)
        lost = tuple(float(run.frames_sent - run.frames_back) for run in group)
        result += [
            Figure(f"CPU, {where}", cpu, "s/call-min", CPU_TARGETS.get(calls)),
            Figure(
                f"lateness p99, {where}", late, "ms", LATENESS_TARGET_MS if calls >= 60 else None
            ),
            Figure(f"frames that did not come back, {where}", lost, "", None),
        ]
    by_calls: dict[int, float] = {}
    for run in runs:
        by_calls[run.calls] = max(by_calls.get(run.calls, 0.0), run.resident_mb)
    if len(by_calls) > 1:
        few, many = min(by_calls), max(by_calls)
        each = (by_calls[many] - by_calls[few]) / (many - few)
        result.append(Figure("resident, each further call", (each,), "MB", MEMORY_TARGET_MB))
    return result


def machine() -> dict[str, str]:
    """What it was measured on."""
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text())
        model = found[1] if found else model
    return {
        "cores": str(os.cpu_count()),
        "processor": model,
        "python": platform.python_version(),
        "system": platform.system(),
        "scheduling": _scheduling(),
        "load": " ".join(f"{value:.1f}" for value in os.getloadavg()),
    }


def _scheduling() -> str:
    """Whether the measured processes had to share the cores with whatever else ran."""
    if not hasattr(os, "sched_getscheduler"):
        return "unknown"
    return "normal" if os.sched_getscheduler(0) == os.SCHED_OTHER else "real-time"


def show(console: Console, heard: str, runs: list[Run], host: dict[str, str]) -> None:
    """The table."""
    table = Table(title=f"Media benchmark: loopback at real time, callers say {heard}")
    table.add_column("figure", no_wrap=True)
    for column in ("median", "min to max", "target"):
        table.add_column(column, justify="right")
    table.add_column("")
    for figure in figures(runs):
        spread = f"{min(figure.values):.3g} to {max(figure.values):.3g}"
        target = "" if figure.target is None else f"<= {figure.target:g}"
        verdict = {None: "", True: "[green]met[/]", False: "[red]missed[/]"}[figure.met]
        table.add_row(figure.name, f"{figure.middle:.3g} {figure.unit}", spread, target, verdict)
    console.print(table)
    console.print(", ".join(f"{name}: {value}" for name, value in host.items()))
    own = max(run.send_lateness_p99_ms for run in runs)
    console.print(
        f"the callers' own frames left up to {own:.1f} ms late (p99): part of the lateness above"
    )
    for error in sorted({error for run in runs for error in run.errors}):
        console.print(f"[red]a caller failed: {error}[/]")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench/media",
        description="Measure CPU, memory and lateness of the media server in loopback.",
        epilog="example: scripts/bench/media --calls 10 50 60 --seconds 30 --report media.json",
    )
    parser.add_argument("--calls", type=int, nargs="+", default=[10, 50, 60])
    parser.add_argument("--seconds", type=float, default=30.0, help="measured span of each run")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--speech",
        choices=["conversation", "continuous", "both"],
        default="both",
        help="callers who pause, callers who never do, or first one, then the other",
    )
    parser.add_argument("--wav", type=Path, help="folder of recordings (8 kHz mono WAV)")
    parser.add_argument("--url", help="measure a server that already runs (with --pid)")
    parser.add_argument("--pid", type=int, help="its process")
    parser.add_argument("--report", type=Path, help="write all figures as JSON")
    parser.add_argument("--callers-of", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if (args.url is None) != (args.pid is None):
        parser.error("--url and --pid go together")
    if min(args.calls) < 1 or args.seconds <= 0 or args.repeats < 1:
        parser.error("--calls, --seconds and --repeats are positive")
    return args


def run(args: argparse.Namespace, console: Console) -> list[Run]:
    """All measurements; a fresh server for each repeat, the calls rising."""
    kinds = [False, True] if args.speech == "both" else [args.speech == "continuous"]
    runs = []
    for repeat in range(args.repeats):
        with _server(args) as server:
            console.print(f"repeat {repeat + 1}: {server.resident():.1f} MB resident without calls")
            for continuous in kinds:
                for calls in sorted(args.calls):
                    result = measure(
                        server, calls, args.seconds, continuous=continuous, wav=args.wav
                    )
                    runs.append(result)
                    console.print(
                        f"  {calls} {'call' if calls == 1 else 'calls'}, {result.speech}: "
                        f"{result.cpu_per_call_minute:.3f} CPU s/call-min, lateness p99 "
                        f"{result.lateness_ms['p99']:.1f} ms, {result.resident_mb:.1f} MB"
                    )
    return runs


@contextmanager
def _server(args: argparse.Namespace) -> Iterator[Server]:
    if args.url:
        yield Server(args.url.rstrip("/"), psutil.Process(args.pid))
        return
    with started_server() as server:
        yield server


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 0 when every target is met and no caller failed, else 1."""
    args = parse(arguments)
    if args.callers_of:
        callers(args)
        return 0
    console = Console()
    try:
        heard, _ = bench_sound.recordings(args.wav)
        runs = run(args, console)
    except VoiceHitlError as error:
        console.print(f"[red]{error}[/]")
        return 1
    host = machine()
    show(console, heard, runs, host)
    found = figures(runs)
    if args.report:
        report = {
            "machine": host,
            "sound": heard,
            "figures": [
                {**asdict(figure), "median": figure.middle, "met": figure.met} for figure in found
            ],
            "runs": [asdict(each) for each in runs],
        }
        args.report.write_text(json.dumps(report, indent=2) + "\n")
    failed = any(run.errors for run in runs)
    return 1 if failed or any(figure.met is False for figure in found) else 0


if __name__ == "__main__":
    sys.exit(main())
