"""Forgetting calls: statements on one connection of the database, each in a transaction of its caller's."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from handoff.ports import MachineRecord
from handoff.storage import tables as t

STEP = 20  # calls a transaction: some 10 ms in which nothing else can be written
FORGOTTEN = (
    "forgotten"  # a machine's name for the largest fencing number of the calls that are gone
)
OF_A_CALL = (
    t.calls,
    t.turns,
    t.decisions,
    t.handoffs,
    t.events,
    t.facts,
    t.dispositions,
    t.machines,
)


def of_caller(caller: str) -> Select[tuple[str]]:
    """The ids of a caller's calls."""
    machines = t.machines.c
    promised = and_(machines.detail["number"].as_string() == caller, machines.call_id.is_not(None))
    found = union(
        select(t.calls.c.call_id).where(t.calls.c.caller == caller),
        select(machines.call_id).where(promised),
    ).subquery()
    return select(found.c.call_id).order_by(found.c.call_id)


def ended_before(at: float, limit: int) -> Select[tuple[str]]:
    """The ids of calls that were over before `at`, longest over first."""
    columns = t.calls.c
    return (
        select(columns.call_id)
        .where(columns.ended_at < at)
        .order_by(columns.ended_at, columns.call_id)
        .limit(limit)
    )


async def largest_epoch(connection: AsyncConnection, call_ids: Sequence[str]) -> int:
    """The largest fencing number of these calls' requests, 0 for none."""
    query = select(func.max(t.handoffs.c.epoch)).where(t.handoffs.c.call_id.in_(call_ids))
    return int((await connection.execute(query)).scalar() or 0)


async def forgotten_epoch(connection: AsyncConnection) -> int:
    """The largest fencing number of all calls that were forgotten, 0 for none."""
    query = select(t.machines.c.detail).where(t.machines.c.machine == FORGOTTEN)
    detail = (await connection.execute(query)).scalar() or {"epoch": 0}
    return int(detail["epoch"])


def epoch_record(epoch: int) -> MachineRecord:
    """What is kept of a fencing number whose call is gone: it must never come again."""
    return MachineRecord(FORGOTTEN, "epoch", 0.0, "given", detail={"epoch": epoch})


async def delete_calls(connection: AsyncConnection, call_ids: Sequence[str]) -> None:
    """Delete all rows of these calls but their labels."""
    for table in OF_A_CALL:
        await connection.execute(delete(table).where(table.c.call_id.in_(call_ids)))


async def delete_before(connection: AsyncConnection, at: float) -> int:
    """Delete old rows that go with no call (`Store.forget_before`); returns how many."""
    machines = t.machines.c
    over: ColumnElement[bool] = or_(machines.call_id.is_not(None), machines.open.is_(False))
    gone = 0
    for statement in (
        delete(t.events).where(t.events.c.at < at),
        delete(t.dispositions).where(t.dispositions.c.at < at),
        delete(t.machines).where(machines.at < at, over),
    ):
        gone += int((await connection.execute(statement)).rowcount)
    return gone
