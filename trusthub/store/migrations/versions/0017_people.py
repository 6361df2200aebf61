"""Roles, sessions and tokens of staff; an audit log that only grows, with before and after; legal hold."""

import sqlalchemy as sa
from alembic import op

import trusthub.store.types
from trusthub.store.types import BigId

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_GROWING = ("audit", "audit_change")
"""Whoever rebuilds one of these in SQLite (`batch_alter_table`) has to make its triggers anew."""


def upgrade() -> None:
    """Apply. Whoever could sign in could do everything, so they become admins."""
    time = trusthub.store.types.UtcDateTime
    with op.batch_alter_table("staff") as staff:
        staff.add_column(sa.Column("roles", sa.JSON(), server_default="[]", nullable=False))
    op.execute("UPDATE staff SET roles = '[\"admin\"]'")
    with op.batch_alter_table("incident") as incident:
        incident.add_column(sa.Column("legal_hold_by", sa.String(), nullable=True))
        incident.add_column(sa.Column("legal_hold_at", time(), nullable=True))
    with op.batch_alter_table("audit") as audit:
        audit.add_column(sa.Column("via", sa.String(), server_default="", nullable=False))
    op.create_table(
        "staff_session",
        sa.Column("id", BigId, nullable=False),
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("created_at", time(), nullable=False),
        sa.Column("seen_at", time(), nullable=False),
        sa.Column("ended_at", time(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["staff.id"], name=op.f("fk_staff_session_user_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_staff_session_digest")),
        sa.UniqueConstraint("public_id", name=op.f("uq_staff_session_public_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_staff_session_user_id"), "staff_session", ["user_id"])
    op.create_table(
        "api_token",
        sa.Column("id", BigId, nullable=False),
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", time(), nullable=False),
        sa.Column("expires_at", time(), nullable=False),
        sa.Column("used_at", time(), nullable=True),
        sa.Column("revoked_at", time(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_token_digest")),
        sa.UniqueConstraint("public_id", name=op.f("uq_api_token_public_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit_change",
        sa.Column("id", BigId, nullable=False),
        sa.Column("audit_id", BigId, nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["audit_id"], ["audit.id"], name=op.f("fk_audit_change_audit_id_audit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_change")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_change_audit_id"), "audit_change", ["audit_id"])
    _only_grow()


def downgrade() -> None:
    """Take back. Everybody who can sign in can do everything again."""
    _may_change()
    op.drop_table("audit_change")
    op.drop_table("api_token")
    op.drop_table("staff_session")
    with op.batch_alter_table("audit") as audit:
        audit.drop_column("via")
    with op.batch_alter_table("incident") as incident:
        incident.drop_column("legal_hold_at")
        incident.drop_column("legal_hold_by")
    with op.batch_alter_table("staff") as staff:
        staff.drop_column("roles")


def _only_grow() -> None:
    """Let the database itself refuse to change or remove what is on record."""
    if op.get_bind().dialect.name == "sqlite":
        for table in _GROWING:
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, 'The audit log only grows.'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'The audit log only grows.'; END $$"
    )
    for table in _GROWING:
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()"
        )


def _may_change() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in _GROWING:
            for verb in ("update", "delete"):
                op.execute(f"DROP TRIGGER {table}_no_{verb}")
        return
    for table in _GROWING:
        op.execute(f"DROP TRIGGER {table}_only_grows ON {table}")
    op.execute("DROP FUNCTION audit_only_grows()")
