from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys

import psutil
import pytest

from voice_hitl.speech.workers.frames import Kind
from voice_hitl.speech.workers.process import EngineSpec, WorkerProcess


async def test_a_worker_loads_answers_and_stops(toys: str) -> None:
    worker = await WorkerProcess.spawn(EngineSpec(f"{toys}:load_echo", niceness=3))
    frames = await worker.receive()
    assert frames is not None
    assert [f.kind for f in frames] == [Kind.READY]
    assert psutil.Process(worker.pid).nice() == psutil.Process().nice() + 3
    worker.send(Kind.PING)
    frames = await worker.receive()
    assert frames is not None
    assert frames[0].kind is Kind.PONG
    assert await worker.stop() == -signal.SIGKILL
    assert not psutil.pid_exists(worker.pid)
    worker.send(Kind.PING)  # into the void
    assert await worker.receive() is None
    assert await worker.stop() == -signal.SIGKILL


async def test_receiving_can_be_cancelled_without_losing_frames(toys: str) -> None:
    worker = await WorkerProcess.spawn(EngineSpec(f"{toys}:load_echo"))
    waiting = asyncio.ensure_future(worker.receive())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    frames = await worker.receive()
    assert frames is not None
    assert [f.kind for f in frames] == [Kind.READY]
    await worker.stop()


async def test_the_interrupt_key_leaves_workers_to_their_parent(
    toys: str,
) -> None:
    worker = await WorkerProcess.spawn(EngineSpec(f"{toys}:load_echo"))
    await worker.receive()
    os.kill(worker.pid, signal.SIGINT)
    worker.send(Kind.PING)
    frames = await worker.receive()
    assert frames is not None
    assert frames[0].kind is Kind.PONG
    assert os.getsid(worker.pid) != os.getsid(0)
    await worker.stop()


_PARENT = """
import asyncio, sys
from voice_hitl.speech.workers.process import EngineSpec, WorkerProcess

async def main():
    worker = await WorkerProcess.spawn(EngineSpec(sys.argv[1], {}))
    if sys.argv[2] == "ready":
        await worker.receive()
    print(worker.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def _orphan(engine: str, until: str, *, stopped: bool) -> None:
    """Start a parent with a worker, kill the parent, and wait for the worker to go."""
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, engine, until], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    ended = os.pidfd_open(pid)
    if stopped:
        os.kill(pid, signal.SIGSTOP)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    readable, _, _ = select.select([ended], [], [], 2)
    os.close(ended)
    assert readable


def test_a_worker_ends_with_its_parent(toys: str) -> None:
    _orphan(f"{toys}:load_echo", "ready", stopped=False)


def test_even_a_worker_that_is_stuck_ends_with_its_parent(toys: str) -> None:
    _orphan(f"{toys}:load_echo", "ready", stopped=True)
