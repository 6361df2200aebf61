"""Incidents with a name in each language and a class of cause; conversations that keep their language."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("incident") as incident:
        incident.add_column(sa.Column("names", sa.JSON(), server_default="{}", nullable=False))
        incident.add_column(sa.Column("cause_class", sa.String(), server_default="unknown", nullable=False))
        incident.add_column(sa.Column("cause_by", sa.String(), nullable=True))
        incident.add_column(sa.Column("safeguard_missing", sa.Boolean(), server_default=sa.false(), nullable=False))
        incident.add_column(sa.Column("data_at_risk", sa.Boolean(), server_default=sa.false(), nullable=False))
        incident.add_column(sa.Column("cleared_by", sa.String(), nullable=True))
    with op.batch_alter_table("thread") as thread:
        thread.add_column(sa.Column("locale", sa.String(), server_default="en", nullable=False))


def downgrade() -> None:
    """Take back. What was said in other languages than the page's own stays in the updates."""
    with op.batch_alter_table("thread") as thread:
        thread.drop_column("locale")
    with op.batch_alter_table("incident") as incident:
        for name in ("cleared_by", "data_at_risk", "safeguard_missing", "cause_by", "cause_class", "names"):
            incident.drop_column(name)
