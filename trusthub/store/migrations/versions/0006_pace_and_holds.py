"""How fast a lane may send, channels that are held, and messages that a person sent once more."""

import sqlalchemy as sa
from alembic import op

import trusthub.store.types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "hold",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("until", trusthub.store.types.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_hold")),
    )
    with op.batch_alter_table("lane") as lane:
        lane.add_column(sa.Column("fails", sa.Integer(), server_default="0", nullable=False))
        lane.add_column(sa.Column("full_at", trusthub.store.types.UtcDateTime(), nullable=True))
    with op.batch_alter_table("delivery") as delivery:
        delivery.add_column(sa.Column("requeued_at", trusthub.store.types.UtcDateTime(), nullable=True))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("delivery") as delivery:
        delivery.drop_column("requeued_at")
    with op.batch_alter_table("lane") as lane:
        lane.drop_column("full_at")
        lane.drop_column("fails")
    op.drop_table("hold")
