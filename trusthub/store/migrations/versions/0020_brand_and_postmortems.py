"""What a page looked like when all of it was rendered; postmortems of incidents."""

import sqlalchemy as sa
from alembic import op

import trusthub.store.types
from trusthub.store.types import BigId

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Nobody knows what the pages look like that are there, so all are rendered anew."""
    with op.batch_alter_table("page") as page:
        page.add_column(sa.Column("look", sa.String(), server_default="", nullable=False))
    time = trusthub.store.types.UtcDateTime
    with op.batch_alter_table("incident") as incident:
        incident.add_column(sa.Column("postmortem_at", time(), nullable=True))
    op.create_table(
        "postmortem",
        sa.Column("id", BigId, nullable=False),
        sa.Column("incident_id", BigId, nullable=False),
        sa.Column("words", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("publisher", sa.String(), nullable=True),
        sa.Column("announced_at", time(), nullable=True),
        sa.Column("updated_at", time(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_postmortem_incident_id_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postmortem")),
        sa.UniqueConstraint("incident_id", name=op.f("uq_postmortem_incident_id")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("postmortem")
    with op.batch_alter_table("incident") as incident:
        incident.drop_column("postmortem_at")
    with op.batch_alter_table("page") as page:
        page.drop_column("look")
