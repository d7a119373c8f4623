"""What only a database can promise: it opens, it migrates, it survives a killed process."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text

from handoff.errors import StorageError
from handoff.ports import CallRecord, EventRecord, TurnRecord
from handoff.storage import SqlStore
from handoff.storage.migrate import HERE, upgrade
from handoff.storage.tables import metadata

CHILD = Path(__file__).with_name("killed_writer.py")
BATCH = 7  # turns a batch, as the child writes them


def modes(folder: Path) -> set[int]:
    return {file.stat().st_mode & 0o777 for file in folder.iterdir()}


async def test_what_is_made_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path}/calls.db")
    assert modes(tmp_path) == {0o600}
    await store.aclose()


async def test_opening_again_finds_what_was_kept(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/calls.db"
    call = CallRecord("c1", "+1", "banking", "en", 1.0)
    first = await SqlStore.open(url)
    await first.save([call])
    await first.aclose()
    second = await SqlStore.open(url)
    assert await second.calls() == [call]
    await second.aclose()


async def test_nothing_of_what_was_forgotten_is_left_in_the_files(tmp_path: Path) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path}/calls.db")
    long = "my secret word is mallard " * 400  # more than a page
    turns = [TurnRecord("c1", n, 1, "caller", long, 1.0) for n in range(20)]
    await store.save([CallRecord("c1", "+1", "banking", "en", 1.0), *turns])
    await store.save([replace(turn, text="it is mallard") for turn in turns[:10]])
    event = EventRecord("e1", 1.0, "ann", "noted", detail={"word": "mallard"})
    await store.save([event])

    def found() -> bool:
        return any(b"mallard" in file.read_bytes() for file in tmp_path.iterdir())

    assert found()
    await store.forget_calls(["c1"])
    await store.forget_before(2.0)
    assert not found()
    await store.aclose()


async def test_two_servers_may_open_one_new_database_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/calls.db"
    stores = await asyncio.gather(*(SqlStore.open(url) for _ in range(4)))
    for number, store in enumerate(stores):
        await store.save([CallRecord(f"c{number}", "+1", "banking", "en", 1.0)])
    assert len(await stores[0].calls()) == 4
    for store in stores:
        await store.aclose()


async def test_a_migration_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from handoff.storage import sql

    def half(connection: Connection) -> None:
        upgrade(connection)
        raise OSError("the disk is full")

    monkeypatch.setattr(sql, "upgrade", half)
    with pytest.raises(StorageError, match="disk is full"):
        await SqlStore.open(f"sqlite:///{tmp_path}/calls.db")
    with closing(sqlite3.connect(tmp_path / "calls.db")) as raw:
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == []


async def test_migrations_make_exactly_the_tables_of_the_code(tmp_path: Path) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path}/calls.db")
    await store.aclose()
    engine = create_engine(f"sqlite:///{tmp_path}/calls.db")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


async def test_a_database_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    config = Config()
    config.set_main_option("script_location", str(HERE))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO calls VALUES ('c1', '+1', 'banking', 'en', 1.0, '', NULL, NULL, NULL, 0)"
            )
        )
    engine.dispose()
    store = await SqlStore.open(f"sqlite:///{path}")
    assert await store.calls() == [CallRecord("c1", "+1", "banking", "en", 1.0)]
    assert await store.labels() == []
    await store.aclose()


async def test_migrations_can_be_taken_back(tmp_path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    engine = create_engine(f"sqlite:///{tmp_path}/calls.db")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        command.downgrade(config, "base")
        names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
        assert [name for (name,) in names] == ["alembic_version"]
    engine.dispose()


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    store = await SqlStore.open(f"sqlite:///{path}")
    await store.aclose()
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageError, match="made by another version"):
        await SqlStore.open(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


async def test_sqlite_is_durable(tmp_path: Path) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path}/calls.db")
    async with store._engine.connect() as connection:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2)):
            result = await connection.exec_driver_sql(f"PRAGMA {pragma}")
            assert result.scalar() == value
    await store.aclose()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "is not a database URL"),
        ("mysql://host/name", "'mysql' is not supported: use sqlite or postgresql"),
        ("postgresql://nobody@127.0.0.1:1/calls", "Connect|driver"),
        ("sqlite:////proc/nowhere/calls.db", "nowhere/calls.db: unable to open database file"),
    ],
)
async def test_a_url_that_cannot_be_opened_is_one_clear_error(url: str, words: str) -> None:
    with pytest.raises(StorageError, match=words):
        await SqlStore.open(url)


async def test_an_error_does_not_repeat_what_a_caller_said(tmp_path: Path) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path}/calls.db")
    call = CallRecord(None, "my secret is 1234", "banking", "en", 1.0)  # type: ignore[arg-type]
    with pytest.raises(StorageError) as caught:
        await store.save([call])
    assert "NOT NULL" in str(caught.value)
    assert "1234" not in str(caught.value)
    await store.aclose()


async def test_saving_does_not_block_the_event_loop(tmp_path: Path) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path}/calls.db")
    await store.save([CallRecord("warm", "+1", "banking", "en", 1.0)])
    gaps: list[float] = []

    async def watch() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    watcher = asyncio.ensure_future(watch())
    for number in range(20):
        await store.save([CallRecord(f"c{number}", "+1", "banking", "en", 1.0)])
    watcher.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watcher
    # A median, because this machine may be busy; a commit on the loop would show in every gap.
    assert sorted(gaps)[len(gaps) // 2] < 0.005
    await store.aclose()


@pytest.mark.parametrize("batches", [1, 2, 10, 50])
async def test_a_killed_server_loses_nothing_that_it_acknowledged(
    tmp_path: Path, batches: int
) -> None:
    """The child prints a line for every batch that `save` returned from; it is killed in the middle."""
    path = tmp_path / "calls.db"
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(CHILD), f"sqlite:///{path}", stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert await child.stdout.readline() == b"ready\n"
    said = b"".join([await child.stdout.readline() for _ in range(batches)])
    child.kill()  # it is on its way through the next save, or some way further
    said += await child.stdout.read()
    acknowledged = said[: said.rfind(b"\n") + 1].decode().split()
    assert await child.wait() == -signal.SIGKILL
    assert len(acknowledged) >= batches

    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    store = await SqlStore.open(f"sqlite:///{path}")
    kept = {call.call_id for call in await store.calls(limit=1_000_000)}
    assert kept >= set(acknowledged), "no acknowledged batch is lost"
    assert len(kept) - len(acknowledged) <= 1, "at most the one under way is more"
    for call_id in kept:
        assert len(await store.turns(call_id)) == BATCH, "and none is there in part"
        (decision,) = await store.decisions(call_id)
        assert decision.reasons
    assert await store.close_unfinished(1.0) == len(kept)
    await store.aclose()
