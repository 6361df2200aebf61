"""From a request at a hook to rows: keep the event as it came, then understand it.

Two transactions: the raw event with its duplicate key first, then decision, state and deliveries together. If the
second fails, the event is marked `failed` and can be replayed; the sender's answer is 200 all the same, because it
did its part.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from trusthub.domain.events import RolloutEvent, SourceEvent
from trusthub.domain.site import Connection
from trusthub.errors import PayloadError, UnknownEventError
from trusthub.services import alerts, rollouts
from trusthub.services.attempts import E, Heard
from trusthub.services.hub import Hub
from trusthub.sources import reader_of
from trusthub.sources.base import Inbound, Source
from trusthub.store.events import Arrived, Kept, keep
from trusthub.store.tables import Event

log = structlog.get_logger()

_ALWAYS = ("content-type", "user-agent")
"""Headers worth keeping of every request. Signatures and tokens are not among them."""
_SUMMARY = 200
_ATTEMPTS = 3
_SWEEPS = 6
"""How often a failed event is tried again by itself: for about half an hour."""
_PATIENCE = timedelta(seconds=30)
"""How long an event that was cut off waits, in case it is still under way."""
_HANDFUL = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What became of a request."""

    event_id: int
    state: str
    """done, ignored (nothing in it for us), unknown (of a type that this version does not know), repeated or failed."""


def receive(hub: Hub, name: str, connection: Connection, inbound: Inbound, now: datetime) -> Received:
    """Take in one authentic request. Raises PayloadError when it cannot be read; the bytes are kept even then."""
    source = reader_of(connection)
    try:
        events = source.parse(inbound)
    except PayloadError as error:
        _keep(hub, name, source, inbound, "rejected", error=str(error))
        raise
    except UnknownEventError as error:
        unknown = _keep(hub, name, source, inbound, "unknown", summary=str(error))
        return Received(event_id=unknown.id, state="unknown")
    by_key = {event.duplicate_key: event for event in events}
    summary = ", ".join(dict.fromkeys(event.kind for event in events))
    kept = _keep(hub, name, source, inbound, "received" if events else "ignored", summary=summary, keys=[*by_key])
    fresh = [event for key, event in by_key.items() if key in kept.fresh]
    if not fresh:
        return Received(event_id=kept.id, state="repeated" if events else "ignored")
    origin = _Origin(name=name, connection=connection, event_id=kept.id)
    return Received(event_id=kept.id, state=_understand(hub, origin, fresh, now))


def replay(hub: Hub, event_id: int, now: datetime) -> str:
    """Understand a kept event once more; return its new state. No customer is told of it without being asked for.

    Raises PayloadError or UnknownEventError when it still cannot be read.
    """
    return _again(hub, event_id, now, replayed=True)


def sweep(hub: Hub, now: datetime) -> int:
    """Try again what failed, or was cut off by a crash; return how many. Waits twice as long after each try."""
    with hub.database.reading() as session:
        waiting = session.execute(
            select(col(Event.id), col(Event.received_at), col(Event.tries))
            .where(col(Event.state).in_(["received", "failed"]), col(Event.tries) < _SWEEPS)
            .order_by(col(Event.id))
            .limit(_HANDFUL)
        ).all()
    due = [event_id for event_id, received_at, tries in waiting if received_at + _PATIENCE * 2**tries <= now]
    for event_id in due:
        with suppress(PayloadError, UnknownEventError):
            _again(hub, event_id, now, replayed=False)
    return len(due)


def _again(hub: Hub, event_id: int, now: datetime, *, replayed: bool) -> str:
    with hub.database.reading() as session:
        event = session.get_one(Event, event_id)
    connection = hub.configuration.connection(event.connection) or Connection(source=event.source)
    inbound = Inbound(body=event.body, headers=event.headers, received_at=event.received_at)
    try:
        events = hub.configuration.reader(event.connection, event.source).parse(inbound)
    except (PayloadError, UnknownEventError) as error:
        state = "unknown" if isinstance(error, UnknownEventError) else "rejected"
        with hub.database.transaction() as session:
            _mark(session, event_id, state, "" if state == "unknown" else str(error))
        raise
    origin = _Origin(name=event.connection, connection=connection, event_id=event_id, replayed=replayed)
    return _understand(hub, origin, events, now)


def _keep(
    hub: Hub,
    name: str,
    source: Source,
    inbound: Inbound,
    state: str,
    *,
    error: str = "",
    summary: str = "",
    keys: Sequence[str] = (),
) -> Kept:
    row = {
        "connection": name,
        "source": source.name,
        "received_at": inbound.received_at,
        "headers": {key: inbound.headers[key] for key in (*_ALWAYS, *source.headers) if key in inbound.headers},
        "body": inbound.body,
        "state": state,
        "error": error,
        "summary": summary[:_SUMMARY],
        "tries": 0,
    }
    arrived = Arrived(row=row, keys=keys)
    try:
        return hub.database.gathering.write(keep, arrived)
    except IntegrityError:
        return hub.database.gathering.write(keep, arrived)  # it came twice at once, and another process won


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    """A request that is kept: over which connection it came, and as which row."""

    name: str
    connection: Connection
    event_id: int
    replayed: bool = False


def _understand(hub: Hub, origin: _Origin, events: Sequence[SourceEvent], now: datetime) -> str:
    """Decide and enqueue in one transaction. Whatever goes wrong here is ours, and must not lose the event."""
    with hub.traces.span("decide", connection=origin.name, event_id=origin.event_id) as note:
        state = _decide(hub, origin, events, now)
        note(state=state)
    return state


def _decide(hub: Hub, origin: _Origin, events: Sequence[SourceEvent], now: datetime) -> str:
    try:
        for attempt in range(_ATTEMPTS):
            try:
                with hub.database.transaction() as session:
                    for event in events:
                        _follow(session, hub, origin, _not_ahead(event, now), now)
                    _mark(session, origin.event_id, "done")
                break
            except IntegrityError:
                if (
                    attempt == _ATTEMPTS - 1
                ):  # two first events of one attempt met that often? then it is something else
                    raise
    except Exception as error:
        log.exception("event.failed", event_id=origin.event_id, connection=origin.name)
        with hub.database.transaction() as session:
            _mark(session, origin.event_id, "failed", f"{type(error).__name__}: {error}", tries=1)
        return "failed"
    return "done"


def _follow(session: Session, hub: Hub, origin: _Origin, event: SourceEvent, now: datetime) -> None:
    if isinstance(event, RolloutEvent):
        rollouts.follow(session, hub, _heard(origin, event, now))
    else:
        alerts.hear(session, hub, _heard(origin, event, now))


def _heard(origin: _Origin, event: E, now: datetime) -> Heard[E]:
    return Heard(
        event=event,
        name=origin.name,
        connection=origin.connection,
        event_id=origin.event_id,
        now=now,
        replayed=origin.replayed,
    )


def _not_ahead(event: SourceEvent, now: datetime) -> SourceEvent:
    """Keep a sender whose clock is ahead from telling of the future."""
    return replace(event, occurred_at=min(event.occurred_at, now))


def _mark(session: Session, event_id: int, state: str, error: str = "", *, tries: int = 0) -> None:
    values = {"state": state, "error": error, "tries": Event.tries + tries}
    session.execute(update(Event).where(col(Event.id) == event_id).values(values))
