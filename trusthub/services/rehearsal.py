"""Who would have heard what: kept events told anew to a hub that has the same configuration, and speaks to nobody.

The hub is a real one on a database of its own, which is thrown away, with a clock that follows the events. What people
did is not repeated: no approval, no update by hand, no resolution.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select
from sqlmodel import col

from trusthub.domain.site import Connection
from trusthub.errors import PayloadError
from trusthub.services import intake, sync, timers
from trusthub.services.hub import Hub
from trusthub.sources.base import Inbound
from trusthub.store import migrate
from trusthub.store.session import Database
from trusthub.store.tables import Delivery, Event

ALONE = timedelta(hours=2)
"""How long the hub goes on by itself after an event. By then a person would have acted."""
_PORTION = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One message, and who would have heard it."""

    at: datetime
    audience: str
    destination: str
    moment: str
    subject: str


@dataclass(slots=True)
class _Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


def rehearse(hub: Hub, since: datetime) -> tuple[int, list[Heard]]:
    """Tell a scratch hub every event that was kept since then; return how many, and what it would have sent."""
    count, clock = 0, _Clock(since)
    with TemporaryDirectory(prefix="trusthub-") as folder:
        scratch = replace(hub, database=Database(f"sqlite:///{Path(folder)}/hub.db"), clock=clock)
        migrate.upgrade(scratch.database)
        sync.sync(scratch, since)
        for event in _events(hub, since):
            _pass_time(scratch, clock, event.received_at)
            _tell(scratch, event)
            count += 1
        _pass_time(scratch, clock, min(clock.now + ALONE, hub.clock()))
        heard = _heard(scratch)
        scratch.database.close()
    return count, heard


def _events(hub: Hub, since: datetime) -> Iterator[Event]:
    last = 0
    while True:
        newer = select(Event).where(col(Event.id) > last, col(Event.received_at) >= since)
        with hub.database.reading() as session:
            rows = session.execute(newer.order_by(col(Event.id)).limit(_PORTION)).scalars().all()
        if not rows:
            return
        yield from rows
        last = rows[-1].id


def _pass_time(scratch: Hub, clock: _Clock, until: datetime) -> None:
    """Let happen what is due by then, but not what a person would have kept from happening."""
    alone = min(until, clock.now + ALONE)
    while (due := _next_due(scratch)) is not None and due <= alone:
        clock.now = max(clock.now, due)
        timers.fire(scratch, clock.now)
    clock.now = max(clock.now, until)


def _next_due(scratch: Hub) -> datetime | None:
    with scratch.database.reading() as session:
        return timers.next_due(session)


def _tell(scratch: Hub, event: Event) -> None:
    inbound = Inbound(body=event.body, headers=event.headers, received_at=event.received_at)
    connection = scratch.configuration.connection(event.connection) or Connection(source=event.source)
    with suppress(PayloadError):  # it could not be read then, and cannot now
        intake.receive(scratch, event.connection, connection, inbound, event.received_at)


def _heard(scratch: Hub) -> list[Heard]:
    audiences = {
        destination.lane: audience
        for audience, destinations in scratch.configuration.site.audiences.items()
        for destination in destinations
    }
    with scratch.database.reading() as session:
        rows = session.execute(select(Delivery).order_by(col(Delivery.id))).scalars()
        return [
            Heard(
                at=row.created_at,
                audience=audiences.get(row.lane, "customers"),
                destination=row.lane,
                moment=row.moment,
                subject=row.payload["subject"],
            )
            for row in rows
            if not row.payload.get("edit")  # a change of what was said already
        ]
