"""What the engine was told, machines, policies, learned versions, dispositions, labels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Apply."""
    op.add_column("calls", sa.Column("model_version", sa.String, nullable=False, server_default=""))
    op.create_table(
        "facts",
        sa.Column("call_id", sa.String, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("now", sa.Double, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("values", JSON, nullable=False),
    )
    op.create_table(
        "dispositions",
        sa.Column("call_id", sa.String, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("verdict", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("hard", sa.Boolean, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_table(
        "labels",
        sa.Column("label_id", sa.String, primary_key=True),
        sa.Column("call_id", sa.String, nullable=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("head", sa.String, nullable=False),
        sa.Column("value", sa.Boolean, nullable=False),
        sa.Column("weight", sa.Double, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )
    op.create_index("labels_by_call", "labels", ["call_id"])
    op.create_table(
        "machines",
        sa.Column("machine", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("call_id", sa.String),
        sa.Column("detail", JSON, nullable=False),
    )
    op.create_index("machines_by_time", "machines", ["machine", "open", "at"])
    op.create_table(
        "policies",
        sa.Column("version", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("values", JSON, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_table(
        "models",
        sa.Column("version", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("parent", sa.String),
        sa.Column("values", JSON, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("proposed_at", sa.Double, nullable=False),
        sa.Column("approved_by", sa.String),
        sa.Column("approved_at", sa.Double),
        sa.Column("retired_at", sa.Double),
    )
    op.create_index(
        "models_one_active",
        "models",
        ["state"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )


def downgrade() -> None:
    """Take back."""
    for table in ("models", "policies", "machines", "labels", "dispositions", "facts"):
        op.drop_table(table)
    with op.batch_alter_table("calls") as calls:
        calls.drop_column("model_version")
