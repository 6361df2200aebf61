"""How the tools are connected: when each spoke last, what was refused or not understood, and what nobody watches."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from trusthub.domain.site import Site
from trusthub.errors import PayloadError, UnknownEventError
from trusthub.services import intake
from trusthub.services.acts import Act, StaffError
from trusthub.services.hub import Hub
from trusthub.services.reading import to_watch
from trusthub.services.silence import words
from trusthub.store.tables import Alert, Audit, Event, Refusal, Rollout, Silence

NOT_UNDERSTOOD = ("unknown", "rejected", "failed")
_LATELY = timedelta(days=30)
"""How long a service that nobody watches is listed."""
_MANY = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionView:
    """One connection."""

    name: str
    source: str
    listed: bool
    """Whether site.yaml names it."""
    last_at: datetime | None = None
    last_what: str = ""
    last_state: str = ""
    refused: int = 0
    refused_at: datetime | None = None
    refused_why: str = ""
    expected: str | None = None
    """How long it may be silent, as words."""
    silent_since: datetime | None = None
    """Set while it is silent for longer than that."""
    unknown: int = 0
    rejected: int = 0
    failed: int = 0

    @property
    def not_understood(self) -> int:
        """How many of its events wait to be understood."""
        return self.unknown + self.rejected + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class StrangerView:
    """A service that was heard of, and that no component watches."""

    name: str
    connection: str
    count: int
    last_at: datetime
    place: str
    """Where in site.yaml the line goes."""
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """An event that was not understood."""

    id: int
    connection: str
    source: str
    what: str
    state: str
    error: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All of it."""

    connections: tuple[ConnectionView, ...]
    strangers: tuple[StrangerView, ...]
    events: tuple[EventView, ...]
    """Not understood, the newest first; at most fifty."""


def overview(session: Session, hub: Hub, now: datetime) -> Overview:
    """Return how all connections are doing. Those that exist by default are listed once something came over them."""
    site = hub.configuration.site
    return Overview(
        connections=tuple(_connections(session, site, now)),
        strangers=tuple(_strangers(session, site, now)),
        events=_events(session),
    )


def since(session: Session, name: str, event_id: int) -> list[Event]:
    """Return what came over a connection after the event of that number and is decided upon, the oldest first."""
    newer = (col(Event.connection) == name, col(Event.id) > event_id, col(Event.state) != "received")
    return list(session.execute(select(Event).where(*newer).order_by(col(Event.id)).limit(_MANY)).scalars())


def newest(session: Session, name: str) -> int:
    """Return the number of the last event over a connection, 0 when there is none."""
    return session.execute(select(func.max(col(Event.id))).where(col(Event.connection) == name)).scalar() or 0


def understand_again(hub: Hub, event_id: int, act: Act) -> str:
    """Understand a kept event once more, as a person asked; return in words what became of it.

    Raises StaffError when there is no such event.
    """
    with hub.database.transaction() as session:
        if session.get(Event, event_id) is None:
            raise StaffError("There is no such event.")
        session.add(Audit(at=act.now, actor=act.actor, action="replay", subject=f"event:{event_id}"))
    try:
        state = intake.replay(hub, event_id, act.now)
    except UnknownEventError as error:
        return f"Event {event_id} is of the type {error}, which this version still does not know."
    except PayloadError as error:
        return f"Event {event_id} still cannot be read: {error}"
    if state == "failed":
        return f"Event {event_id} failed again. The log says why."
    return f"Event {event_id} is understood now. No customer was told because of it."


def _connections(session: Session, site: Site, now: datetime) -> Iterator[ConnectionView]:
    last = _last_events(session)
    refusals = {row.connection: row for row in session.execute(select(Refusal)).scalars()}
    begun = dict(session.execute(select(col(Silence.connection), col(Silence.since))).all())
    counts: dict[str, dict[str, int]] = {}
    grouped = select(col(Event.connection), col(Event.state), func.count()).where(col(Event.state).in_(NOT_UNDERSTOOD))
    for name, state, count in session.execute(grouped.group_by(col(Event.connection), col(Event.state))).all():
        counts.setdefault(name, {})[state] = count
    for name in dict.fromkeys((*site.connections, *sorted({*last, *refusals}))):
        connection, event, refusal = site.connections.get(name), last.get(name), refusals.get(name)
        heard_at = event.at if event else None
        expect = connection.expect if connection else None
        since = max(filter(None, (heard_at, begun.get(name))), default=None)
        yield ConnectionView(
            name=name,
            source=connection.source if connection else event.source if event else name,
            listed=connection is not None,
            last_at=heard_at,
            last_what=event.what if event else "",
            last_state=event.state if event else "",
            refused=refusal.count if refusal else 0,
            refused_at=refusal.last_at if refusal else None,
            refused_why=refusal.reason if refusal else "",
            expected=words(expect) if expect else None,
            silent_since=since if expect and since and since + expect <= now else None,
            **counts.get(name, {}),
        )


_COLUMNS = (
    col(Event.id), col(Event.connection), col(Event.source), col(Event.summary), col(Event.state), col(Event.error),
    col(Event.received_at),
)  # fmt: skip
"""All but the bodies, which can be large."""


def _last_events(session: Session) -> dict[str, EventView]:
    newest = select(func.max(col(Event.id))).group_by(col(Event.connection))
    rows = session.execute(select(*_COLUMNS).where(col(Event.id).in_(newest))).all()
    return {view.connection: view for view in map(_event, rows)}


def _events(session: Session) -> tuple[EventView, ...]:
    found = select(*_COLUMNS).where(col(Event.state).in_(NOT_UNDERSTOOD)).order_by(col(Event.id).desc()).limit(_MANY)
    return tuple(map(_event, session.execute(found).all()))


def _event(row: Any) -> EventView:
    number, connection, source, summary, state, error, at = row
    what = summary or {"ignored": "nothing for us", "rejected": "a body that cannot be read"}.get(state, "")
    return EventView(id=number, connection=connection, source=source, what=what, state=state, error=error, at=at)


def _strangers(session: Session, site: Site, now: datetime) -> Iterator[StrangerView]:
    """Yield what was heard of lately under a name that no component has now, the latest first."""
    since = now - _LATELY
    rollouts = (
        select(col(Rollout.subject), col(Rollout.connection), func.count(), func.max(col(Rollout.created_at)))
        .where(col(Rollout.created_at) > since)
        .group_by(col(Rollout.subject), col(Rollout.connection))
    )
    alerts = (
        select(col(Alert.subject), col(Alert.connection), func.count(), func.max(col(Alert.started_at)))
        .where(col(Alert.started_at) > since)
        .group_by(col(Alert.subject), col(Alert.connection))
    )
    found: dict[tuple[str, str], tuple[int, datetime]] = {}
    for name, connection, count, at in (*session.execute(rollouts).all(), *session.execute(alerts).all()):
        before, last = found.get((name, connection), (0, at))
        found[name, connection] = (before + count, max(last, at))
    for (name, connection), (count, at) in sorted(found.items(), key=lambda item: item[1][1], reverse=True):
        if site.component((name, name.rpartition("/")[2])) is None:
            place, line = to_watch(site, (name,))
            yield StrangerView(name=name, connection=connection, count=count, last_at=at, place=place, line=line)
