"""Which customers' word counts at a gate, and what people did, found by what they did it to."""

import sqlalchemy as sa
from alembic import op

import trusthub.store.types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("thread") as thread:
        thread.add_column(sa.Column("verified_at", trusthub.store.types.UtcDateTime(), nullable=True))
        thread.add_column(sa.Column("confirmed_by", sa.String(), nullable=True))
        thread.add_column(sa.Column("network", sa.String(), nullable=True))
        thread.add_column(sa.Column("wants_rollback", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("audit") as audit:
        audit.create_index(op.f("ix_audit_subject"), ["subject"])


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("audit") as audit:
        audit.drop_index(op.f("ix_audit_subject"))
    with op.batch_alter_table("thread") as thread:
        thread.drop_column("wants_rollback")
        thread.drop_column("network")
        thread.drop_column("confirmed_by")
        thread.drop_column("verified_at")
