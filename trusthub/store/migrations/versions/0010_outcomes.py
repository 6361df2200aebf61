"""What rollbacks really were beside their estimates, and what people say of changes that customers dislike."""

import sqlalchemy as sa
from alembic import op

import trusthub.store.types

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "outcome",
        sa.Column("rollout_id", trusthub.store.types.BigId, nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("expected_from", sa.Integer(), nullable=False),
        sa.Column("expected_to", sa.Integer(), nullable=False),
        sa.Column("took", sa.Integer(), nullable=False),
        sa.Column("expected_sla", sa.Text(), nullable=False),
        sa.Column("layer", sa.String(), nullable=True),
        sa.Column("shares", sa.JSON(), nullable=True),
        sa.Column("at", trusthub.store.types.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["rollout_id"], ["rollout.id"], name=op.f("fk_outcome_rollout_id_rollout")),
        sa.PrimaryKeyConstraint("rollout_id", name=op.f("pk_outcome")),
    )
    with op.batch_alter_table("incident") as incident:
        incident.add_column(sa.Column("complaint", sa.Text(), server_default="", nullable=False))
        incident.add_column(sa.Column("motive", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("incident") as incident:
        incident.drop_column("motive")
        incident.drop_column("complaint")
    op.drop_table("outcome")
