"""Planned work: its window, how it ends, and what customers cannot and can do meanwhile."""

import sqlalchemy as sa
from alembic import op

import trusthub.store.types

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("incident") as incident:
        incident.add_column(sa.Column("scheduled_for", trusthub.store.types.UtcDateTime(), nullable=True))
        incident.add_column(sa.Column("scheduled_until", trusthub.store.types.UtcDateTime(), nullable=True))
        incident.add_column(sa.Column("planned_by", sa.String(), nullable=True))
        incident.add_column(sa.Column("ends_itself", sa.Boolean(), server_default=sa.false(), nullable=False))
        incident.add_column(sa.Column("effect", sa.JSON(), server_default="{}", nullable=False))
        incident.add_column(sa.Column("advice", sa.JSON(), server_default="{}", nullable=False))


def downgrade() -> None:
    """Take back. What was planned and is not over stays as an incident that only a person can end."""
    incident = sa.table("incident", sa.column("state", sa.String()))
    unknown = incident.c.state.in_(("scheduled", "in_progress", "verifying"))
    op.execute(incident.update().where(unknown).values(state="identified"))
    op.execute(incident.update().where(incident.c.state == "completed").values(state="resolved"))
    with op.batch_alter_table("incident") as table:
        for name in ("advice", "effect", "ends_itself", "planned_by", "scheduled_until", "scheduled_for"):
            table.drop_column(name)
