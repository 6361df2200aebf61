"""What customers say of a rollout and a rollback that is proposed for it; whom an incident hit; foreign help desks."""

import sqlalchemy as sa
from alembic import op

import trusthub.store.types
from trusthub.store.types import BigId

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    time = trusthub.store.types.UtcDateTime
    op.create_table(
        "chorus",
        sa.Column("rollout_id", BigId, nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("told_at", time(), nullable=False),
        sa.ForeignKeyConstraint(["rollout_id"], ["rollout.id"], name=op.f("fk_chorus_rollout_id_rollout")),
        sa.PrimaryKeyConstraint("rollout_id", name=op.f("pk_chorus")),
    )
    op.create_table(
        "proposal",
        sa.Column("id", BigId, nullable=False),
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("rollout_id", BigId, nullable=False),
        sa.Column("complaints", sa.Integer(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", time(), nullable=True),
        sa.Column("created_at", time(), nullable=False),
        sa.ForeignKeyConstraint(["rollout_id"], ["rollout.id"], name=op.f("fk_proposal_rollout_id_rollout")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
        sa.UniqueConstraint("public_id", name=op.f("uq_proposal_public_id")),
        sa.UniqueConstraint("rollout_id", name=op.f("uq_proposal_rollout_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "affected",
        sa.Column("id", BigId, nullable=False),
        sa.Column("incident_id", BigId, nullable=False),
        sa.Column("person_id", BigId, nullable=True),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("created_at", time(), nullable=False),
        sa.Column("told_at", time(), nullable=True),
        sa.Column("ended_at", time(), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_affected_incident_id_incident")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_affected_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affected")),
        sa.UniqueConstraint("incident_id", "who", name=op.f("uq_affected_incident_id_who")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_affected_incident_id"), "affected", ["incident_id"])
    op.create_index(op.f("ix_affected_person_id"), "affected", ["person_id"])
    op.create_index(op.f("ix_affected_who"), "affected", ["who"])
    with op.batch_alter_table("thread") as thread:
        thread.add_column(sa.Column("external_system", sa.String(), nullable=True))
        thread.add_column(sa.Column("external_id", sa.String(), nullable=True))
        thread.add_column(sa.Column("external_url", sa.String(), nullable=True))
        thread.create_unique_constraint(
            op.f("uq_thread_external_system_external_id"), ["external_system", "external_id"]
        )


def downgrade() -> None:
    """Take back. Threads stay; that they were in another help desk too is forgotten."""
    with op.batch_alter_table("thread") as thread:
        thread.drop_constraint(op.f("uq_thread_external_system_external_id"), type_="unique")
        thread.drop_column("external_url")
        thread.drop_column("external_id")
        thread.drop_column("external_system")
    op.drop_table("affected")
    op.drop_table("proposal")
    op.drop_table("chorus")
