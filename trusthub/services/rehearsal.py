"""Who would have heard what: kept events told anew to a hub that has the same configuration, and speaks to nobody.

The hub is a real one on a database of its own, which is thrown away, with a clock that follows the events. What people
did is not repeated: no approval, no update by hand, no resolution. Only who unsubscribed stays unsubscribed.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, update
from sqlmodel import col

from trusthub.domain.promise import Standing
from trusthub.domain.site import Connection
from trusthub.errors import PayloadError
from trusthub.services import intake, timers
from trusthub.services.hub import Hub
from trusthub.services.scratch import Clock, next_due
from trusthub.services.scratch import scratch as blank
from trusthub.sources.base import Inbound
from trusthub.store.tables import Delivery, Event, Promise, Suppression, Timer

ALONE = timedelta(hours=2)
"""How long the hub goes on by itself after an event. By then a person would have acted."""
BEFORE = timedelta(days=30)
"""How much of what came earlier is understood, and not shown: a rollback is recognised by the versions before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One message, and who would have heard it."""

    at: datetime
    audience: str
    destination: str
    moment: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What the kept events lead to today."""

    events: int
    heard: list[Heard]
    closed: int
    """How many more events came over connections that there are no more: they would be refused."""


def rehearse(hub: Hub, since: datetime) -> Rehearsal:
    """Tell a scratch hub every event that was kept since then, after those of the month before."""
    count, closed, clock = 0, 0, Clock(since - BEFORE)
    with blank(hub.configuration, hub.base_url, clock) as scratch:
        _unsubscribe(hub, scratch)
        for event in _events(hub, clock.now):
            shown = event.received_at >= since
            if (connection := hub.configuration.connection(event.connection)) is None:
                closed += shown
                continue
            _pass_time(scratch, clock, event.received_at)
            _tell(scratch, event, connection)
            count += shown
        _pass_time(scratch, clock, min(clock.now + ALONE, hub.clock()))
        heard = _heard(scratch, since)
    return Rehearsal(events=count, heard=heard, closed=closed)


def _unsubscribe(hub: Hub, scratch: Hub) -> None:
    with hub.database.reading() as session:
        rows = [row.model_dump() for row in session.execute(select(Suppression)).scalars()]
    with scratch.database.transaction() as session:
        session.add_all(Suppression(**row) for row in rows)


def _events(hub: Hub, since: datetime) -> Iterator[Event]:
    """Yield events in the order in which they came, one at a time: a body can be large."""
    with hub.database.reading() as session:
        later = select(col(Event.id)).where(col(Event.received_at) >= since).order_by(col(Event.id))
        numbers = session.execute(later).scalars().all()
    for number in numbers:
        with hub.database.reading() as session:
            if event := session.get(Event, number):
                yield event


def _pass_time(scratch: Hub, clock: Clock, until: datetime) -> None:
    """Let happen what is due by then, but not what a person would have kept from happening."""
    alone = min(until, clock.now + ALONE)
    while (due := next_due(scratch)) is not None and due <= alone:
        clock.now = max(clock.now, due)
        timers.fire(scratch, clock.now)
        _act(scratch, clock.now)
    clock.now = max(clock.now, until)
    _act(scratch, clock.now)


def _act(scratch: Hub, now: datetime) -> None:
    """Stand in for a person: what was left undone is not due any more, and an incident has one late update."""
    late = select(col(Promise.incident_id)).where(col(Promise.standing) == Standing.MISSED)
    repeated = and_(col(Timer.kind) == "promise", col(Timer.incident_id).in_(late))
    over = (col(Timer.state) == "pending", or_(col(Timer.due) < now, repeated))
    with scratch.database.transaction(quiet=True) as session:
        session.execute(update(Timer).where(*over).values(state="cancelled"))


def _tell(scratch: Hub, event: Event, connection: Connection) -> None:
    inbound = Inbound(body=event.body, headers=event.headers, received_at=event.received_at)
    with suppress(PayloadError):  # it could not be read then, and cannot now
        intake.receive(scratch, event.connection, connection, inbound, event.received_at)


def _heard(scratch: Hub, since: datetime) -> list[Heard]:
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
            if row.created_at >= since and not row.payload.get("edit")  # a change of what was said already
        ]
