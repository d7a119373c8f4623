"""The store over SQLAlchemy: SQLite embedded, PostgreSQL for more than one server.

What `save` promises: all of a batch or nothing, and what it acknowledged survives a kill of the process at
any moment and, on SQLite, a power cut. SQLite therefore runs with a write-ahead log and `synchronous=FULL`: a
commit waits for one fsync, which a batch shares. (With `NORMAL` a power cut could undo the newest commits.)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

from sqlalchemy import Delete, Row, Select, Table, delete, event, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from handoff.errors import StorageError
from handoff.labels import Disposition, Label
from handoff.ports import (
    TIMED,
    CallRecord,
    DecisionRecord,
    EventRecord,
    FactRecord,
    HandoffRecord,
    MachineRecord,
    ModelRecord,
    OperatorRecord,
    PolicyRecord,
    Record,
    SessionRecord,
    Timed,
    TurnRecord,
)
from handoff.storage import forgetting, sqlite_file
from handoff.storage import tables as t
from handoff.storage.migrate import upgrade

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


class SqlStore:
    """A `Store` in a database; open it with `await SqlStore.open(url)`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writer = engine.execution_options(begin="BEGIN IMMEDIATE")
        self._closed = False
        self._writing = asyncio.Lock()  # SQLite has one writer; waiting here is cheaper than there

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect, bring the tables up to date and return the store.

        `url`: `sqlite:///path/to/file.db` or `postgresql://user:password@host/name`. Raises `StorageError`
        when the database cannot be reached, or is newer than this version.
        """
        engine = _engine(url)
        store = cls(engine)
        if engine.dialect.name == "sqlite":
            await asyncio.to_thread(sqlite_file.probe, engine.url.database)
        try:
            async with store._write() as connection:
                await connection.run_sync(upgrade)
        except StorageError:
            await engine.dispose()
            raise
        return store

    # --- writing ----------------------------------------------------------------------------

    async def save(self, records: Sequence[Record]) -> None:
        """Keep all of these or none (see `Store.save`)."""
        if not records:
            return
        batches: dict[Table, list[dict[str, Any]]] = {}
        for record in records:
            batches.setdefault(t.TABLE_OF[type(record)], []).append(t.to_row(record))
        async with self._write() as connection:
            for table, rows in batches.items():
                await connection.execute(self._upsert(table), rows)

    async def delete_session(self, token_hash: str) -> None:
        """Forget a sign-in."""
        async with self._write() as connection:
            await connection.execute(
                delete(t.sessions).where(t.sessions.c.token_hash == token_hash)
            )

    async def delete_sessions(self, operator_id: str) -> None:
        """Forget every sign-in of an operator."""
        async with self._write() as connection:
            await connection.execute(_sessions_of(operator_id))

    async def delete_operator(self, operator_id: str) -> None:
        """Forget an account and its sign-ins."""
        account = delete(t.operators).where(t.operators.c.operator_id == operator_id)
        async with self._write() as connection:
            await connection.execute(_sessions_of(operator_id))
            await connection.execute(account)

    async def delete_expired_sessions(self, now: float) -> int:
        """Forget sign-ins that expired at `now` or earlier."""
        async with self._write() as connection:
            done = await connection.execute(
                delete(t.sessions).where(t.sessions.c.expires_at <= now)
            )
            return int(done.rowcount)

    async def forget_calls(self, call_ids: Sequence[str]) -> None:
        """Forget all that is kept of these calls but their labels; a few calls a transaction."""
        for start in range(0, len(call_ids), forgetting.STEP):
            some = call_ids[start : start + forgetting.STEP]
            async with self._write() as connection:
                epoch = await forgetting.largest_epoch(connection, some)
                if epoch > await forgetting.forgotten_epoch(connection):
                    row = t.to_row(forgetting.epoch_record(epoch))
                    await connection.execute(self._upsert(t.machines), [row])
                await forgetting.delete_calls(connection, some)
        await self._empty_log()

    async def forget_before(self, at: float) -> int:
        """Forget what is old and goes with no call."""
        async with self._write() as connection:
            gone = await forgetting.delete_before(connection, at)
        await self._empty_log()
        return gone

    async def close_unfinished(self, at: float) -> int:
        """Mark calls without an end as ended by a stop of the server."""
        async with self._write() as connection:
            await connection.execute(
                update(t.handoffs)
                .where(t.handoffs.c.ended_at.is_(None))
                .values(ended_at=at, ended_why="server_stopped")
            )
            done = await connection.execute(
                update(t.calls)
                .where(t.calls.c.ended_at.is_(None))
                .values(ended_at=at, outcome="failed", reason="server_stopped")
            )
            return int(done.rowcount)

    # --- reading ----------------------------------------------------------------------------

    async def call(self, call_id: str) -> CallRecord | None:
        """One call."""
        rows = await self._rows(select(t.calls).where(t.calls.c.call_id == call_id))
        return CallRecord(**rows[0]._mapping) if rows else None

    async def calls(self, *, limit: int = 100, before: float | None = None) -> list[CallRecord]:
        """Calls, newest start first."""
        query = (
            select(t.calls).order_by(t.calls.c.started_at.desc(), t.calls.c.call_id).limit(limit)
        )
        if before is not None:
            query = query.where(t.calls.c.started_at < before)
        return [CallRecord(**row._mapping) for row in await self._rows(query)]

    async def turns(self, call_id: str) -> list[TurnRecord]:
        """A call's transcript in order."""
        query = select(t.turns).where(t.turns.c.call_id == call_id).order_by(t.turns.c.seq)
        return [TurnRecord(**row._mapping) for row in await self._rows(query)]

    async def decisions(self, call_id: str) -> list[DecisionRecord]:
        """A call's decisions in order."""
        query = (
            select(t.decisions).where(t.decisions.c.call_id == call_id).order_by(t.decisions.c.seq)
        )
        return [t.decision_from(row) for row in await self._rows(query)]

    async def handoffs(self, call_id: str) -> list[HandoffRecord]:
        """A call's requests for a person in order."""
        query = select(t.handoffs).where(t.handoffs.c.call_id == call_id).order_by(t.handoffs.c.seq)
        return [HandoffRecord(**row._mapping) for row in await self._rows(query)]

    async def events(self, *, call_id: str | None = None, limit: int = 100) -> list[EventRecord]:
        """The audit log, newest first."""
        query = select(t.events).order_by(t.events.c.at.desc(), t.events.c.event_id).limit(limit)
        if call_id is not None:
            query = query.where(t.events.c.call_id == call_id)
        return [EventRecord(**row._mapping) for row in await self._rows(query)]

    async def facts(self, call_id: str) -> list[FactRecord]:
        """What a call's engine was told, in order."""
        query = select(t.facts).where(t.facts.c.call_id == call_id).order_by(t.facts.c.seq)
        return [FactRecord(**row._mapping) for row in await self._rows(query)]

    async def dispositions(self, call_id: str | None = None) -> list[Disposition]:
        """What operators said of handoffs, oldest first."""
        columns = t.dispositions.c
        query = select(t.dispositions).order_by(columns.at, columns.call_id, columns.seq)
        if call_id is not None:
            query = query.where(columns.call_id == call_id)
        return [Disposition(**row._mapping) for row in await self._rows(query)]

    async def labels(self, call_id: str | None = None) -> list[Label]:
        """What was judged, oldest first."""
        query = select(t.labels).order_by(t.labels.c.at, t.labels.c.label_id)
        if call_id is not None:
            query = query.where(t.labels.c.call_id == call_id)
        return [Label(**row._mapping) for row in await self._rows(query)]

    async def recent(self, kind: type[Timed], since: float, *, limit: int) -> list[Timed]:
        """What came of `since` or later, oldest first; the newest `limit`."""
        table = t.TABLE_OF[kind]
        moment = table.c[TIMED[kind]]
        query = (
            select(table)
            .where(moment >= since)
            .order_by(moment.desc(), *(column.desc() for column in table.primary_key))
            .limit(limit)
        )
        return [t.timed_from(kind, row) for row in reversed(await self._rows(query))]

    async def machine_records(
        self, machine: str, *, open_only: bool = False, since: float | None = None
    ) -> list[MachineRecord]:
        """A machine's records, oldest state first."""
        columns = t.machines.c
        query = (
            select(t.machines).where(columns.machine == machine).order_by(columns.at, columns.key)
        )
        if open_only:
            query = query.where(columns.open)
        if since is not None:
            query = query.where(columns.at >= since)
        return [MachineRecord(**row._mapping) for row in await self._rows(query)]

    async def machine_record(self, machine: str, key: str) -> MachineRecord | None:
        """One record of a machine."""
        columns = t.machines.c
        query = select(t.machines).where(columns.machine == machine, columns.key == key)
        rows = await self._rows(query)
        return MachineRecord(**rows[0]._mapping) if rows else None

    async def policy(self, version: str) -> PolicyRecord | None:
        """A policy by its version."""
        rows = await self._rows(select(t.policies).where(t.policies.c.version == version))
        return PolicyRecord(**rows[0]._mapping) if rows else None

    async def policies(self) -> list[PolicyRecord]:
        """All policies, oldest first."""
        query = select(t.policies).order_by(t.policies.c.created_at, t.policies.c.version)
        return [PolicyRecord(**row._mapping) for row in await self._rows(query)]

    async def models(self) -> list[ModelRecord]:
        """All learned versions, oldest proposal first."""
        query = select(t.models).order_by(t.models.c.proposed_at, t.models.c.version)
        return [ModelRecord(**row._mapping) for row in await self._rows(query)]

    async def operator(self, operator_id: str) -> OperatorRecord | None:
        """An account by its id."""
        return await self._one_operator(t.operators.c.operator_id == operator_id)

    async def operator_by_name(self, name: str) -> OperatorRecord | None:
        """An account by its name."""
        return await self._one_operator(t.operators.c.name == name)

    async def list_operators(self) -> list[OperatorRecord]:
        """All accounts by name."""
        rows = await self._rows(select(t.operators))
        return sorted((t.operator_from(row) for row in rows), key=lambda o: o.name)

    async def session(self, token_hash: str) -> SessionRecord | None:
        """A sign-in, expired or not."""
        rows = await self._rows(select(t.sessions).where(t.sessions.c.token_hash == token_hash))
        return SessionRecord(**rows[0]._mapping) if rows else None

    async def calls_of(self, caller: str) -> list[str]:
        """The ids of a caller's calls."""
        return [row[0] for row in await self._rows(forgetting.of_caller(caller))]

    async def calls_ended_before(self, at: float, *, limit: int) -> list[str]:
        """The ids of calls that were over before `at`, longest over first."""
        return [row[0] for row in await self._rows(forgetting.ended_before(at, limit))]

    async def last_epoch(self) -> int:
        """The largest fencing number ever stored."""
        async with self._transaction(self._engine) as connection:
            kept = await connection.execute(select(func.max(t.handoffs.c.epoch)))
            return max(kept.scalar() or 0, await forgetting.forgotten_epoch(connection))

    async def aclose(self) -> None:
        """Let go of connections and files."""
        self._closed = True
        await self._engine.dispose()

    # --- the shared part --------------------------------------------------------------------

    async def _one_operator(self, condition: Any) -> OperatorRecord | None:
        rows = await self._rows(select(t.operators).where(condition))
        return t.operator_from(rows[0]) if rows else None

    async def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        async with self._transaction(self._engine) as connection:
            rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
        return rows

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[AsyncConnection]:
        async with self._writing, self._transaction(self._writer) as connection:
            yield connection

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        if self._closed:
            raise StorageError("the store is closed")
        try:
            async with engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise StorageError(_reason(error)) from error

    async def _empty_log(self) -> None:
        """Write SQLite's log into the file and cut it to nothing: the log holds what was deleted. One that
        somebody reads meanwhile is left for the next time."""
        if self._engine.dialect.name == "sqlite":
            alone = self._engine.execution_options(begin="SELECT 1")  # not within a transaction
            async with self._writing, self._transaction(alone) as connection:
                await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def _upsert(self, table: Table) -> Any:
        insert = sqlite.insert if self._engine.dialect.name == "sqlite" else postgresql.insert
        statement = insert(table)
        keys = [column.name for column in table.primary_key]
        rest = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys}
        return statement.on_conflict_do_update(index_elements=keys, set_=rest)


def _sessions_of(operator_id: str) -> Delete:
    return delete(t.sessions).where(t.sessions.c.operator_id == operator_id)


def _engine(url: str) -> AsyncEngine:
    try:
        parsed: URL = make_url(url)
    except ArgumentError as error:
        raise StorageError(f"'{url}' is not a database URL, e.g. sqlite:///calls.db") from error
    name = parsed.get_backend_name()
    driver = DRIVERS.get(name)
    if driver is None:
        raise StorageError(f"database '{name}' is not supported: use sqlite or postgresql")
    try:
        engine = create_async_engine(parsed.set(drivername=driver))
    except ModuleNotFoundError as error:
        raise StorageError(f"the driver for {name} is missing: install '{error.name}'") from error
    if name == "sqlite":
        event.listen(engine.sync_engine, "connect", sqlite_file.tune)
        event.listen(engine.sync_engine, "begin", sqlite_file.begin)
    return engine


def _reason(error: Exception) -> str:
    """The database's own words without the statement and its values, which may be a caller's."""
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {cause}".splitlines()[0]
