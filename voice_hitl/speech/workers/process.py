"""One worker process and the socket to it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from voice_hitl.speech.workers.frames import Frame, FrameReader, Kind, encode

# Below the media loop's priority: a late frame is heard, a text that comes 20 ms later is not.
RECOGNITION_NICENESS = 2
_READ = 65536


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """What a worker loads.

    `engine` names a callable, ``module:name``, that takes `options` (JSON values only) and returns an
    engine; `niceness` lowers the worker's priority below the media loop's (0..19).
    """

    engine: str
    options: Mapping[str, Any] = field(default_factory=dict)
    niceness: int = 0

    def encode(self) -> bytes:
        """Return the payload of the CONFIGURE frame."""
        return orjson.dumps(
            {"engine": self.engine, "options": dict(self.options), "niceness": self.niceness}
        )


class WorkerProcess:
    """A spawned worker; `send` never blocks, `receive` waits for the next frames."""

    def __init__(
        self, process: Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._frames = FrameReader()

    @classmethod
    async def spawn(cls, spec: EngineSpec) -> WorkerProcess:
        """Start a worker and tell it what to load; `OSError` if there is no room for one."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                # Its own session: Ctrl-C at the terminal is the parent's to handle.
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "voice_hitl.speech.worker_main",
                    str(theirs.fileno()),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
            except BaseException:
                ours.close()
                raise
        try:
            reader, writer = await asyncio.open_connection(sock=ours)
        except BaseException:
            ours.close()
            process.kill()
            raise
        worker = cls(process, reader, writer)
        worker.send(Kind.CONFIGURE, payload=spec.encode())
        return worker

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def send(self, kind: Kind, lease: int = 0, payload: bytes = b"") -> None:
        """Queue one frame. To a dead worker it is lost, which `receive` tells."""
        if not self._writer.is_closing():
            self._writer.write(encode(kind, lease, payload))

    async def receive(self) -> list[Frame] | None:
        """Return the next frames, or None when the worker closed its end.

        Raises `FrameError`. Safe to cancel: nothing that has arrived is lost.
        """
        while True:
            try:
                data = await self._reader.read(_READ)
            except ConnectionError:
                return None
            if not data:
                return None
            if frames := self._frames.receive(data):
                return frames

    async def stop(self, *, grace: float = 0.0) -> int:
        """Kill the process, which keeps nothing worth saving, and return its exit status.

        A process that ends by itself within `grace` seconds keeps its own status. Even if this is
        cancelled it returns only when the process is gone, within milliseconds.
        """
        gone = asyncio.ensure_future(self._process.wait())
        try:
            if grace:
                await asyncio.wait({gone}, timeout=grace)
        finally:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._writer.transport.abort()
            try:
                await asyncio.shield(gone)
            except asyncio.CancelledError:
                await gone
                raise
        return gone.result()
