"""Several pages from one hub: words of their own, and a link that opens one which is not public."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply. The page that is there says what it said."""
    with op.batch_alter_table("page") as page:
        page.add_column(sa.Column("link_version", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.create_table(
        "page_text",
        sa.Column("update_id", _ID, nullable=False),
        sa.Column("page_id", _ID, nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["update_id"], ["update.id"], name=op.f("fk_page_text_update_id_update")),
        sa.ForeignKeyConstraint(["page_id"], ["page.id"], name=op.f("fk_page_text_page_id_page")),
        sa.PrimaryKeyConstraint("update_id", "page_id", "locale", name=op.f("pk_page_text")),
    )


def downgrade() -> None:
    """Take back. Every page reads the same words."""
    op.drop_table("page_text")
    with op.batch_alter_table("page") as page:
        page.drop_column("link_version")
