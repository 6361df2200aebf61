"""What subscribers hear about: incidents, planned work, or one incident alone; and when they asked."""

import sqlalchemy as sa
from alembic import op

import trusthub.store.types

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_BEFORE = ("page_id", "channel", "address")
_OLD, _NEW = (f"uq_subscriber_{'_'.join(names)}" for names in (_BEFORE, (*_BEFORE, "about")))

_WHO = sa.table(
    "subscriber",
    sa.column("id"),
    sa.column("about"),
    sa.column("incidents", sa.Boolean()),
    sa.column("maintenance", sa.Boolean()),
)
_MAIL = sa.table("recipient", sa.column("subscriber_id"), sa.column("address"))
_CHOSEN = sa.table("subscriber_component", sa.column("subscriber_id"))


def upgrade() -> None:
    """Apply. Who is not confirmed yet asked when they were written down."""
    with op.batch_alter_table("subscriber") as table:
        table.add_column(sa.Column("about", sa.String(), server_default="", nullable=False))
        table.add_column(sa.Column("incidents", sa.Boolean(), server_default=sa.true(), nullable=False))
        table.add_column(sa.Column("maintenance", sa.Boolean(), server_default=sa.true(), nullable=False))
        table.add_column(sa.Column("asked_at", trusthub.store.types.UtcDateTime(), nullable=True))
        table.drop_constraint(op.f(_OLD), type_="unique")
        table.create_unique_constraint(op.f(_NEW), [*_BEFORE, "about"])
    op.execute("UPDATE subscriber SET asked_at = created_at WHERE confirmed_at IS NULL")


def downgrade() -> None:
    """Take back. Who follows one incident, or does not want all kinds of news, would hear what they did not ask for.

    They are forgotten with what they chose.
    """
    unasked = sa.or_(_WHO.c.about != "", ~_WHO.c.incidents, ~_WHO.c.maintenance)
    ids = sa.select(_WHO.c.id).where(unasked)
    op.execute(_MAIL.update().where(_MAIL.c.subscriber_id.in_(ids)).values(subscriber_id=None, address=""))
    op.execute(_CHOSEN.delete().where(_CHOSEN.c.subscriber_id.in_(ids)))
    op.execute(_WHO.delete().where(unasked))
    with op.batch_alter_table("subscriber") as table:
        table.drop_constraint(op.f(_NEW), type_="unique")
        table.create_unique_constraint(op.f(_OLD), list(_BEFORE))
        for name in ("asked_at", "maintenance", "incidents", "about"):
            table.drop_column(name)
