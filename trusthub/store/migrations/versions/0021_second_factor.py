"""A second factor for accounts, and who they are at an identity provider."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Nobody has a second factor yet."""
    with op.batch_alter_table("staff") as staff:
        staff.add_column(sa.Column("totp_sealed", sa.Text(), server_default="", nullable=False))
        staff.add_column(sa.Column("totp_step", sa.BigInteger(), server_default="0", nullable=False))
        staff.add_column(sa.Column("recovery", sa.JSON(), server_default="[]", nullable=False))
        staff.add_column(sa.Column("subject", sa.String(), nullable=True))
        staff.create_unique_constraint(op.f("uq_staff_subject"), ["subject"])


def downgrade() -> None:
    """Take back. A password is enough again."""
    with op.batch_alter_table("staff") as staff:
        staff.drop_constraint(op.f("uq_staff_subject"), type_="unique")
        staff.drop_column("subject")
        staff.drop_column("recovery")
        staff.drop_column("totp_step")
        staff.drop_column("totp_sealed")
