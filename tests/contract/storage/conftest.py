"""One suite, every store: in memory, SQLite, and PostgreSQL where `VOICE_HITL_TEST_POSTGRES` names one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from handoff.errors import StorageError
from handoff.ports import Store
from handoff.storage import SqlStore
from handoff.storage.tables import metadata
from handoff.testing import MemoryStore

POSTGRES = "VOICE_HITL_TEST_POSTGRES"


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store."""
    opened: Store
    match request.param:
        case "memory":
            opened = MemoryStore()
        case "sqlite":
            opened = await SqlStore.open(f"sqlite:///{tmp_path}/calls.db")
        case _:
            opened = await _postgres()
    yield opened
    await opened.aclose()


async def _postgres() -> SqlStore:
    url = os.environ.get(POSTGRES)
    if not url:
        pytest.skip(f"{POSTGRES} is not set")
    try:
        store = await SqlStore.open(url)
    except StorageError as error:
        pytest.skip(f"{POSTGRES} cannot be used: {error}")
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        names = ", ".join(metadata.tables)
        await connection.execute(text(f"TRUNCATE {names}"))
    await engine.dispose()
    return store
