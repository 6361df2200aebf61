"""Who is signed in, which programs may call, and what an act changed."""

from datetime import datetime
from typing import Any

from sqlmodel import Field

from trusthub.store import columns
from trusthub.store.tables.base import Row


class StaffSession(Row, table=True):
    """One browser in which somebody signed in. The cookie has a secret, of which only the hash is here."""

    __tablename__ = "staff_session"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    public_id: str = columns.public_name()
    user_id: int = columns.link("staff.id")
    digest: str = Field(unique=True)
    """SHA-256 of the secret, which is 256 random bits: nothing slower is needed."""
    agent: str = columns.long()
    """The browser, as it calls itself."""
    created_at: datetime = columns.time()
    seen_at: datetime = columns.time()
    """Last use, to within minutes."""
    ended_at: datetime | None = columns.time(null=True)


class ApiToken(Row, table=True):
    """What a program shows instead of signing in."""

    __tablename__ = "api_token"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    public_id: str = columns.public_name()
    name: str
    digest: str = Field(unique=True)
    """SHA-256, as in StaffSession."""
    scopes: list[str] = columns.json(list)
    created_by: str
    created_at: datetime = columns.time()
    expires_at: datetime = columns.time()
    used_at: datetime | None = columns.time(null=True)
    """Last use, to within minutes."""
    revoked_at: datetime | None = columns.time(null=True)


class AuditChange(Row, table=True):
    """What an act changed in one row: its columns before and after, without secrets. Never changed or removed."""

    __tablename__ = "audit_change"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    audit_id: int = columns.link("audit.id")
    subject: str
    before: dict[str, Any] = columns.json(dict)
    after: dict[str, Any] = columns.json(dict)
