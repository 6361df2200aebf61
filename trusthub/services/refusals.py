"""Requests that were not taken, counted for each connection, so that a wrong secret can be seen before it is missed.

Counts are kept in memory and written at most once in ten seconds for each connection: a flood costs nothing.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from trusthub.store.tables import Refusal

if TYPE_CHECKING:  # the hub holds these counters
    from trusthub.services.hub import Hub

PAUSE = timedelta(seconds=10)
"""How long the counts of a connection stay in memory."""
_LONGEST = 300
"""Characters of a reason. Some quote what a stranger sent."""


@dataclass(slots=True)
class _Count:
    """What was refused over one connection, and is not written yet."""

    last_at: datetime
    count: int = 0
    reason: str = ""
    written_at: datetime | None = None

    def due(self, now: datetime) -> bool:
        """Whether there is something to write, and long enough after the last time."""
        return self.count > 0 and (self.written_at is None or self.written_at + PAUSE <= now)


@dataclass(slots=True)
class Refusals:
    """The counters of one process."""

    _counts: dict[str, _Count] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, reason: str, now: datetime) -> None:
        """Count one request."""
        with self._turn:
            count = self._counts.setdefault(name, _Count(now))
            count.count, count.last_at, count.reason = count.count + 1, now, reason[:_LONGEST]

    def take(self, now: datetime) -> Mapping[str, tuple[int, datetime, str]]:
        """Return what is due to be written, and forget it: count, time and reason of the last, by connection."""
        with self._turn:
            due = {name: count for name, count in self._counts.items() if count.due(now)}
            taken = {name: (count.count, count.last_at, count.reason) for name, count in due.items()}
            for count in due.values():
                count.count, count.written_at = 0, now
            return taken


def refused(hub: "Hub", name: str, reason: str, now: datetime) -> None:
    """Count a request that was refused over a connection that there is; `reason` is what the sender was told."""
    hub.refusals.add(name, reason, now)
    write(hub, now)


def write(hub: "Hub", now: datetime) -> None:
    """Write what has waited long enough. It costs nothing when nothing has."""
    taken = hub.refusals.take(now)
    if not taken:
        return
    upsert = sqlite.insert if hub.database.sqlite else postgresql.insert
    with hub.database.transaction(quiet=True) as session:
        for name, (count, last_at, reason) in sorted(taken.items()):  # in one order, so that no two wait for each other
            values = {"last_at": last_at, "reason": reason}
            row = upsert(Refusal).values(connection=name, count=count, **values)
            more = {"count": col(Refusal.count) + count, **values}
            session.execute(row.on_conflict_do_update(index_elements=["connection"], set_=more))
