"""Requests that were not taken, and connections that fall silent."""

import sqlalchemy as sa
from alembic import op

import trusthub.store.types

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "refusal",
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", trusthub.store.types.UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection", name=op.f("pk_refusal")),
    )
    op.create_table(
        "silence",
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("since", trusthub.store.types.UtcDateTime(), nullable=False),
        sa.Column("told_at", trusthub.store.types.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("connection", name=op.f("pk_silence")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("silence")
    op.drop_table("refusal")
