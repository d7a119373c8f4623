"""Brings a database's tables up to date, by the migrations in `migrations/`."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text

from handoff.errors import StorageError

HERE = Path(__file__).parent / "migrations"
LOCK = 7_226_480_321  # any number: names this migration among PostgreSQL's advisory locks


def upgrade(connection: Connection) -> None:
    """Run what is missing inside the connection's transaction: a failure leaves the database as it was.

    Raises `StorageError` when the database was made by a newer version.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StorageError(
            f"the database was made by another version of this software ({error}): "
            "use that version or another database"
        ) from error
