"""The support desk: who waits and how urgently, who has taken it, notes, who has it open, how far an update got."""

import sqlalchemy as sa
from alembic import op

import trusthub.store.types

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_ID, _TIME = trusthub.store.types.BigId, trusthub.store.types.UtcDateTime


def upgrade() -> None:
    """Apply. Whoever waits now has waited since their thread last changed, and is as urgent as they said."""
    with op.batch_alter_table("thread") as thread:
        thread.add_column(sa.Column("waiting_since", _TIME(), nullable=True))
        thread.add_column(sa.Column("urgency", sa.Integer(), server_default="4", nullable=False))
        thread.add_column(sa.Column("routed", sa.String(), server_default="", nullable=False))
        thread.add_column(sa.Column("assignee_id", _ID, nullable=True))
        thread.create_foreign_key("fk_thread_assignee_id_staff", "staff", ["assignee_id"], ["id"])
        thread.create_index("ix_thread_assignee_id", ["assignee_id"])
        thread.create_index("ix_thread_waiting", ["state", "urgency", "waiting_since", "id"])
        thread.create_index("ix_thread_latest", ["state", "updated_at", "id"])
    names = ("state", "pain", "wants_rollback", "urgency", "waiting_since", "updated_at")
    rows = sa.table("thread", *map(sa.column, names))
    op.execute(rows.update().where(rows.c.state == "open").values(waiting_since=rows.c.updated_at))
    op.execute(rows.update().where(rows.c.wants_rollback.is_(sa.true())).values(urgency=3))
    op.execute(rows.update().where(rows.c.pain == "painful").values(urgency=3))
    op.execute(rows.update().where(rows.c.pain == "blocking").values(urgency=2))
    op.create_table(
        "thread_note",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("thread_id", _ID, sa.ForeignKey("thread.id"), nullable=False, index=True),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "thread_presence",
        sa.Column("thread_id", _ID, sa.ForeignKey("thread.id"), primary_key=True),
        sa.Column("staff_id", _ID, sa.ForeignKey("staff.id"), primary_key=True),
        sa.Column("writing", sa.Boolean(), nullable=False),
        sa.Column("seen_at", _TIME(), nullable=False, index=True),
    )
    op.create_table(
        "thread_round",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("incident_id", _ID, sa.ForeignKey("incident.id"), nullable=False, index=True),
        sa.Column("page_id", _ID, sa.ForeignKey("page.id"), nullable=True, index=True),
        sa.Column("moment", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("bodies", sa.JSON(), nullable=False),
        sa.Column("edited", sa.JSON(), nullable=False),
        sa.Column("author", sa.String(), nullable=True),
        sa.Column("after", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("begun_at", _TIME(), nullable=False),
        sa.Column("due", _TIME(), nullable=False),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Take back. Notes are lost, and who has not had an update in their thread yet reads it on the page only."""
    timer = sa.table("timer", sa.column("kind"))
    op.execute(timer.delete().where(timer.c.kind == "threads"))
    op.drop_table("thread_round")
    op.drop_table("thread_presence")
    op.drop_table("thread_note")
    with op.batch_alter_table("thread") as thread:
        thread.drop_index("ix_thread_latest")
        thread.drop_index("ix_thread_waiting")
        thread.drop_constraint("fk_thread_assignee_id_staff", type_="foreignkey")
        thread.drop_index("ix_thread_assignee_id")
        for column in ("assignee_id", "routed", "urgency", "waiting_since"):
            thread.drop_column(column)
