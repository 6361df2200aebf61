"""Every table, as rows and nothing more: SQLModel does not validate `table=True` models, so domain types decide.

Ids are for joins inside; `public_id` is what an address may show. `event` and `attempt` have no foreign key pointing
at them and no unique key but the id, so that they can be partitioned by id; repeats are kept out by `seen`.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Column, Index, LargeBinary, MetaData, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from trusthub.store import columns
from trusthub.store.types import BigId

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Row(SQLModel):
    """Base of all tables: predictable constraint names, which SQLite's batch migrations need."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING)


class Page(Row, table=True):
    """A public page. `version` counts its snapshots, `rendered` names the newest delivery that they take in."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    public_id: str = columns.public_name()
    key: str = Field(unique=True)
    name: str
    url: str
    time_zone: str
    version: int = 0
    rendered: int = Field(default=0, sa_type=BigId)
    updated_at: datetime = columns.time()


class Component(Row, table=True):
    """A component or a group of them, as Statuspage lists both."""

    __table_args__ = (UniqueConstraint("page_id", "key"), {"sqlite_autoincrement": True})
    id: int = columns.row_id()
    page_id: int = columns.link("page.id")
    public_id: str = columns.public_name()
    key: str
    """Id in site.yaml; `group:<name>` for a group."""
    name: str
    description: str | None = None
    group_id: int | None = columns.link("component.id", null=True)
    is_group: bool = False
    position: int
    status: str = "operational"
    listed: bool = True
    """False when site.yaml no longer names it: its history stays."""
    created_at: datetime = columns.time()
    updated_at: datetime = columns.time()


class Event(Row, table=True):
    """A request that a tool sent, as it came."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    connection: str
    source: str
    received_at: datetime = columns.time()
    headers: dict[str, str] = columns.json(dict)
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    state: str = Field(index=True)
    """received, done, ignored, unknown, rejected or failed."""
    error: str = columns.long()
    summary: str = ""


class Seen(Row, table=True):
    """Keeps an event from being understood twice."""

    connection: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    event_id: int = Field(sa_type=BigId)
    at: datetime = columns.time(index=True)


class Rollout(Row, table=True):
    """One attempt; `known` is `domain.rollout.Rollout` as JSON, the columns beside it are for queries."""

    __table_args__ = (
        UniqueConstraint("connection", "attempt"),
        Index("ix_rollout_history", "subject", "environment", "ended_at"),
        {"sqlite_autoincrement": True},
    )
    id: int = columns.row_id()
    public_id: str = columns.public_name()
    connection: str
    attempt: str
    source: str
    subject: str
    """Id of the component in site.yaml, else the tool's name for it."""
    component_id: int | None = columns.link("component.id", null=True)
    environment: str | None = None
    phase: str | None = None
    to_version: str | None = None
    known: dict[str, Any] = columns.json(dict)
    links: list[dict[str, str]] = columns.json(list)
    created_at: datetime = columns.time()
    ended_at: datetime | None = columns.time(null=True)


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
    opened_by: str
    closed_by: str | None = None
    failed: int | None = None
    """Failed requests, once a measurement or a person says so."""
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


class Delivery(Row, table=True):
    """One message to one destination, worded and frozen when it was decided."""

    __table_args__ = (
        Index(
            "ix_delivery_open",
            "lane",
            "id",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index("ix_delivery_conversation", "lane", "conversation"),
        {"sqlite_autoincrement": True},
    )
    id: int = columns.row_id()
    lane: str
    key: str = Field(unique=True)
    moment: str
    incident_id: int | None = columns.link("incident.id", null=True)
    rollout_id: int | None = columns.link("rollout.id", null=True)
    thread_id: int | None = columns.link("thread.id", null=True)
    event_id: int | None = Field(default=None, sa_type=BigId)
    conversation: str = ""
    payload: dict[str, Any] = columns.json(dict)
    state: str = "pending"
    """pending, done, dead or cancelled."""
    attempts: int = 0
    ambiguous: bool = False
    """A worker died while the provider may already have had it: it may arrive twice."""
    provider_ref: str | None = None
    leads: bool = False
    """The first message of its conversation in its lane: later ones are answers to it, or edits of it."""
    last_error: str = columns.long()
    created_at: datetime = columns.time(index=True)
    first_attempt_at: datetime | None = columns.time(null=True)
    last_attempt_at: datetime | None = columns.time(null=True)
    done_at: datetime | None = columns.time(null=True)


class Lane(Row, table=True):
    """Keeps deliveries to one destination in order. `due` NULL: idle; past: work; future: leased or backing off."""

    __table_args__ = (
        Index("ix_lane_due", "due", sqlite_where=text("due IS NOT NULL"), postgresql_where=text("due IS NOT NULL")),
    )
    key: str = Field(primary_key=True)
    channel: str
    due: datetime | None = columns.time(null=True)
    claim: str | None = None
    paused: bool = False


class Attempt(Row, table=True):
    """One try to deliver: the honest history, written before the provider is called and closed afterwards."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    delivery_id: int = Field(index=True, sa_type=BigId)
    n: int
    started_at: datetime = columns.time()
    ended_at: datetime | None = columns.time(null=True)
    outcome: str | None = None
    """sent, failed, or lost when the worker died."""
    status: int | None = None
    error: str = columns.long()


class Person(Row, table=True):
    """The only place for a customer's personal data; everything else refers to it."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    name: str | None = None
    email: str | None = Field(default=None, index=True)
    created_at: datetime = columns.time()


class Thread(Row, table=True):
    """One customer's conversation on one incident."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    public_id: str = columns.public_name()
    page_id: int = columns.link("page.id")
    incident_id: int = columns.link("incident.id")
    person_id: int = columns.link("person.id")
    state: str = "open"
    """open (waits for us), answered (waits for the customer) or closed."""
    link_version: int = 1
    """Raising it makes every private link sent so far stop working."""
    mail: bool = True
    """False once the customer asked for no more mail on this thread."""
    created_at: datetime = columns.time()
    updated_at: datetime = columns.time(index=True)


class ThreadMessage(Row, table=True):
    """What one side said. `by` is customer, staff or hub."""

    __tablename__ = "thread_message"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    thread_id: int = columns.link("thread.id")
    by: str
    author: str | None = None
    body: str = columns.long()
    created_at: datetime = columns.time()


class User(Row, table=True):
    """Somebody who works here."""

    __tablename__ = "staff"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    email: str = Field(unique=True)
    name: str
    password: str
    """argon2 hash."""
    active: bool = True
    created_at: datetime = columns.time()


class Audit(Row, table=True):
    """What a person did, in the transaction that did it."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    at: datetime = columns.time()
    actor: str
    action: str
    subject: str
    detail: str = columns.long()


class Suppression(Row, table=True):
    """An address that asked for no more mail of ours."""

    address: str = Field(primary_key=True)
    reason: str
    at: datetime = columns.time()


class Snapshot(Row, table=True):
    """One published file of a page, rendered once a change."""

    page_id: int = Field(primary_key=True, foreign_key="page.id", sa_type=BigId)
    path: str = Field(primary_key=True)
    version: int
    etag: str
    content_type: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Sandbox(Row, table=True):
    """A message that was kept instead of sent."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    kind: str
    at: datetime = columns.time()
    payload: dict[str, Any] = columns.json(dict)
