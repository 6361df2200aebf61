"""Threads without an incident, how badly it hurts, how it ended for a customer; inbound mail, files and "me too"."""

import sqlalchemy as sa
from alembic import op

import trusthub.store.types

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ID, _TIME = trusthub.store.types.BigId, trusthub.store.types.UtcDateTime


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("thread") as thread:
        thread.alter_column("incident_id", existing_type=_ID, nullable=True)
        thread.add_column(sa.Column("component_id", _ID, nullable=True))
        thread.add_column(sa.Column("pain", sa.String(), nullable=True))
        thread.add_column(sa.Column("updates", sa.Boolean(), server_default=sa.false(), nullable=False))
        thread.add_column(sa.Column("fixed", sa.Boolean(), nullable=True))
        thread.add_column(sa.Column("rating", sa.Integer(), nullable=True))
        thread.create_foreign_key("fk_thread_component_id_component", "component", ["component_id"], ["id"])
        thread.create_index("ix_thread_component_id", ["component_id"])
    with op.batch_alter_table("thread_message") as message:
        message.add_column(sa.Column("via", sa.String(), server_default="page", nullable=False))
        message.add_column(sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "inbound_mail",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("key", sa.String(), nullable=False, unique=True),
        sa.Column("fate", sa.String(), nullable=False, index=True),
        sa.Column("sender", sa.String(), nullable=False, index=True),
        sa.Column("at", _TIME(), nullable=False),
        sa.Column("thread_id", _ID, sa.ForeignKey("thread.id"), nullable=True, index=True),
        sa.Column("message_id", _ID, sa.ForeignKey("thread_message.id"), nullable=True, index=True),
        sa.Column("person_id", _ID, sa.ForeignKey("person.id"), nullable=True, index=True),
        sa.Column("spf", sa.String(), nullable=False),
        sa.Column("dkim", sa.String(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "attachment",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("public_id", sa.String(length=12), nullable=False, unique=True),
        sa.Column("message_id", _ID, sa.ForeignKey("thread_message.id"), nullable=False, index=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("created_at", _TIME(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "me_too",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("incident_id", _ID, sa.ForeignKey("incident.id"), nullable=False, index=True),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("created_at", _TIME(), nullable=False),
        sa.UniqueConstraint("incident_id", "network"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Take back. Threads that are about no incident have no place in older tables, and are lost with their words."""
    for table in ("me_too", "attachment", "inbound_mail"):
        op.drop_table(table)
    thread, message, delivery, recipient = (
        sa.table(name, sa.column("id"), *map(sa.column, columns))
        for name, columns in {
            "thread": ["incident_id"],
            "thread_message": ["thread_id", "held"],
            "delivery": ["thread_id"],
            "recipient": ["delivery_id"],
        }.items()
    )
    op.execute(message.delete().where(message.c.held.is_(sa.true())))
    lost = sa.select(thread.c.id).where(thread.c.incident_id.is_(None))
    mails = sa.select(delivery.c.id).where(delivery.c.thread_id.in_(lost))
    op.execute(recipient.delete().where(recipient.c.delivery_id.in_(mails)))
    op.execute(delivery.delete().where(delivery.c.thread_id.in_(lost)))
    op.execute(message.delete().where(message.c.thread_id.in_(lost)))
    op.execute(thread.delete().where(thread.c.incident_id.is_(None)))
    with op.batch_alter_table("thread_message") as batch:
        batch.drop_column("held")
        batch.drop_column("via")
    with op.batch_alter_table("thread") as batch:
        batch.drop_constraint("fk_thread_component_id_component", type_="foreignkey")
        batch.drop_index("ix_thread_component_id")
        for name in ("rating", "fixed", "updates", "pain", "component_id"):
            batch.drop_column(name)
        batch.alter_column("incident_id", existing_type=_ID, nullable=False)
