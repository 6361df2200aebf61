"""Messages on their way, and every attempt to deliver one."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field

from trusthub.store import columns
from trusthub.store.tables.base import Row
from trusthub.store.types import BigId


def _few(name: str, sqlite: str, postgresql: str = "") -> Index:
    """Return an index of what is rare and looked for: it costs nothing while all goes well."""
    return Index(f"ix_delivery_{name}", "id", sqlite_where=text(sqlite), postgresql_where=text(postgresql or sqlite))


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
        Index(
            "ix_delivery_thread_ref",
            "provider_ref",
            sqlite_where=text("thread_id IS NOT NULL"),
            postgresql_where=text("thread_id IS NOT NULL"),
        ),
        _few("dead", "state = 'dead'"),
        _few("cancelled", "state = 'cancelled'"),
        _few("ambiguous", "ambiguous = 1", "ambiguous"),
        {"sqlite_autoincrement": True},
    )
    id: int = columns.row_id()
    lane: str
    key: str = Field(unique=True)
    moment: str
    audience: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """A domain.message.Audience; empty for messages that are older than this column."""
    update_id: int | None = columns.link("update.id", null=True)
    """The update that it tells."""
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
    """A try ended without an answer, and nobody could find out whether it got through: it may arrive twice."""
    provider_ref: str | None = None
    leads: bool = False
    """The first message of its conversation in its lane: later ones are answers to it, or edits of it."""
    last_error: str = columns.long()
    created_at: datetime = columns.time(index=True)
    first_attempt_at: datetime | None = columns.time(null=True)
    last_attempt_at: datetime | None = columns.time(null=True)
    done_at: datetime | None = columns.time(null=True)
    requeued_at: datetime | None = columns.time(null=True)
    """When a person sent it once more after it was given up: it says itself that it is late."""


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
    fails: int = 0
    """Attempts that failed since the last one that did not."""
    full_at: datetime | None = columns.time(null=True)
    """When this destination takes a whole burst again. Earlier, some of it is missing."""


class Hold(Row, table=True):
    """A channel that sends nothing for now: a person paused it, or its provider asked for patience."""

    channel: str = Field(primary_key=True)
    paused: bool = False
    until: datetime | None = columns.time(null=True)


class Attempt(Row, table=True):
    """One try to deliver: the honest history, written before the provider is called and closed afterwards."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    delivery_id: int = Field(index=True, sa_type=BigId)
    n: int
    started_at: datetime = columns.time()
    ended_at: datetime | None = columns.time(null=True)
    outcome: str | None = None
    """sent, failed, found (an earlier try had got through), waiting (for word of an earlier try), lost (the worker
    stopped), or late (the worker slept, and sent when another had taken over)."""
    status: int | None = None
    error: str = columns.long()


class Disabled(Row, table=True):
    """A destination that was switched off because messages to it kept failing."""

    lane: str = Field(primary_key=True)
    at: datetime = columns.time()
    reason: str = columns.long()
    enabled_at: datetime | None = columns.time(null=True)
    """When a person switched it on again; failures before that do not count any more."""


class Sandbox(Row, table=True):
    """A message that was kept instead of sent."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    kind: str
    at: datetime = columns.time()
    payload: dict[str, Any] = columns.json(dict)
