"""Who a message was for and which update it tells, and indexes of the few that people look for."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("delivery") as delivery:
        delivery.add_column(sa.Column("audience", sa.String(), server_default="", nullable=False))
        delivery.add_column(sa.Column("update_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
        delivery.create_foreign_key(op.f("fk_delivery_update_id_update"), "update", ["update_id"], ["id"])
        delivery.create_index(op.f("ix_delivery_update_id"), ["update_id"])
        for name, rows in _FEW.items():
            where = {"sqlite_where": sa.text(rows), "postgresql_where": sa.text(rows)}
            delivery.create_index(name, ["id"], **where)
        where = {"sqlite_where": sa.text("ambiguous = 1"), "postgresql_where": sa.text("ambiguous")}
        delivery.create_index("ix_delivery_ambiguous", ["id"], **where)
    _put_first()


def _put_first() -> None:
    """Let SQLite look at the index of what waits before the others, as it looks at the newest one first.

    The table was made anew, with its indexes in any order; of two that fit it takes the first, and every claim would
    read all that a lane ever sent.
    """
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index("ix_delivery_open", "delivery")
        op.create_index("ix_delivery_open", "delivery", ["lane", "id"], sqlite_where=sa.text("state = 'pending'"))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("delivery") as delivery:
        for name in (*_FEW, "ix_delivery_ambiguous", op.f("ix_delivery_update_id")):
            delivery.drop_index(name)
        delivery.drop_constraint(op.f("fk_delivery_update_id_update"), type_="foreignkey")
        delivery.drop_column("update_id")
        delivery.drop_column("audience")
    _put_first()


_FEW = {"ix_delivery_dead": "state = 'dead'", "ix_delivery_cancelled": "state = 'cancelled'"}
