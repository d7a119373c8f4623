"""The demo's own server: a child process on a free port, with accounts made for it."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from handoff.storage import SqlStore
from voice_hitl.config import DATABASE
from voice_hitl.data_folder import SERVER_FILE
from voice_hitl.errors import VoiceHitlError
from voice_hitl.server.auth import Accounts

HOST = "127.0.0.1"
START_LIMIT = 180.0  # seconds; models are made on the first start, slowly on a busy machine
STOP_LIMIT = 30.0
_POLL = 0.05
_LOG = "server.log"
_TAIL = 15  # lines of the log that an error shows


@dataclass(frozen=True, slots=True)
class Account:
    """An operator who can sign in."""

    name: str
    password: str


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Where the server is reached."""

    port: int
    data: Path

    @property
    def url(self) -> str:
        """Base URL without a trailing slash."""
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """What the server wrote."""
        return self.data / _LOG


def account(name: str) -> Account:
    """A name with a fresh password that is easy enough to type."""
    return Account(name, "-".join(secrets.token_hex(2) for _ in range(3)))


async def make_accounts(data: Path, accounts: Sequence[Account]) -> None:
    """Write accounts into the database that the server will open."""
    store = await SqlStore.open(f"sqlite:///{(data / DATABASE).resolve()}")
    try:
        book = Accounts(store, session_seconds=0)
        for each in accounts:
            await book.add(each.name, each.password, time.time())
    finally:
        await store.aclose()


@asynccontextmanager
async def serving(pack: Path, data: Path) -> AsyncIterator[RunningServer]:
    """Run `voice-hitl serve` with defaults, on a pack's absolute path, until the block ends.

    Raises `VoiceHitlError` with the end of the server's log when it does not come up.
    """
    # Neither a configuration file in this folder nor the environment's settings are the demo's.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("VOICE_HITL_")}
    command = ["-m", "voice_hitl.cli", "serve", "--port", "0"]
    command += ["--data", str(data), "--pack", str(pack)]
    log = data / _LOG
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            cwd=data,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
        try:
            yield RunningServer(await _port(process, data, log), data)
        finally:
            await _stop(process)


async def _port(process: asyncio.subprocess.Process, data: Path, log: Path) -> int:
    """Wait until the server says where it listens."""
    said = data / SERVER_FILE
    try:
        async with asyncio.timeout(START_LIMIT):
            while not said.exists():
                if process.returncode is not None:
                    raise VoiceHitlError(f"the demo's server stopped at once:\n{_tail(log)}")
                await asyncio.sleep(_POLL)
    except TimeoutError as error:
        raise VoiceHitlError(
            f"the demo's server was not ready in {START_LIMIT:.0f} s:\n{_tail(log)}"
        ) from error
    return int(orjson.loads(said.read_bytes())["port"])


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_LIMIT):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-_TAIL:]) or "(it wrote nothing)"
