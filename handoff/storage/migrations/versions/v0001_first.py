"""Calls, turns, decisions, handoffs, operators, sessions, events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "calls",
        sa.Column("call_id", sa.String, primary_key=True),
        sa.Column("caller", sa.String, nullable=False),
        sa.Column("pack", sa.String, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("policy_version", sa.String, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.Column("outcome", sa.String),
        sa.Column("reason", sa.String),
        sa.Column("safe_mode", sa.Boolean, nullable=False),
    )
    op.create_index("calls_by_start", "calls", ["started_at"])
    op.create_table(
        "turns",
        sa.Column("call_id", sa.String, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("heard", sa.Text),
        sa.Column("asr_confidence", sa.Double),
        sa.Column("intent", sa.String),
        sa.Column("confidence", sa.Double),
        sa.Column("risk", sa.Double),
        sa.Column("signals", JSON, nullable=False),
        sa.Column("latency_ms", JSON, nullable=False),
    )
    op.create_table(
        "decisions",
        sa.Column("call_id", sa.String, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("hand_off", sa.Boolean, nullable=False),
        sa.Column("hard", sa.Boolean, nullable=False),
        sa.Column("confidence", sa.Double, nullable=False),
        sa.Column("risk", sa.Double, nullable=False),
        sa.Column("breakdown", sa.Double, nullable=False),
        sa.Column("error", sa.Double, nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("urgency", sa.String, nullable=False),
        sa.Column("reasons", JSON, nullable=False),
        sa.Column("policy_version", sa.String, nullable=False),
    )
    op.create_table(
        "handoffs",
        sa.Column("call_id", sa.String, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("requested_at", sa.Double, nullable=False),
        sa.Column("brief", JSON, nullable=False),
        sa.Column("offered_at", sa.Double),
        sa.Column("accepted_at", sa.Double),
        sa.Column("bridged_at", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.Column("ended_why", sa.String),
        sa.Column("operator_id", sa.String),
        sa.Column("epoch", sa.Integer),
    )
    op.create_index("handoffs_by_epoch", "handoffs", ["epoch"])
    op.create_table(
        "operators",
        sa.Column("operator_id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False, unique=True),
        sa.Column("password_hash", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String, primary_key=True),
        sa.Column("operator_id", sa.String, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    op.create_index("sessions_by_expiry", "sessions", ["expires_at"])
    op.create_table(
        "events",
        sa.Column("event_id", sa.String, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("call_id", sa.String),
        sa.Column("detail", JSON, nullable=False),
    )
    op.create_index("events_by_time", "events", ["at"])
    op.create_index("events_by_call", "events", ["call_id", "at"])


def downgrade() -> None:
    """Take back."""
    for table in ("events", "sessions", "operators", "handoffs", "decisions", "turns", "calls"):
        op.drop_table(table)
