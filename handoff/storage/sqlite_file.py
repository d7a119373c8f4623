"""SQLite's own: how a file is made, and how each connection to it is set."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from handoff.errors import StorageError

BUSY_TIMEOUT_MS = 10_000  # another process may hold SQLite's one write lock this long


def probe(path: str | None) -> None:
    """Open the file once without the asynchronous driver, whose thread outlives a failure to open.

    A file that is not there is made, for its owner alone; SQLite gives those beside it the same mode.
    """
    if path is None:
        return
    try:
        if not path.startswith((":memory:", "file:")):
            with suppress(OSError):  # it is there, or SQLite says why it cannot be
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        sqlite3.connect(path).close()
    except sqlite3.Error as error:
        raise StorageError(f"{path}: {error}") from error


def begin(connection: Connection) -> None:
    """Begin in so many words: left alone, the driver would run table changes outside any transaction.

    A writer takes the write lock at once, so that it waits for its turn instead of failing half-way.
    """
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def tune(connection: Any, _record: Any) -> None:
    """Set a new connection."""
    connection.isolation_level = None  # the driver begins nothing by itself
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA secure_delete=ON")  # what was deleted is not left in the file
    cursor.close()
