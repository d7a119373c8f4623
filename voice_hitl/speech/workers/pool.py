"""The pool: keeps worker processes alive and leases their engines to whoever asks first.

A lease is one conversation with one worker: an utterance to recognize, a sentence to speak. Leases wait
in line while every worker is full. When a worker dies or hangs it is replaced, and its leases are told so;
whoever holds one decides whether to ask again (`lease(..., first=True)`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from voice_hitl.errors import ConfigError, SpeechError, VoiceHitlError
from voice_hitl.log import get_logger
from voice_hitl.speech.workers.frames import MAX_LEASE, Frame, FrameError, Kind
from voice_hitl.speech.workers.process import EngineSpec, WorkerProcess

_log = get_logger(__name__)

_DIED = "it died"
_DYING = 0.5  # seconds from the end of its socket to the end of a process, at most


@dataclass(frozen=True, slots=True)
class Watch:
    """How closely workers are watched; all in seconds."""

    start_within: float = 60.0  # from spawning to READY
    ping_every: float = 0.5  # silence on the socket before a ping
    hung_after: float = (
        3.0  # silence before the worker counts as hung; above its longest slice of work
    )
    restart_pause: float = 0.25  # before the second restart in a row, doubled for each further one
    restart_cap: float = 10.0
    steady_after: float = 20.0  # a worker that lived this long starts the row anew

    def pause(self, failures: int) -> float:
        """Return the wait before a restart after `failures` deaths in a row; the first is at once."""
        if failures <= 1:
            return 0.0
        return min(self.restart_cap, self.restart_pause * 2.0 ** min(failures - 2, 30))


class LeaseHolder(Protocol):
    """Whoever works with a lease. Called on the event loop; must neither block nor raise."""

    def granted(self, lease: Lease) -> None:
        """A worker is yours now: send it what it needs.

        Comes again, with the same lease, if the worker turns out to have been dead already.
        """

    def received(self, kind: Kind, payload: bytes) -> None:
        """A PARTIAL, FINAL or ERROR came; after the last two the lease is over."""

    def lost(self, reason: str) -> None:
        """The worker is gone, and the lease with it. `reason` is fit for a log."""


class Lease:
    """A place in line, then one of a worker's leases, until it is over."""

    __slots__ = ("_pool", "_slot", "_taken", "holder", "number")

    def __init__(self, pool: WorkerPool, holder: LeaseHolder, number: int) -> None:
        self._pool = pool
        self.holder = holder
        self.number = number
        self._slot: _Slot | None = None
        self._taken = False  # the worker is known to have been alive when the lease reached it

    def send(self, kind: Kind, payload: bytes = b"") -> None:
        """Send a frame to the worker; only while granted."""
        if self._slot is not None and self._slot.process is not None:
            self._slot.process.send(kind, self.number, payload)

    def release(self) -> None:
        """Give the place or the worker back; nothing is received after. Idempotent."""
        self._pool._release(self)


class _Slot:
    """One worker's place in the pool; the process in it changes, the slot stays."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.process: WorkerProcess | None = None
        self.ready = False
        self.leases: dict[int, Lease] = {}
        # Whether its first worker started: None, or why not.
        self.first: asyncio.Future[VoiceHitlError | None] = (
            asyncio.get_running_loop().create_future()
        )

    def settle(self, error: VoiceHitlError | None) -> None:
        """Tell whoever opens the pool how the first start went; later starts tell nobody."""
        if not self.first.done():
            self.first.set_result(error)


class WorkerPool:
    """`size` watched workers with at most `leases_each` leases at a time in each.

    Use as an async context manager: entering waits until every worker is ready (`ConfigError` if the
    engine refuses its options, `SpeechError` if a worker dies or dawdles instead), leaving kills them.
    `size` defaults to one less than the cores this process may use, at least one.
    """

    def __init__(
        self,
        spec: EngineSpec,
        *,
        size: int | None = None,
        leases_each: int = 8,
        watch: Watch = Watch(),
    ) -> None:
        self._spec = spec
        self._size = default_size() if size is None else size
        if self._size < 1 or leases_each < 1:
            raise ConfigError("a worker pool needs at least one worker and one lease in each")
        self._leases_each = leases_each
        self._watch = watch
        self._waiting: deque[Lease] = deque()
        self._slots: list[_Slot] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._group: asyncio.TaskGroup | None = None
        self._numbers = itertools.count(1)
        self._closed = False
        self.restarts = 0  # of all workers, since the pool was opened

    async def __aenter__(self) -> Self:
        self._group = await asyncio.TaskGroup().__aenter__()
        self._slots = [_Slot(index) for index in range(self._size)]
        try:
            # The first alone: what it writes to an engine's cache, the others read.
            await self._start(self._slots[:1])
            await self._start(self._slots[1:])
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self.aclose()
        finally:
            group, self._group = self._group, None
            if group is not None:
                await group.__aexit__(None, None, None)

    async def aclose(self) -> None:
        """Kill the workers and wait until they are gone; every open lease is lost. Idempotent."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        while self._waiting:
            self._waiting.popleft().holder.lost("the worker pool is closed")

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers that are up."""
        return [slot.process.pid for slot in self._slots if slot.process is not None and slot.ready]

    @property
    def leased(self) -> int:
        """How many leases workers hold now."""
        return sum(len(slot.leases) for slot in self._slots)

    @property
    def waiting(self) -> int:
        """How many leases stand in line."""
        return len(self._waiting)

    def lease(self, holder: LeaseHolder, *, first: bool = False) -> Lease:
        """Ask for a worker; `first` goes to the head of the line. Never blocks.

        `holder.granted` may be called before this returns. Raises `SpeechError` on a closed pool.
        """
        if self._closed:
            raise SpeechError("the worker pool is closed")
        lease = Lease(self, holder, (next(self._numbers) - 1) % MAX_LEASE + 1)
        if first:
            self._waiting.appendleft(lease)
        else:
            self._waiting.append(lease)
        self._grant()
        return lease

    def _release(self, lease: Lease) -> None:
        slot = lease._slot
        if slot is None:
            with contextlib.suppress(ValueError):
                self._waiting.remove(lease)
            return
        if slot.leases.pop(lease.number, None) is not None and slot.process is not None:
            slot.process.send(Kind.CANCEL, lease.number)
        lease._slot = None
        self._grant()

    def _grant(self) -> None:
        while self._waiting:
            free = [s for s in self._slots if s.ready and len(s.leases) < self._leases_each]
            if not free:
                return
            slot = min(free, key=lambda s: len(s.leases))
            lease = self._waiting.popleft()
            lease._slot = slot
            slot.leases[lease.number] = lease
            if slot.process is not None:
                slot.process.send(Kind.PING, lease.number)
            lease.holder.granted(lease)

    async def _start(self, slots: list[_Slot]) -> None:
        if self._group is None:
            raise SpeechError("the worker pool is not open")
        self._tasks += [self._group.create_task(self._keep(slot)) for slot in slots]
        for error in await asyncio.gather(*(slot.first for slot in slots)):
            if error is not None:
                raise error

    async def _keep(self, slot: _Slot) -> None:
        """Keep a worker in `slot` for as long as the pool is open."""
        loop = asyncio.get_running_loop()
        failures = 0
        try:
            while True:
                await asyncio.sleep(self._watch.pause(failures))
                born = loop.time()
                reason = await self._live(slot)
                slot.settle(SpeechError(f"a speech worker did not start: {reason}"))
                if slot.first.result() is not None:
                    return  # whoever opens the pool is about to close it
                failures = 1 if loop.time() - born > self._watch.steady_after else failures + 1
                self.restarts += 1
                _log.warning("speech_worker_replaced", worker=slot.index, reason=reason)
        finally:
            slot.settle(SpeechError("the worker pool is closed"))

    async def _live(self, slot: _Slot) -> str:
        """Run one worker from spawn to death; return why it ended."""
        try:
            process = await WorkerProcess.spawn(self._spec)
        except OSError as error:
            return f"it could not be spawned ({error})"
        slot.process = process
        reason = "the worker pool is closed"
        try:
            reason = await self._serve(slot, process)
        finally:
            slot.ready, slot.process = False, None
            status = await process.stop(grace=_DYING if reason == _DIED else 0.0)
            orphans = list(slot.leases.values())
            slot.leases.clear()
            for lease in reversed(orphans):
                lease._slot = None
                if lease._taken:
                    lease.holder.lost(reason)
                else:  # workers may die together: this one was dead before the lease reached it
                    self._waiting.appendleft(lease)
            self._grant()
        return f"{reason} (process {process.pid}, exit status {status})"

    async def _serve(self, slot: _Slot, process: WorkerProcess) -> str:
        quiet = 0  # ticks of our own loop without a frame: a stalled parent counts one, not many
        ticks_allowed = max(2, round(self._watch.hung_after / self._watch.ping_every))
        start_ticks = max(2, round(self._watch.start_within / self._watch.ping_every))
        while True:
            try:
                async with asyncio.timeout(self._watch.ping_every):
                    frames = await process.receive()
            except TimeoutError:
                quiet += 1
                if slot.ready and quiet >= ticks_allowed:
                    return f"it answered nothing for {self._watch.hung_after:g} s"
                if not slot.ready and quiet >= start_ticks:
                    return f"it was not ready within {self._watch.start_within:g} s"
                if slot.ready:
                    process.send(Kind.PING)
                continue
            except FrameError as error:
                return f"it sent nonsense ({error})"
            if frames is None:
                return _DIED
            quiet = 0
            for frame in frames:
                self._dispatch(slot, frame)

    def _dispatch(self, slot: _Slot, frame: Frame) -> None:
        if frame.kind is Kind.READY:
            slot.ready = True
            slot.settle(None)
            self._grant()
        elif frame.kind is Kind.REFUSED:
            message = frame.payload.decode(errors="replace")
            _log.error("speech_engine_refused", worker=slot.index, reason=message)
            slot.settle(ConfigError(message))
        elif frame.kind in (Kind.FINAL, Kind.ERROR):
            if (lease := slot.leases.pop(frame.lease, None)) is not None:
                lease._slot = None
                lease.holder.received(frame.kind, frame.payload)
                self._grant()
        elif frame.kind is Kind.PONG and (lease := slot.leases.get(frame.lease)) is not None:
            lease._taken = True
        elif frame.kind is Kind.PARTIAL and (lease := slot.leases.get(frame.lease)) is not None:
            lease.holder.received(frame.kind, frame.payload)


def default_size() -> int:
    """Return one less than the cores this process may run on, at least one."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)) - 1)
    return max(1, (os.cpu_count() or 1) - 1)  # macOS cannot tell
