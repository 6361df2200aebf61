"""What a page looked like when all of it was rendered."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Nobody knows what the pages look like that are there, so all are rendered anew."""
    with op.batch_alter_table("page") as page:
        page.add_column(sa.Column("look", sa.String(), server_default="", nullable=False))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("page") as page:
        page.drop_column("look")
