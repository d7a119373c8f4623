"""What made a decision: the value rule, a hard trigger or an operator of their own accord."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply. Takeovers of before were kept as hard triggers, and stay such."""
    with op.batch_alter_table("decisions") as decisions:
        decisions.add_column(sa.Column("kind", sa.String, nullable=False, server_default="soft"))
    op.execute(sa.text("UPDATE decisions SET kind = 'hard' WHERE hard"))
    with op.batch_alter_table("decisions") as decisions:
        decisions.alter_column("kind", server_default=None)
        decisions.drop_column("hard")


def downgrade() -> None:
    """Take back."""
    hard = sa.Column("hard", sa.Boolean, nullable=False, server_default=sa.false())
    with op.batch_alter_table("decisions") as decisions:
        decisions.add_column(hard)
    op.execute(sa.text("UPDATE decisions SET hard = true WHERE kind <> 'soft'"))
    with op.batch_alter_table("decisions") as decisions:
        decisions.alter_column("hard", server_default=None)
        decisions.drop_column("kind")
