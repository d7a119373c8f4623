from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.errors import ConfigError, SpeechError
from voice_hitl.speech.workers.frames import Kind
from voice_hitl.speech.workers.pool import Lease, Watch, WorkerPool, default_size
from voice_hitl.speech.workers.process import EngineSpec

QUICK = Watch(ping_every=0.05, hung_after=0.4)


class Holder:
    """Whoever asks for a lease; keeps what the pool tells it."""

    def __init__(self) -> None:
        self.lease: Lease | None = None
        self.told: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    def granted(self, lease: Lease) -> None:
        self.lease = lease
        self.told.put_nowait(("granted", b""))

    def received(self, kind: Kind, payload: bytes) -> None:
        self.told.put_nowait((kind.name, payload))

    def lost(self, reason: str) -> None:
        self.told.put_nowait(("lost", reason.encode()))

    async def next(self) -> tuple[str, bytes]:
        return await asyncio.wait_for(self.told.get(), 10)

    async def begin(self, pool: WorkerPool) -> None:
        """Get a lease, and an answer on it."""
        pool.lease(self)
        self.send(Kind.OPEN, b"begun")
        assert [await self.next(), await self.next()] == [("granted", b""), ("PARTIAL", b"begun")]

    def send(self, kind: Kind, payload: bytes = b"") -> None:
        assert self.lease is not None
        self.lease.send(kind, payload)


def echo(toys: str, **options: Any) -> EngineSpec:
    return EngineSpec(f"{toys}:load_echo", options)


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


async def loading(fifo: Path) -> None:
    """Wait until the worker loads its engine, which it will never finish."""
    assert await asyncio.to_thread(fifo.read_text) == "loading"


async def test_a_lease_speaks_with_its_worker_until_the_final(toys: str) -> None:
    async with WorkerPool(echo(toys), size=1) as pool:
        holder = Holder()
        pool.lease(holder)
        assert await holder.next() == ("granted", b"")
        assert pool.leased == 1
        holder.send(Kind.OPEN, b"first")
        holder.send(Kind.FEED, b"second")
        holder.send(Kind.FINISH)
        assert [await holder.next() for _ in range(3)] == [
            ("PARTIAL", b"first"),
            ("PARTIAL", b"second"),
            ("FINAL", b"end"),
        ]
        assert pool.leased == 0


async def test_leases_wait_in_line_and_the_first_of_all_goes_first(toys: str) -> None:
    async with WorkerPool(echo(toys), size=1, leases_each=1) as pool:
        holders = [Holder() for _ in range(4)]
        leases = [pool.lease(holder) for holder in holders[:3]]
        pool.lease(holders[3], first=True)
        assert pool.waiting == 3
        leases[1].release()  # leaves the line
        leases[0].release()
        assert [h.lease is not None for h in holders] == [True, False, False, True]
        assert holders[3].lease is not None
        holders[3].lease.release()
        assert holders[2].lease is not None
        assert pool.waiting == 0


async def test_leases_go_to_the_worker_with_the_fewest(toys: str) -> None:
    async with WorkerPool(echo(toys), size=2, leases_each=2) as pool:
        assert len(set(pool.pids)) == 2
        holders = [Holder() for _ in range(5)]
        for holder in holders:
            pool.lease(holder)
        assert pool.leased == 4
        assert pool.waiting == 1


async def test_a_released_lease_hears_nothing_more(toys: str) -> None:
    async with WorkerPool(echo(toys), size=1) as pool:
        dropped, kept = Holder(), Holder()
        lease = pool.lease(dropped)
        dropped.send(Kind.OPEN, b"never")
        lease.release()
        lease.release()
        pool.lease(kept)
        kept.send(Kind.OPEN, b"now")
        assert await kept.next() == ("granted", b"")
        assert await kept.next() == ("PARTIAL", b"now")
        assert dropped.told.qsize() == 1  # granted


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
async def test_a_dead_worker_is_replaced_and_its_leases_are_told(
    toys: str, number: signal.Signals
) -> None:
    async with WorkerPool(echo(toys), size=1) as pool:
        holder, next_holder = Holder(), Holder()
        await holder.begin(pool)
        (pid,) = pool.pids
        os.kill(pid, number)
        assert await holder.next() == ("lost", b"it died")
        pool.lease(next_holder)
        assert await next_holder.next() == ("granted", b"")
        assert pool.pids != [pid]
        assert pool.restarts == 1


async def test_a_lease_that_never_reached_its_dead_worker_is_granted_again(toys: str) -> None:
    async with WorkerPool(echo(toys), size=1) as pool:
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)
        holders = [Holder(), Holder()]
        for holder in holders:
            pool.lease(holder)
        os.kill(pid, signal.SIGKILL)
        for holder in holders:
            assert [await holder.next(), await holder.next()] == [("granted", b"")] * 2
            holder.send(Kind.OPEN, b"at last")
            assert await holder.next() == ("PARTIAL", b"at last")


async def test_a_hung_worker_is_killed_and_replaced(toys: str) -> None:
    async with WorkerPool(echo(toys), size=1, watch=QUICK) as pool:
        holder, next_holder = Holder(), Holder()
        await holder.begin(pool)
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        kind, reason = await holder.next()
        assert (kind, reason) == ("lost", b"it answered nothing for 0.4 s")
        assert 0.2 < time.monotonic() - began < 2
        pool.lease(next_holder)
        assert await next_holder.next() == ("granted", b"")
        assert not psutil.pid_exists(pid)


async def test_an_idle_worker_that_answers_its_pings_is_left_alone(toys: str) -> None:
    watch = Watch(ping_every=0.02, hung_after=0.1)
    async with WorkerPool(echo(toys), size=1, watch=watch) as pool:
        pids = pool.pids
        await asyncio.sleep(0.5)  # five times what it takes to be called hung
        assert pool.pids == pids
        assert pool.restarts == 0


async def test_a_parent_that_stalls_does_not_blame_its_workers(toys: str) -> None:
    watch = Watch(ping_every=0.05, hung_after=0.2)
    async with WorkerPool(echo(toys), size=1, watch=watch) as pool:
        pids = pool.pids
        time.sleep(0.6)  # noqa: ASYNC251 - the stall is the point
        holder = Holder()
        pool.lease(holder)
        holder.send(Kind.OPEN, b"still there")
        await holder.next()
        assert await holder.next() == ("PARTIAL", b"still there")
        assert pool.pids == pids


async def test_an_engine_that_refuses_its_options_is_a_config_error(toys: str) -> None:
    with pytest.raises(ConfigError, match="no such model"):
        async with WorkerPool(echo(toys, refuse="no such model"), size=1):
            pytest.fail("it opened")


async def test_a_worker_that_dies_at_start_is_told_at_once(toys: str) -> None:
    with pytest.raises(SpeechError, match=r"did not start: it died .*exit status 3"):
        async with WorkerPool(echo(toys, die=3), size=1):
            pytest.fail("it opened")


async def test_a_worker_that_does_not_get_ready_is_told(toys: str, fifo: Path) -> None:
    watch = Watch(start_within=1, ping_every=0.1)
    waiting = asyncio.create_task(loading(fifo))
    with pytest.raises(SpeechError, match="not ready within"):
        async with WorkerPool(echo(toys, fifo=str(fifo)), size=1, watch=watch):
            pytest.fail("it opened")
    await waiting


async def test_a_worker_that_sends_nonsense_is_told(toys: str) -> None:
    with pytest.raises(SpeechError, match="it sent nonsense"):
        async with WorkerPool(echo(toys, babble=True), size=1):
            pytest.fail("it opened")


async def test_the_second_worker_starts_after_the_first_is_ready(toys: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="only once"):
        async with WorkerPool(echo(toys, once=str(tmp_path / "made")), size=2):
            pytest.fail("it opened")
    assert (tmp_path / "made").exists()


async def test_closing_is_quick_loses_every_lease_and_leaves_no_process(toys: str) -> None:
    async with WorkerPool(echo(toys), size=2, leases_each=1) as pool:
        holders = [Holder() for _ in range(3)]
        for holder in holders:
            pool.lease(holder)
        pids = pool.pids
        began = time.monotonic()
        await pool.aclose()
        assert time.monotonic() - began < 1
        assert not any(psutil.pid_exists(pid) for pid in pids)
        assert [h.told.get_nowait()[0] for h in holders] == ["granted", "granted", "lost"]
        assert [h.told.get_nowait()[0] for h in holders[:2]] == ["lost", "lost"]
        with pytest.raises(SpeechError, match="closed"):
            pool.lease(Holder())
        await pool.aclose()


async def test_closing_kills_a_worker_that_is_stopped(toys: str) -> None:
    async with WorkerPool(echo(toys), size=1) as pool:
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
    assert time.monotonic() - began < 1
    assert not psutil.pid_exists(pid)


async def test_opening_can_be_cancelled_without_a_trace(toys: str, fifo: Path) -> None:
    async def opening() -> None:
        async with WorkerPool(echo(toys, fifo=str(fifo)), size=1):
            pytest.fail("it opened")

    task = asyncio.create_task(opening())
    await loading(fifo)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_closing_from_another_task_while_opening_ends_both(toys: str, fifo: Path) -> None:
    pool = WorkerPool(echo(toys, fifo=str(fifo)), size=1)

    async def opening() -> None:
        async with pool:
            pytest.fail("it opened")

    task = asyncio.create_task(opening())
    await loading(fifo)
    await pool.aclose()
    with pytest.raises(SpeechError, match="closed"):
        await task


@given(st.integers(0, 2000))
def test_restarts_wait_longer_and_longer_up_to_the_cap(failures: int) -> None:
    watch = Watch()
    assert watch.pause(failures) <= watch.pause(failures + 1) <= watch.restart_cap
    assert watch.pause(1) == 0
    assert watch.pause(2) == watch.restart_pause


def test_sizes() -> None:
    assert 1 <= default_size() <= max(1, len(os.sched_getaffinity(0)) - 1)
    with pytest.raises(ConfigError, match="at least one"):
        WorkerPool(EngineSpec("a:b"), size=0)
