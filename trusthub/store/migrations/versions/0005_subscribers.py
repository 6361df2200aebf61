"""Subscribers, and what became of each mail to each recipient."""

import sqlalchemy as sa
from alembic import op

import trusthub.store.types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT = trusthub.store.types.UtcDateTime()


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "subscriber",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("page_id", _BIG, nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("link_version", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", _AT, nullable=True),
        sa.Column("stopped_at", _AT, nullable=True),
        sa.Column("created_at", _AT, nullable=False),
        sa.ForeignKeyConstraint(["page_id"], ["page.id"], name=op.f("fk_subscriber_page_id_page")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriber")),
        sa.UniqueConstraint("page_id", "channel", "address", name=op.f("uq_subscriber_page_id_channel_address")),
        sa.UniqueConstraint("public_id", name=op.f("uq_subscriber_public_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_subscriber_page_id"), "subscriber", ["page_id"])
    op.create_table(
        "subscriber_component",
        sa.Column("subscriber_id", _BIG, nullable=False),
        sa.Column("component_id", _BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_subscriber_component_subscriber_id_subscriber")
        ),
        sa.ForeignKeyConstraint(
            ["component_id"], ["component.id"], name=op.f("fk_subscriber_component_component_id_component")
        ),
        sa.PrimaryKeyConstraint("subscriber_id", "component_id", name=op.f("pk_subscriber_component")),
    )
    op.create_table(
        "recipient",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("delivery_id", _BIG, nullable=False),
        sa.Column("subscriber_id", _BIG, nullable=True),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("at", _AT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_recipient_delivery_id"), "recipient", ["delivery_id"])


def downgrade() -> None:
    """Take back. What the batches' rows say of whom they went to is lost with them."""
    op.drop_table("recipient")
    op.drop_table("subscriber_component")
    op.drop_table("subscriber")
