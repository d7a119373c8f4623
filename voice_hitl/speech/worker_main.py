"""The worker process: ``python -m voice_hitl.speech.worker_main FD``, started by the pool only.

One thread. Between two slices of work it reads what the parent says, so a worker that answers pings is
a worker that works; one that is stuck in its engine answers nothing and is replaced. It ends when
its parent does: the socket closes, or (Linux) the kernel says so.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, cast

import orjson

from voice_hitl.errors import ConfigError, PackError, SpeechError
from voice_hitl.speech.workers.frames import Frame, FrameReader, Kind, encode
from voice_hitl.speech.workers.tasks import Engine, Task

_READ = 65536
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


class ParentGone(Exception):
    """The parent closed its end of the socket."""


class WorkerLoop:
    """Serves the leases of one worker over a connected socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = FrameReader()
        self._tasks: dict[int, Task] = {}
        self._engine: Engine | None = None

    def run(self) -> None:
        """Serve until `ParentGone` is raised, or the engine refuses its options."""
        while True:
            lease = self._next()
            for frame in self._receive(wait=lease is None):
                if not self._handle(frame):
                    return
            if lease is not None and (task := self._tasks.get(lease)) is not None:
                self._step(lease, task)

    def _next(self) -> int | None:
        """Return the lease to work for: the most urgent, and among equals the longest unserved."""
        urgencies = (
            (urgency, lease)
            for lease, task in self._tasks.items()
            if (urgency := task.urgency()) is not None
        )
        best = min(urgencies, key=lambda pair: pair[0], default=None)
        return None if best is None else best[1]

    def _receive(self, *, wait: bool) -> list[Frame]:
        readable, _, _ = select.select([self._connection], [], [], None if wait else 0)
        if not readable:
            return []
        try:
            data = self._connection.recv(_READ)
        except ConnectionError as error:
            raise ParentGone from error
        if not data:
            raise ParentGone
        return self._reader.receive(data)

    def _handle(self, frame: Frame) -> bool:
        if frame.kind is Kind.CONFIGURE:
            return self._configure(frame.payload)
        if frame.kind is Kind.PING:
            self._send(Kind.PONG, frame.lease)
        elif frame.kind is Kind.OPEN:
            self._open(frame)
        elif (task := self._tasks.get(frame.lease)) is not None:
            if frame.kind is Kind.FEED:
                task.feed(frame.payload)
            elif frame.kind is Kind.FINISH:
                task.finish()
            elif frame.kind is Kind.CANCEL:
                self._tasks.pop(frame.lease).close()
        return True

    def _configure(self, payload: bytes) -> bool:
        spec = orjson.loads(payload)
        os.nice(spec["niceness"])
        try:
            self._engine = _factory(spec["engine"])(spec["options"])
        except (ConfigError, PackError) as error:
            self._send(Kind.REFUSED, payload=str(error).encode())
            return False
        self._send(Kind.READY)
        return True

    def _open(self, frame: Frame) -> None:
        if self._engine is None:
            self._send(Kind.ERROR, frame.lease, b"the engine is not loaded")
            return
        try:
            self._tasks[frame.lease] = self._engine.open(frame.payload)
        except (SpeechError, ValueError, RuntimeError) as error:
            self._send(Kind.ERROR, frame.lease, _message(error))

    def _step(self, lease: int, task: Task) -> None:
        del self._tasks[lease]  # and put back at the end: equals take turns
        try:
            over = task.step(lambda kind, payload: self._send(kind, lease, payload))
        except (SpeechError, ValueError, RuntimeError) as error:
            # What an engine raises of bad input. Anything else is a bug: the worker dies of it, is
            # replaced, and its leases move on.
            self._send(Kind.ERROR, lease, _message(error))
            over = True
        if over:
            task.close()
        else:
            self._tasks[lease] = task

    def _send(self, kind: Kind, lease: int = 0, payload: bytes = b"") -> None:
        try:
            self._connection.sendall(encode(kind, lease, payload))
        except ConnectionError as error:
            raise ParentGone from error


def _factory(name: str) -> Callable[[dict[str, Any]], Engine]:
    module, _, attribute = name.partition(":")
    return cast(
        Callable[[dict[str, Any]], Engine], getattr(importlib.import_module(module), attribute)
    )


def _message(error: Exception) -> bytes:
    return f"{type(error).__name__}: {error}".encode()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> int:
    """Run the worker on the socket whose descriptor is the first argument."""
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        try:
            WorkerLoop(connection).run()
        except ParentGone:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
