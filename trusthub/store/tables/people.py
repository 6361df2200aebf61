"""Customers and their threads, and the people who work here."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, false
from sqlmodel import Field

from trusthub.domain.urgency import LEAST
from trusthub.store import columns
from trusthub.store.tables.base import Row


class Person(Row, table=True):
    """The only place for a customer's personal data; everything else refers to it."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    name: str | None = None
    email: str | None = Field(default=None, index=True)
    created_at: datetime = columns.time()


class Thread(Row, table=True):
    """One customer's conversation: on an incident, or on a component with which they have trouble of their own."""

    __table_args__ = (
        UniqueConstraint("external_system", "external_id"),
        Index("ix_thread_waiting", "state", "urgency", "waiting_since", "id"),
        Index("ix_thread_latest", "state", "updated_at", "id"),
        {"sqlite_autoincrement": True},
    )
    id: int = columns.row_id()
    public_id: str = columns.public_name()
    page_id: int = columns.link("page.id")
    incident_id: int | None = columns.link("incident.id", null=True)
    component_id: int | None = columns.link("component.id", null=True)
    """What it is about when there is no incident."""
    person_id: int = columns.link("person.id")
    state: str = "open"
    """open (waits for us), answered (waits for the customer) or closed."""
    locale: str = Field(default="en", sa_column_kwargs={"server_default": "en"})
    """The language that it was opened in. It stays."""
    link_version: int = 1
    """Raising it makes every private link sent so far stop working."""
    mail: bool = True
    """False once the customer asked for no more mail on this thread."""
    verified_at: datetime | None = columns.time(null=True)
    """When somebody who reads the mail to their address said that it is theirs."""
    confirmed_by: str | None = None
    """Who of us knows this customer to be real."""
    network: str | None = None
    """Keyed hash of the network that it was written from; the address itself is not kept."""
    wants_rollback: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    pain: str | None = None
    """How badly it hurts: blocking, painful or minor; None when they did not say."""
    updates: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether they asked for every public update by mail. On the page they read them in any case."""
    fixed: bool | None = None
    """What they answered last to "is it fixed for you?"."""
    rating: int | None = None
    """1-5, given once."""
    recorded_by: str | None = None
    """Who of us wrote it down for the customer, who said it elsewhere."""
    recorded_url: str | None = None
    """Where the customer said it: the message in Slack."""
    waiting_since: datetime | None = columns.time(null=True)
    """Since when the customer waits for a person: their first word after our last. None while they do not."""
    urgency: int = Field(default=LEAST, sa_column_kwargs={"server_default": str(LEAST)})
    """A domain.urgency number: who has the lowest comes first."""
    routed: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The role whose people answer it, because of words in it: legal, press or safety; empty for everybody."""
    assignee_id: int | None = columns.link("staff.id", null=True)
    """Who of us has taken it."""
    external_system: str | None = None
    """The help desk in which the same conversation is, as site.yaml calls it."""
    external_id: str | None = None
    """As what it goes there."""
    external_url: str | None = None
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
    via: str = Field(default="page", sa_column_kwargs={"server_default": "page"})
    """page, mail, console, slack or api."""
    held: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """It came from a stranger: only staff see it, until one of them says that it is the customer's."""
    created_at: datetime = columns.time()
    edited_at: datetime | None = columns.time(null=True)
    """When its author corrected it, after it had been sent."""
    withdrawn_at: datetime | None = columns.time(null=True)
    """When its author deleted it in Slack, after it had been sent. Its words stay."""


class User(Row, table=True):
    """Somebody who works here."""

    __tablename__ = "staff"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    email: str = Field(unique=True)
    name: str
    password: str
    """argon2 hash."""
    roles: list[str] = columns.json(list, before="[]")
    """Each a domain.role.Role."""
    slack: str | None = Field(default=None, unique=True)
    """Their member id in Slack: what they do there they do as this account."""
    totp_sealed: str = columns.words()
    """The secret of their authenticator, encrypted (services/second_factor.py); empty without a second factor."""
    totp_step: int = columns.counted()
    """The half minute whose code they used last: neither it nor an earlier one is taken again."""
    recovery: list[str] = columns.json(list, before="[]")
    """Hashes of the recovery codes that are left."""
    subject: str | None = Field(default=None, unique=True)
    """Who they are at the identity provider: `<issuer> <sub>`; None for an account that never came from there."""
    active: bool = True
    created_at: datetime = columns.time()


class Audit(Row, table=True):
    """What a person did, in the transaction that did it. The database refuses to change or remove it."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    at: datetime = columns.time()
    actor: str
    action: str
    subject: str = Field(index=True)
    detail: str = columns.long()
    via: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The session or token by which it was done, such as `session:k3v9x0q2m7ab`; empty for a command and for Slack."""


class Suppression(Row, table=True):
    """An address in small letters that gets no mail of ours: its reader asked so, or it bounces, or called it spam."""

    address: str = Field(primary_key=True)
    reason: str
    at: datetime = columns.time()
