"""What goes back to a rollout from the customers that it reached, and who those were."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from trusthub.store import columns
from trusthub.store.tables.base import Row
from trusthub.store.types import BigId


class Chorus(Row, table=True):
    """What people at work were last told of what customers say of a rollout, so that they hear it when it changes."""

    rollout_id: int = Field(primary_key=True, foreign_key="rollout.id", sa_type=BigId)
    told: dict[str, Any] = columns.json(dict)
    """A domain.complaints.Tally as JSON."""
    told_at: datetime = columns.time()


class Proposal(Row, table=True):
    """Customers ask for a rollback, and a playbook says that so many are put before a person. Once for each rollout."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    public_id: str = columns.public_name()
    rollout_id: int = Field(foreign_key="rollout.id", sa_type=BigId, unique=True)
    complaints: int
    requests: int
    """Customers who complained, and who asked for a rollback, when it was proposed."""
    state: str = "pending"
    """pending, asked (the tool was asked to roll back), kept (a person decided against it) or void (it is over)."""
    decided_by: str | None = None
    decided_at: datetime | None = columns.time(null=True)
    created_at: datetime = columns.time()


class Affected(Row, table=True):
    """A customer whom an incident hit, as somebody listed them. Kept for `retention.affected` only."""

    __table_args__ = (UniqueConstraint("incident_id", "who"), {"sqlite_autoincrement": True})
    id: int = columns.row_id()
    incident_id: int = columns.link("incident.id")
    person_id: int | None = columns.link("person.id", null=True)
    """None for an id whose address nobody gave: they count, and nothing can be mailed to them."""
    who: str = Field(index=True)
    """Keyed hash of the address in small letters, or of the id."""
    locale: str = "en"
    created_at: datetime = columns.time()
    told_at: datetime | None = columns.time(null=True)
    """When it was put on its way to them that it hit them."""
    ended_at: datetime | None = columns.time(null=True)
    """The same for how it ended."""
