"""Alerts, several tries of one attempt, several tools' words on one rollout, and incidents that outlive a retry."""

import sqlalchemy as sa
from alembic import op

import trusthub.store.types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "alert",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("alert", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("links", sa.JSON(), nullable=False),
        sa.Column("rollout_id", _BIG, nullable=True),
        sa.Column("started_at", trusthub.store.types.UtcDateTime(), nullable=False),
        sa.Column("ended_at", trusthub.store.types.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["rollout_id"], ["rollout.id"], name=op.f("fk_alert_rollout_id_rollout")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        sa.UniqueConstraint("connection", "alert", name=op.f("uq_alert_connection_alert")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("alert") as alert:
        alert.create_index(op.f("ix_alert_rollout_id"), ["rollout_id"])
        alert.create_index("ix_alert_subject", ["subject", "started_at"])
    with op.batch_alter_table("event") as event:
        event.add_column(sa.Column("tries", sa.Integer(), server_default="0", nullable=False))
        event.create_index("ix_event_connection", ["connection", "id"])
    with op.batch_alter_table("incident") as incident:
        incident.add_column(sa.Column("conversation", sa.String(), server_default="", nullable=False))
        incident.add_column(sa.Column("combined", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(
        "UPDATE incident SET conversation = coalesce("
        "(SELECT 'rollout:' || rollout.public_id FROM rollout WHERE rollout.id = incident.rollout_id), "
        "'incident:' || public_id)"
    )
    with op.batch_alter_table("rollout") as rollout:
        rollout.add_column(sa.Column("round", sa.Integer(), server_default="1", nullable=False))
        rollout.add_column(sa.Column("follows_id", _BIG, nullable=True))
        rollout.drop_constraint(op.f("uq_rollout_connection_attempt"), type_="unique")
        rollout.create_unique_constraint(
            op.f("uq_rollout_connection_attempt_round"), ["connection", "attempt", "round"]
        )
        rollout.create_index(op.f("ix_rollout_follows_id"), ["follows_id"])
        rollout.create_foreign_key(op.f("fk_rollout_follows_id_rollout"), "rollout", ["follows_id"], ["id"])


def downgrade() -> None:
    """Take back. Later tries get a name of their own, because the earlier shape has room for one of each."""
    op.execute("UPDATE rollout SET attempt = attempt || '#' || round WHERE round > 1")
    with op.batch_alter_table("rollout") as rollout:
        rollout.drop_constraint(op.f("fk_rollout_follows_id_rollout"), type_="foreignkey")
        rollout.drop_constraint(op.f("uq_rollout_connection_attempt_round"), type_="unique")
        rollout.drop_index(op.f("ix_rollout_follows_id"))
        rollout.create_unique_constraint(op.f("uq_rollout_connection_attempt"), ["connection", "attempt"])
        rollout.drop_column("follows_id")
        rollout.drop_column("round")
    with op.batch_alter_table("incident") as incident:
        incident.drop_column("combined")
        incident.drop_column("conversation")
    with op.batch_alter_table("event") as event:
        event.drop_index("ix_event_connection")
        event.drop_column("tries")
    op.drop_table("alert")
