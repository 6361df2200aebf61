"""What belongs to customers' threads: mail and Slack that came in, files that came with words, and "me too"."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from trusthub.store import columns
from trusthub.store.tables.base import Row
from trusthub.store.types import BigId


class InboundMail(Row, table=True):
    """One mail that came in, and what became of it. Its words are in the thread; an address is in `person`."""

    __tablename__ = "inbound_mail"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    key: str = Field(unique=True)
    """Keyed hash of its Message-ID: a mail is taken once, by whichever way it comes, and however often."""
    fate: str = Field(index=True)
    """As domain.inbound.Fate has them."""
    sender: str = Field(index=True)
    """Keyed hash of the address that it came from; the address itself is not kept here."""
    at: datetime = columns.time()
    thread_id: int | None = columns.link("thread.id", null=True)
    message_id: int | None = columns.link("thread_message.id", null=True)
    person_id: int | None = columns.link("person.id", null=True)
    """Who wrote, while that is not the thread's customer."""
    spf: str = ""
    dkim: str = ""
    """The verdicts of whoever took the mail from its sender, as they were told; empty when nobody said."""


class Attachment(Row, table=True):
    """A file that came with a message. Its bytes lie in a folder that no web server serves, under its public id."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    public_id: str = columns.public_name()
    message_id: int = columns.link("thread_message.id")
    name: str
    """As the sender called it, for people to read; it is no path."""
    kind: str
    """Media type by its first bytes, one of domain.attachment.KINDS."""
    size: int
    created_at: datetime = columns.time()


class MeToo(Row, table=True):
    """Somebody pressed "me too" on an incident: a network counts once, and nothing else of them is known."""

    __tablename__ = "me_too"
    __table_args__ = (UniqueConstraint("incident_id", "network"), {"sqlite_autoincrement": True})
    id: int = columns.row_id()
    incident_id: int = columns.link("incident.id")
    network: str
    """Keyed hash; the address itself is not kept."""
    created_at: datetime = columns.time()


class ThreadNote(Row, table=True):
    """What staff tell each other about a thread. No customer reads from this table, whatever a query forgets."""

    __tablename__ = "thread_note"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    thread_id: int = columns.link("thread.id")
    author: str
    body: str = columns.long()
    created_at: datetime = columns.time()


class ThreadPresence(Row, table=True):
    """Who of us has a thread open, and whether they write. It says nothing once it is old."""

    __tablename__ = "thread_presence"
    thread_id: int = Field(primary_key=True, foreign_key="thread.id", sa_type=BigId)
    staff_id: int = Field(primary_key=True, foreign_key="staff.id", sa_type=BigId)
    writing: bool
    seen_at: datetime = columns.time(index=True)


class ThreadRound(Row, table=True):
    """Something that goes to every open thread of an incident, a few at a time; it is deleted when all have it."""

    __tablename__ = "thread_round"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    incident_id: int = columns.link("incident.id")
    page_id: int | None = columns.link("page.id", null=True)
    """The page for whose customers it is; None for those of all."""
    moment: str
    facts: dict[str, Any] = columns.json(dict)
    """Public facts as they were when it began, as services.rounds packs them."""
    bodies: dict[str, str] = columns.json(dict)
    """The words in each language of the page; none where each thread has its own."""
    edited: dict[str, dict[str, str]] = columns.json(dict)
    """Those that a person wrote, with their subjects."""
    author: str | None = None
    """Whose answer it is; None for what the hub says."""
    after: int = columns.counted()
    """The last thread that has it."""
    last: int = columns.counted()
    """The last thread that there was."""
    begun_at: datetime = columns.time()
    due: datetime = columns.time()
    """Before this nothing of it leaves."""


class SlackEvent(Row, table=True):
    """Something that happened in Slack, kept before it is worked on. The words are gone when that is done."""

    __tablename__ = "slack_event"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    key: str = Field(unique=True)
    """Slack's `event_id`, the same in each retry."""
    body: dict[str, Any] = columns.json(dict)
    state: str = Field(default="waiting", index=True)
    """waiting, done or failed."""
    tries: int = 0
    received_at: datetime = columns.time()
    due_at: datetime = columns.time()


class SlackMessage(Row, table=True):
    """A colleague's message below a customer's thread in Slack, and what became of it. Its words are not kept here."""

    __tablename__ = "slack_message"
    __table_args__ = (UniqueConstraint("channel", "ts"), {"sqlite_autoincrement": True})
    id: int = columns.row_id()
    channel: str
    ts: str
    member: str
    """Its author's id in Slack."""
    thread_id: int = columns.link("thread.id")
    message_id: int | None = columns.link("thread_message.id", null=True)
    """What the customer reads of it."""
    fate: str
    """internal, refused, sent or deleted."""
    at: datetime = columns.time()
