"""The list of customers' threads as support works through it: by urgency, and the longest waiting first.

A line is light: no message is loaded but the beginning of the last one, for all lines of a page at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, literal, or_, select, tuple_
from sqlmodel import Session, col

from trusthub.services.desk_views import ThreadLine
from trusthub.store.tables import Component, Incident, IncidentComponent, Person, Thread, ThreadMessage, User
from trusthub.store.types import UtcDateTime

STATES = ("open", "answered", "closed", "all")
MANY = 50
"""Lines of a page."""
SEARCHED = 2000
"""Threads that a search looks into, those with the latest news: so it takes no longer when there are more."""
_SNIPPET = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which threads are meant. What is left out does not matter."""

    state: str = "open"
    """One of STATES."""
    assignee_id: int | None = None
    unassigned: bool = False
    pain: str = ""
    incident_id: int | None = None
    component_id: int | None = None
    routed: str = ""
    """A role, or `any`."""
    words: str = ""
    """Part of what it is about, of what was said, or of the customer's name."""
    addresses: bool = False
    """Whether the words may also be part of the customer's address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One page of the list."""

    lines: tuple[ThreadLine, ...]
    after: str = ""
    """Where the next page begins; empty when there is none."""


def sheet(session: Session, wanted: Wanted, *, after: str = "", many: int = MANY) -> Sheet:
    """Return a page: who waits by urgency and waiting time; else the latest news first. Raises ValueError."""
    rows = _select().where(*_conditions(wanted)).limit(many + 1)
    waits = wanted.state == "open"
    rows = _by_urgency(rows, after) if waits else _by_news(rows, after)
    found = session.execute(rows).all()
    more = found[many - 1][0] if len(found) > many else None
    return Sheet(lines=_lines(session, found[:many]), after=_mark(more, waits=waits) if more else "")


def _mark(last: Thread, *, waits: bool) -> str:
    at = last.waiting_since if waits and last.waiting_since else last.updated_at
    return f"{last.urgency}_{at.isoformat()}_{last.id}"


def waiting(session: Session, incident_id: int) -> int:
    """Count who waits for us on an incident."""
    mine = (col(Thread.incident_id) == incident_id, col(Thread.state) == "open")
    return int(session.execute(select(func.count()).select_from(Thread).where(*mine)).scalar_one())


def _by_urgency(rows: Select[Any], after: str) -> Select[Any]:
    keys = (col(Thread.urgency), col(Thread.waiting_since), col(Thread.id))
    return (rows.where(tuple_(*keys) > _place(after)) if after else rows).order_by(*keys)


def _by_news(rows: Select[Any], after: str) -> Select[Any]:
    keys = (col(Thread.updated_at), col(Thread.id))
    begun = rows.where(tuple_(*keys) < tuple_(*_place(after).clauses[1:])) if after else rows
    return begun.order_by(*(key.desc() for key in keys))


def _place(after: str) -> Any:
    urgency, at, number = after.split("_")
    return tuple_(literal(int(urgency)), literal(datetime.fromisoformat(at), UtcDateTime()), literal(int(number)))


def _select() -> Any:
    return (
        select(Thread, col(Person.name), col(Incident.name), col(Component.name), col(User.name))
        .join(Person, col(Person.id) == Thread.person_id)
        .outerjoin(Incident, col(Incident.id) == Thread.incident_id)
        .outerjoin(Component, col(Component.id) == Thread.component_id)
        .outerjoin(User, col(User.id) == Thread.assignee_id)
    )


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if wanted.state != "all":
        where.append(col(Thread.state) == wanted.state)
    if wanted.assignee_id is not None:
        where.append(col(Thread.assignee_id) == wanted.assignee_id)
    if wanted.unassigned:
        where.append(col(Thread.assignee_id).is_(None))
    if wanted.pain:
        where.append(col(Thread.pain) == wanted.pain)
    if wanted.incident_id is not None:
        where.append(col(Thread.incident_id) == wanted.incident_id)
    if wanted.component_id is not None:
        where.append(_touches(wanted.component_id))
    if wanted.routed:
        where.append(col(Thread.routed) != "" if wanted.routed == "any" else col(Thread.routed) == wanted.routed)
    if wanted.words:
        where.append(_says(wanted, where))
    return where


def _touches(component_id: int) -> ColumnElement[bool]:
    by_incident = (
        col(IncidentComponent.incident_id) == Thread.incident_id,
        col(IncidentComponent.component_id) == component_id,
    )
    return or_(col(Thread.component_id) == component_id, exists().where(*by_incident))


def _says(wanted: Wanted, others: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Look for words among the latest of what is meant otherwise."""
    latest = select(col(Thread.id)).where(*others).order_by(col(Thread.updated_at).desc()).limit(SEARCHED)
    said = select(col(ThreadMessage.thread_id)).where(
        col(ThreadMessage.thread_id).in_(latest), col(ThreadMessage.body).icontains(wanted.words, autoescape=True)
    )
    names = [col(Person.name), col(Incident.name), col(Component.name)]
    names += [col(Person.email)] if wanted.addresses else []
    named = or_(*(name.icontains(wanted.words, autoescape=True) for name in names))
    return col(Thread.id).in_(said) | (col(Thread.id).in_(latest) & named)


def _lines(session: Session, rows: Sequence[Any]) -> tuple[ThreadLine, ...]:
    ids = [row[0].id for row in rows]
    mine = col(ThreadMessage.thread_id).in_(ids)
    newest = select(func.max(col(ThreadMessage.id))).where(mine).group_by(col(ThreadMessage.thread_id))
    begun = func.substr(col(ThreadMessage.body), 1, _SNIPPET)
    last = select(col(ThreadMessage.thread_id), begun).where(col(ThreadMessage.id).in_(newest))
    said: dict[int, str] = dict(session.execute(last).all())
    staff = select(col(ThreadMessage.thread_id)).where(mine, col(ThreadMessage.by) == "staff").distinct()
    replied = set(session.execute(staff).scalars())
    return tuple(
        ThreadLine(
            public_id=thread.public_id,
            customer=person or "A customer",
            about=incident or component or "",
            said=said.get(thread.id, ""),
            state=thread.state,
            pain=thread.pain,
            routed=thread.routed,
            assignee=assignee,
            waiting_since=thread.waiting_since,
            updated_at=thread.updated_at,
            replied=thread.id in replied,
        )
        for thread, person, incident, component, assignee in rows
    )
