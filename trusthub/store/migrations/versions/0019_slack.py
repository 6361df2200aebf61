"""Slack both ways: its events, colleagues' messages below a thread, members of Slack, and who recorded a thread."""

import sqlalchemy as sa
from alembic import op

import trusthub.store.types
from trusthub.store.types import BigId

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None

_THREADS = sa.text("thread_id IS NOT NULL")


def upgrade() -> None:
    """Apply."""
    time = trusthub.store.types.UtcDateTime
    op.create_table(
        "slack_event",
        sa.Column("id", BigId, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("received_at", time(), nullable=False),
        sa.Column("due_at", time(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slack_event")),
        sa.UniqueConstraint("key", name=op.f("uq_slack_event_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_slack_event_state"), "slack_event", ["state"])
    op.create_table(
        "slack_message",
        sa.Column("id", BigId, nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=False),
        sa.Column("member", sa.String(), nullable=False),
        sa.Column("thread_id", BigId, nullable=False),
        sa.Column("message_id", BigId, nullable=True),
        sa.Column("fate", sa.String(), nullable=False),
        sa.Column("at", time(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["thread_message.id"], name=op.f("fk_slack_message_message_id_thread_message")
        ),
        sa.ForeignKeyConstraint(["thread_id"], ["thread.id"], name=op.f("fk_slack_message_thread_id_thread")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slack_message")),
        sa.UniqueConstraint("channel", "ts", name=op.f("uq_slack_message_channel_ts")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_slack_message_message_id"), "slack_message", ["message_id"])
    op.create_index(op.f("ix_slack_message_thread_id"), "slack_message", ["thread_id"])
    with op.batch_alter_table("staff") as staff:
        staff.add_column(sa.Column("slack", sa.String(), nullable=True))
        staff.create_unique_constraint(op.f("uq_staff_slack"), ["slack"])
    with op.batch_alter_table("thread") as thread:
        thread.add_column(sa.Column("recorded_by", sa.String(), nullable=True))
        thread.add_column(sa.Column("recorded_url", sa.String(), nullable=True))
    with op.batch_alter_table("thread_message") as message:
        message.add_column(sa.Column("edited_at", time(), nullable=True))
        message.add_column(sa.Column("withdrawn_at", time(), nullable=True))
    op.create_index(
        "ix_delivery_thread_ref", "delivery", ["provider_ref"], sqlite_where=_THREADS, postgresql_where=_THREADS
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_delivery_thread_ref", "delivery")
    with op.batch_alter_table("thread_message") as message:
        message.drop_column("withdrawn_at")
        message.drop_column("edited_at")
    with op.batch_alter_table("thread") as thread:
        thread.drop_column("recorded_url")
        thread.drop_column("recorded_by")
    with op.batch_alter_table("staff") as staff:
        staff.drop_constraint(op.f("uq_staff_slack"), type_="unique")
        staff.drop_column("slack")
    op.drop_table("slack_message")
    op.drop_table("slack_event")
