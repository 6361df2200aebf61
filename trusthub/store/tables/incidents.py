"""Incidents, what was said about them, what was promised, and what is to be done at a time."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, false, text
from sqlmodel import Field

from trusthub.store import columns
from trusthub.store.tables.base import Row
from trusthub.store.types import BigId


class Incident(Row, table=True):
    """Something went wrong, or might have. `public` says whether customers have been told."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    public_id: str = columns.public_name()
    rollout_id: int | None = columns.link("rollout.id", null=True)
    name: str
    state: str
    impact: str
    public: bool = False
    settled: str | None = None
    """What a person called it in the end: precaution or false_alarm."""
    decision: str = columns.long()
    """Why customers were or were not told."""
    playbook: str
    conversation: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """What ties its messages together; it stays when a retry of the rollout becomes part of it."""
    combined: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Stands for several problems that began at once, until people have looked at each."""
    opened_by: str
    closed_by: str | None = None
    failed: int | None = None
    """Failed requests, once a measurement or a person says so."""
    complaint: str = columns.words()
    """What customers dislike, in a person's words; only where nothing is broken."""
    motive: str = columns.words()
    """What we meant by the change, and whom it helped."""
    sequence: int = 0
    """Counts changes; writing it first makes two writers of one incident take turns."""
    started_at: datetime = columns.time()
    told_at: datetime | None = columns.time(null=True)
    monitoring_at: datetime | None = columns.time(null=True)
    resolved_at: datetime | None = columns.time(null=True)
    created_at: datetime = columns.time()
    updated_at: datetime = columns.time(index=True)


class IncidentPage(Row, table=True):
    """On which pages an incident is shown."""

    __tablename__ = "incident_page"
    incident_id: int = Field(primary_key=True, foreign_key="incident.id", sa_type=BigId)
    page_id: int = Field(primary_key=True, foreign_key="page.id", sa_type=BigId)


class IncidentComponent(Row, table=True):
    """Which components an incident touches."""

    __tablename__ = "incident_component"
    incident_id: int = Field(primary_key=True, foreign_key="incident.id", sa_type=BigId)
    component_id: int = Field(primary_key=True, foreign_key="component.id", sa_type=BigId)


class Update(Row, table=True):
    """One published message on an incident; its words are a row per locale."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    public_id: str = columns.public_name()
    incident_id: int = columns.link("incident.id")
    state: str
    moment: str
    author: str | None = None
    components: list[dict[str, str]] = columns.json(list)
    """Statuspage's affected_components: code, name, old_status, new_status."""
    created_at: datetime = columns.time()


class UpdateText(Row, table=True):
    """The words of an update in one locale. `body` is Markdown."""

    __tablename__ = "update_text"
    update_id: int = Field(primary_key=True, foreign_key="update.id", sa_type=BigId)
    locale: str = Field(primary_key=True)
    subject: str = columns.long()
    body: str = columns.long()


class Promise(Row, table=True):
    """A time we gave in public."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    incident_id: int = columns.link("incident.id")
    kind: str
    earliest: datetime | None = columns.time(null=True)
    due: datetime = columns.time()
    basis: str = columns.long()
    standing: str = "pending"
    settled_at: datetime | None = columns.time(null=True)
    created_at: datetime = columns.time()


class Timer(Row, table=True):
    """Something to do for an incident at a time; firing it twice does nothing the second time."""

    __table_args__ = (
        UniqueConstraint("kind", "incident_id", "due"),
        Index(
            "ix_timer_pending",
            "due",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        {"sqlite_autoincrement": True},
    )
    id: int = columns.row_id()
    kind: str
    incident_id: int = columns.link("incident.id")
    due: datetime = columns.time()
    state: str = "pending"
