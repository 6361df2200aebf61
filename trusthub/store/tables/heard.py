"""What tools told us: requests as they came, the rollouts and alerts that follow from them, and who was not let in."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from trusthub.store import columns
from trusthub.store.tables.base import Row
from trusthub.store.types import BigId


class Event(Row, table=True):
    """A request that a tool sent, as it came."""

    __table_args__ = (Index("ix_event_connection", "connection", "id"), {"sqlite_autoincrement": True})
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
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How often it failed to be understood."""


class Seen(Row, table=True):
    """Keeps an event from being understood twice."""

    connection: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    event_id: int = Field(sa_type=BigId)
    at: datetime = columns.time(index=True)


class Rollout(Row, table=True):
    """One attempt; `known` is `domain.rollout.Rollout` as JSON, the columns beside it are for queries."""

    __table_args__ = (
        UniqueConstraint("connection", "attempt", "round"),
        Index("ix_rollout_history", "subject", "environment", "ended_at"),
        {"sqlite_autoincrement": True},
    )
    id: int = columns.row_id()
    public_id: str = columns.public_name()
    connection: str
    attempt: str
    round: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    """Counts the tries of tools that use one name for all of them: a retry after an abort, a flag switched on again."""
    follows_id: int | None = columns.link("rollout.id", null=True)
    """The rollout that this is another tool's word on. People hear of that one only."""
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


class Outcome(Row, table=True):
    """What a rollback really was, beside what its plan had estimated at the time."""

    rollout_id: int = Field(primary_key=True, foreign_key="rollout.id", sa_type=BigId)
    plan: str
    expected_from: int
    """Seconds, like the next two."""
    expected_to: int
    took: int
    expected_sla: str = columns.long()
    layer: str | None = None
    shares: list[dict[str, Any]] | None = Field(default=None, sa_type=JSON, nullable=True)
    """For how many minutes how many percent were on it; None when nobody knows."""
    at: datetime = columns.time()


class Alert(Row, table=True):
    """An alert on a component, and the rollout that it fell into, if it did."""

    __table_args__ = (
        UniqueConstraint("connection", "alert"),
        Index("ix_alert_subject", "subject", "started_at"),
        {"sqlite_autoincrement": True},
    )
    id: int = columns.row_id()
    connection: str
    alert: str
    """The sender's own name for it."""
    subject: str
    environment: str | None = None
    title: str = columns.long()
    severity: str = ""
    links: list[dict[str, str]] = columns.json(list)
    rollout_id: int | None = columns.link("rollout.id", null=True)
    started_at: datetime = columns.time()
    ended_at: datetime | None = columns.time(null=True)


class Refusal(Row, table=True):
    """Requests over a connection that were not taken: how many, and why the last one was not."""

    connection: str = Field(primary_key=True)
    count: int
    last_at: datetime = columns.time()
    reason: str = columns.long()


class Silence(Row, table=True):
    """A connection that is expected to speak. One row for each, so that one worker alone tells of it."""

    connection: str = Field(primary_key=True)
    since: datetime = columns.time()
    """From when on silence counts: when the hub first looked, or what was heard last when it told people."""
    told_at: datetime | None = columns.time(null=True)
    """When people were told that it is silent; None while it speaks."""
