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
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from trusthub.domain.events import RolloutEvent, SourceEvent
from trusthub.domain.site import Connection
from trusthub.errors import PayloadError, UnknownEventError
from trusthub.services import alerts, rollouts
from trusthub.services.attempts import E, Heard
from trusthub.services.hub import Hub
from trusthub.sources import SOURCES
from trusthub.sources.base import Inbound, Source
from trusthub.store.tables import Event, Seen

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
_INSERT = insert(Event.__table__).returning(Event.__table__.c.id)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What became of a request."""

    event_id: int
    state: str
    """done, ignored (nothing in it for us), unknown (of a type that this version does not know), repeated or failed."""


def receive(hub: Hub, name: str, connection: Connection, inbound: Inbound, now: datetime) -> Received:
    """Take in one authentic request. Raises PayloadError when it cannot be read; the bytes are kept even then."""
    source = SOURCES[connection.source]
    try:
        events = source.parse(inbound)
    except PayloadError as error:
        _keep(hub, name, source, inbound, "rejected", error=str(error))
        raise
    except UnknownEventError as error:
        event_id = _keep(hub, name, source, inbound, "unknown", summary=str(error))
        return Received(event_id=event_id, state="unknown")
    fresh, event_id = _first_time(hub, name, source, inbound, events, now)
    if not fresh:
        return Received(event_id=event_id, state="repeated" if events else "ignored")
    kept = _Kept(name=name, connection=connection, id=event_id)
    return Received(event_id=event_id, state=_understand(hub, kept, fresh, now))


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
        events = SOURCES[event.source].parse(inbound)
    except (PayloadError, UnknownEventError) as error:
        state = "unknown" if isinstance(error, UnknownEventError) else "rejected"
        with hub.database.transaction() as session:
            _mark(session, event_id, state, "" if state == "unknown" else str(error))
        raise
    kept = _Kept(name=event.connection, connection=connection, id=event_id, replayed=replayed)
    return _understand(hub, kept, events, now)


def _keep(
    hub: Hub, name: str, source: Source, inbound: Inbound, state: str, *, error: str = "", summary: str = ""
) -> int:
    with hub.database.transaction(quiet=True) as session:
        return _store(session, name, source, inbound, state, error=error, summary=summary)


def _store(
    session: Session, name: str, source: Source, inbound: Inbound, state: str, *, error: str = "", summary: str = ""
) -> int:
    values = {
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
    # Not as an object of the session: keeping count of one costs as much as the insert.
    return int(session.connection().execute(_INSERT, values).scalar_one())


def _first_time(
    hub: Hub, name: str, source: Source, inbound: Inbound, events: Sequence[SourceEvent], now: datetime
) -> tuple[Sequence[SourceEvent], int]:
    """Keep the request; return the events in it that were not seen before, and its id."""
    summary = ", ".join(dict.fromkeys(event.kind for event in events))
    if not events:
        return [], _keep(hub, name, source, inbound, "ignored", summary=summary)
    try:
        with hub.database.transaction(quiet=True) as session:
            keys = [event.duplicate_key for event in events]
            known = dict(
                session.execute(
                    select(col(Seen.key), col(Seen.event_id)).where(
                        col(Seen.connection) == name, col(Seen.key).in_(keys)
                    )
                ).all()
            )
            fresh = list({event.duplicate_key: event for event in events if event.duplicate_key not in known}.values())
            if not fresh:
                return [], min(known.values())
            event_id = _store(session, name, source, inbound, "received", summary=summary)
            session.add_all(
                Seen(connection=name, key=event.duplicate_key, event_id=event_id, at=now) for event in fresh
            )
            return fresh, event_id
    except IntegrityError:
        return _first_time(hub, name, source, inbound, events, now)  # the same event came twice at once: one won


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A request that is kept: over which connection it came, and as which row."""

    name: str
    connection: Connection
    id: int
    replayed: bool = False


def _understand(hub: Hub, kept: _Kept, events: Sequence[SourceEvent], now: datetime) -> str:
    """Decide and enqueue in one transaction. Whatever goes wrong here is ours, and must not lose the event."""
    try:
        for attempt in range(_ATTEMPTS):
            try:
                with hub.database.transaction() as session:
                    for event in events:
                        _follow(session, hub, kept, _not_ahead(event, now), now)
                    _mark(session, kept.id, "done")
                break
            except IntegrityError:
                if (
                    attempt == _ATTEMPTS - 1
                ):  # two first events of one attempt met that often? then it is something else
                    raise
    except Exception as error:
        log.exception("event.failed", event_id=kept.id, connection=kept.name)
        with hub.database.transaction() as session:
            _mark(session, kept.id, "failed", f"{type(error).__name__}: {error}", tries=1)
        return "failed"
    return "done"


def _follow(session: Session, hub: Hub, kept: _Kept, event: SourceEvent, now: datetime) -> None:
    if isinstance(event, RolloutEvent):
        rollouts.follow(session, hub, _heard(kept, event, now))
    else:
        alerts.hear(session, hub, _heard(kept, event, now))


def _heard(kept: _Kept, event: E, now: datetime) -> Heard[E]:
    return Heard(
        event=event,
        name=kept.name,
        connection=kept.connection,
        event_id=kept.id,
        now=now,
        replayed=kept.replayed,
    )


def _not_ahead(event: SourceEvent, now: datetime) -> SourceEvent:
    """Keep a sender whose clock is ahead from telling of the future."""
    return replace(event, occurred_at=min(event.occurred_at, now))


def _mark(session: Session, event_id: int, state: str, error: str = "", *, tries: int = 0) -> None:
    values = {"state": state, "error": error, "tries": Event.tries + tries}
    session.execute(update(Event).where(col(Event.id) == event_id).values(values))
