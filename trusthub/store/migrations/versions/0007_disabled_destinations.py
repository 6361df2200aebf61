"""Destinations that are switched off because messages to them keep failing."""

import sqlalchemy as sa
from alembic import op

import trusthub.store.types

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "disabled",
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("at", trusthub.store.types.UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("enabled_at", trusthub.store.types.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("lane", name=op.f("pk_disabled")),
    )


def downgrade() -> None:
    """Take back. Lanes that are paused stay so."""
    op.drop_table("disabled")
