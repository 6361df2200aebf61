"""Connections that should speak and do not: people are told once, and once more when it speaks again."""

from datetime import datetime, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from trusthub.domain.message import Moment
from trusthub.services.announce import Telling, tell
from trusthub.services.facts import page_facts
from trusthub.services.hub import Hub
from trusthub.store.tables import Event, Silence

_heard_at = (
    select(col(Event.received_at))
    .where(col(Event.connection) == col(Silence.connection))
    .order_by(col(Event.id).desc())
    .limit(1)
    .correlate(Silence)
    .scalar_subquery()
)
_STATE = select(col(Silence.connection), col(Silence.since), col(Silence.told_at), _heard_at)


def watch(hub: Hub, now: datetime) -> None:
    """Tell of connections that fell silent, and of those that speak again. One worker of several tells."""
    spans = {name: made.expect for name, made in hub.configuration.site.connections.items() if made.expect}
    if not spans:
        return
    with hub.database.reading() as session:
        known = session.execute(_STATE.where(col(Silence.connection).in_(spans))).all()
    for name in sorted(spans.keys() - {name for name, *_ in known}):
        _begin(hub, name, now)
    for name, since, told_at, heard_at in known:
        last = max(since, heard_at or since)
        if told_at is None and last + spans[name] <= now:
            _fell_silent(hub, name, last, heard_at, now)
        elif told_at is not None and heard_at is not None and heard_at > since:
            _speaks(hub, name, since, heard_at, now)


def words(span: timedelta) -> str:
    """Return a span as people say it: `24 hours`, `2 days`, `90 minutes`."""
    units = (("days", timedelta(days=1)), ("hours", timedelta(hours=1)), ("minutes", timedelta(minutes=1)))
    name, unit = next(
        ((name, unit) for name, unit in units if span >= 2 * unit and not span % unit),
        ("seconds", timedelta(seconds=1)),
    )
    return f"{span // unit} {name}"


def _begin(hub: Hub, name: str, now: datetime) -> None:
    """Count from now on. When another worker does so at the same moment, that is as good."""
    try:
        with hub.database.transaction(quiet=True) as session:
            session.execute(insert(Silence).values(connection=name, since=now))
    except IntegrityError:
        return


def _fell_silent(hub: Hub, name: str, last: datetime, heard_at: datetime | None, now: datetime) -> None:
    mine = update(Silence).where(col(Silence.connection) == name, col(Silence.told_at).is_(None))
    with hub.database.transaction() as session:
        if session.execute(mine.values(told_at=now, since=last).returning(col(Silence.connection))).first():
            _tell(session, hub, Moment.CONNECTION_SILENT, name, now, last, silent_since=heard_at)


def _speaks(hub: Hub, name: str, since: datetime, heard_at: datetime, now: datetime) -> None:
    mine = update(Silence).where(col(Silence.connection) == name, col(Silence.told_at).is_not(None))
    with hub.database.transaction() as session:
        before = select(col(Event.received_at)).where(col(Event.connection) == name, col(Event.received_at) <= since)
        spoke = session.execute(before.order_by(col(Event.id).desc()).limit(1)).scalar()
        if session.execute(mine.values(told_at=None, since=heard_at).returning(col(Silence.connection))).first():
            _tell(session, hub, Moment.CONNECTION_HEARD, name, now, since, silent_since=spoke, heard_at=heard_at)


def _tell(
    session: Session, hub: Hub, moment: Moment, name: str, now: datetime, since: datetime, **more: datetime | None
) -> None:
    connection = hub.configuration.site.connections[name]
    playbook = hub.configuration.everyday
    silence = f"connection:{name}:{since:%Y-%m-%dT%H:%M:%S}"
    facts = page_facts(hub) | {
        "connection": name,
        "tool": connection.source,
        "expected": int(connection.expect.total_seconds()) if connection.expect else None,
        "console_url": f"{hub.base_url}/console/connections",
        **more,
    }
    tell(
        session,
        hub,
        Telling(moment=moment, playbook=playbook, facts=facts, conversation=silence, cause=silence, now=now),
    )
