"""What operators know, which languages they speak, and what they may decide."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Apply."""
    op.add_column("operators", sa.Column("skills", JSON, nullable=False, server_default="[]"))
    op.add_column("operators", sa.Column("languages", JSON, nullable=False, server_default="[]"))
    op.add_column(
        "operators", sa.Column("seniority", sa.String, nullable=False, server_default="standard")
    )


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("operators") as operators:
        for column in ("seniority", "languages", "skills"):
            operators.drop_column(column)
