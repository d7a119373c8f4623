"""The bank's SQLite file: made and seeded when first needed, read and changed off the event loop."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from voice_hitl.agent.tools import ToolResult
from voice_hitl.errors import ToolError

_SCHEMA = Path(__file__).with_name("bank.sql")
_LOCK_SECONDS = 2.0  # under every tool's timeout, so that what timed out does not happen later
T = TypeVar("T")


class Ledger:
    """One SQLite file; each operation has its own connection in a worker thread."""

    def __init__(self, file: Path, today: Callable[[], dt.date]) -> None:
        self._file = file
        self._today = today
        self._lock = threading.Lock()
        self._ready = False

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Look something up. Raises `ToolError` when the file cannot be used."""

        def run() -> T:
            with self._database() as db:
                return work(db)

        return await asyncio.to_thread(run)

    async def change(
        self, action_id: str, work: Callable[[sqlite3.Connection], ToolResult]
    ) -> ToolResult:
        """Do one change in one transaction, once for each action id.

        Raises `ToolError`, after which nothing has been changed.
        """

        def run() -> ToolResult:
            with self._database() as db:
                db.execute("BEGIN IMMEDIATE")
                done = db.execute(
                    "SELECT report, result FROM actions WHERE action_id = ?", (action_id,)
                ).fetchone()
                if done is not None:
                    return ToolResult(done[0], json.loads(done[1]))
                result = work(db)
                db.execute(
                    "INSERT INTO actions VALUES (?, ?, ?)",
                    (action_id, result.report, json.dumps(dict(result.values))),
                )
                db.execute("COMMIT")
                return result

        return await asyncio.to_thread(run)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """A connection for one operation; what is not committed is rolled back on the way out."""
        try:
            self._prepare()
            db = sqlite3.connect(self._file, timeout=_LOCK_SECONDS, isolation_level=None)
            try:
                db.execute("PRAGMA foreign_keys = ON")
                yield db
            finally:
                db.close()
        except (sqlite3.Error, OSError) as error:
            raise ToolError(f"bank database: {error}") from error

    def _prepare(self) -> None:
        with self._lock:
            if self._ready:
                return
            self._file.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._file, timeout=_LOCK_SECONDS, isolation_level=None)
            try:
                db.execute("PRAGMA journal_mode = WAL")
                db.create_function("today", 0, lambda: self._today().isoformat())
                db.execute("BEGIN IMMEDIATE")
                if not db.execute(
                    "SELECT 1 FROM sqlite_master WHERE name = 'customers'"
                ).fetchone():
                    _run_script(db, _SCHEMA.read_text(encoding="utf-8"))
                db.execute("COMMIT")
            finally:
                db.close()
            self._ready = True


def _run_script(db: sqlite3.Connection, script: str) -> None:
    """Run statements inside the open transaction, which `executescript` would commit."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""
