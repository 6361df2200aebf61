"""Who keeps a promise, what it rests on, when people are reminded of it, and what a person corrected in public."""

import sqlalchemy as sa
from alembic import op

import trusthub.store.types

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("promise") as promise:
        promise.add_column(sa.Column("owner", sa.String(), server_default="", nullable=False))
        promise.add_column(sa.Column("comparable", sa.JSON(), server_default=sa.text("'[]'"), nullable=False))
        promise.add_column(sa.Column("remind_at", trusthub.store.types.UtcDateTime(), nullable=True))
    with op.batch_alter_table("incident") as incident:
        incident.add_column(sa.Column("corrected", sa.JSON(), server_default=sa.text("'{}'"), nullable=False))


def downgrade() -> None:
    """Take back. Corrections stay where they were published."""
    with op.batch_alter_table("incident") as incident:
        incident.drop_column("corrected")
    with op.batch_alter_table("promise") as promise:
        promise.drop_column("remind_at")
        promise.drop_column("comparable")
        promise.drop_column("owner")
