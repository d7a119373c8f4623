"""The tables, and how records become rows and rows records.

A column is named like the record's field. There are no foreign keys on purpose: records arrive in batches
from a write-behind journal, and one missing parent must not hold up every later call's rows for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from handoff.commands import Reason
from handoff.labels import Disposition, Label
from handoff.ports import (
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
    json_ready,
)

metadata = MetaData()
Json = JSON().with_variant(JSONB(), "postgresql")

calls = Table(
    "calls",
    metadata,
    Column("call_id", String, primary_key=True),
    Column("caller", String, nullable=False),
    Column("pack", String, nullable=False),
    Column("language", String, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("policy_version", String, nullable=False),
    Column("ended_at", Double),
    Column("outcome", String),
    Column("reason", String),
    Column("safe_mode", Boolean, nullable=False),
    Column("model_version", String, nullable=False, server_default=""),
    Index("calls_by_start", "started_at"),
    Index("calls_by_end", "ended_at"),
)
turns = Table(
    "turns",
    metadata,
    Column("call_id", String, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("turn", Integer, nullable=False),
    Column("role", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("heard", Text),
    Column("asr_confidence", Double),
    Column("intent", String),
    Column("confidence", Double),
    Column("risk", Double),
    Column("signals", Json, nullable=False),
    Column("latency_ms", Json, nullable=False),
)
decisions = Table(
    "decisions",
    metadata,
    Column("call_id", String, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("turn", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Column("hand_off", Boolean, nullable=False),
    Column("kind", String, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("risk", Double, nullable=False),
    Column("breakdown", Double, nullable=False),
    Column("error", Double, nullable=False),
    Column("value", Double, nullable=False),
    Column("urgency", String, nullable=False),
    Column("reasons", Json, nullable=False),
    Column("policy_version", String, nullable=False),
    Index("decisions_by_time", "at"),
)
handoffs = Table(
    "handoffs",
    metadata,
    Column("call_id", String, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("requested_at", Double, nullable=False),
    Column("brief", Json, nullable=False),
    Column("offered_at", Double),
    Column("accepted_at", Double),
    Column("bridged_at", Double),
    Column("ended_at", Double),
    Column("ended_why", String),
    Column("operator_id", String),
    Column("epoch", Integer),
    Index("handoffs_by_epoch", "epoch"),
    Index("handoffs_by_end", "ended_at"),
)
operators = Table(
    "operators",
    metadata,
    Column("operator_id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("password_hash", String, nullable=False),
    Column("role", String, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("skills", Json, nullable=False),
    Column("languages", Json, nullable=False),
    Column("seniority", String, nullable=False),
)
sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String, primary_key=True),
    Column("operator_id", String, nullable=False),
    Column("expires_at", Double, nullable=False),
    Index("sessions_by_expiry", "expires_at"),
)
events = Table(
    "events",
    metadata,
    Column("event_id", String, primary_key=True),
    Column("at", Double, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("call_id", String),
    Column("detail", Json, nullable=False),
    Index("events_by_time", "at"),
    Index("events_by_call", "call_id", "at"),
)
facts = Table(
    "facts",
    metadata,
    Column("call_id", String, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("now", Double, nullable=False),
    Column("kind", String, nullable=False),
    Column("values", Json, nullable=False),
)
dispositions = Table(
    "dispositions",
    metadata,
    Column("call_id", String, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("turn", Integer, nullable=False),
    Column("verdict", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("hard", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Index("dispositions_by_time", "at"),
)
labels = Table(
    "labels",
    metadata,
    Column("label_id", String, primary_key=True),
    Column("call_id", String, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("head", String, nullable=False),
    Column("value", Boolean, nullable=False),
    Column("weight", Double, nullable=False),
    Column("source", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at", Double, nullable=False),
    Index("labels_by_call", "call_id"),
    Index("labels_by_time", "at"),
)
machines = Table(
    "machines",
    metadata,
    Column("machine", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("at", Double, nullable=False),
    Column("state", String, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("call_id", String),
    Column("detail", Json, nullable=False),
    Index("machines_by_time", "machine", "open", "at"),
)
policies = Table(
    "policies",
    metadata,
    Column("version", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("values", Json, nullable=False),
    Column("created_at", Double, nullable=False),
)
models = Table(
    "models",
    metadata,
    Column("version", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("parent", String),
    Column("values", Json, nullable=False),
    Column("state", String, nullable=False),
    Column("evidence", Json, nullable=False),
    Column("proposed_at", Double, nullable=False),
    Column("approved_by", String),
    Column("approved_at", Double),
    Column("retired_at", Double),
    # Two people who approve at once: the second is refused.
    Index(
        "models_one_active",
        "state",
        unique=True,
        sqlite_where=text("state = 'active'"),
        postgresql_where=text("state = 'active'"),
    ),
)

TABLE_OF: Mapping[type[Record], Table] = {
    CallRecord: calls,
    TurnRecord: turns,
    DecisionRecord: decisions,
    HandoffRecord: handoffs,
    OperatorRecord: operators,
    SessionRecord: sessions,
    EventRecord: events,
    FactRecord: facts,
    MachineRecord: machines,
    PolicyRecord: policies,
    ModelRecord: models,
    Disposition: dispositions,
    Label: labels,
}


def to_row(record: Record) -> dict[str, Any]:
    """A record as column values."""
    row = {field.name: json_ready(getattr(record, field.name)) for field in fields(record)}
    if isinstance(record, DecisionRecord):
        row["reasons"] = [asdict(reason) for reason in record.reasons]
    return row


def operator_from(row: Row[Any]) -> OperatorRecord:
    """A row of `operators` as a record."""
    values = dict(row._mapping)
    for name in ("skills", "languages"):
        values[name] = tuple(values[name])
    return OperatorRecord(**values)


def decision_from(row: Row[Any]) -> DecisionRecord:
    """A row of `decisions` as a record."""
    values = dict(row._mapping)
    values["reasons"] = tuple(Reason(**reason) for reason in values["reasons"])
    return DecisionRecord(**values)


def timed_from(kind: type[Timed], row: Row[Any]) -> Timed:
    """A row as a record of its kind."""
    record = decision_from(row) if kind is DecisionRecord else kind(**row._mapping)
    assert isinstance(record, kind)
    return record
