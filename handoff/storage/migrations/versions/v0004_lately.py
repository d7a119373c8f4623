"""Finding what happened lately without reading all that ever did."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

BY_TIME = (
    ("calls_by_end", "calls", "ended_at"),
    ("handoffs_by_end", "handoffs", "ended_at"),
    ("decisions_by_time", "decisions", "at"),
    ("dispositions_by_time", "dispositions", "at"),
    ("labels_by_time", "labels", "at"),
)


def upgrade() -> None:
    """Apply."""
    for name, table, column in BY_TIME:
        op.create_index(name, table, [column])


def downgrade() -> None:
    """Take back."""
    for name, table, _ in BY_TIME:
        op.drop_index(name, table)
