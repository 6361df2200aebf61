"""The trust report: rows of some thirteen months as observations. It claims what was measured, and no more."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlmodel import Session, col

from trusthub.domain.events import Phase
from trusthub.domain.incident import Impact
from trusthub.domain.observed import (
    Change,
    Conversation,
    Given,
    Told,
    of_approval,
    of_change,
    of_conversation,
    of_incident,
    of_promise,
    of_words,
)
from trusthub.domain.rollout import TROUBLED
from trusthub.domain.trust import Figure, Line, Observation, Shape, lines, months
from trusthub.services.cases import known_of
from trusthub.services.curve import BarView
from trusthub.services.hub import Hub
from trusthub.store.tables import (
    Approval,
    Audit,
    Component,
    Incident,
    IncidentComponent,
    Promise,
    Rollout,
    Thread,
    ThreadMessage,
    Update,
)

_OVERRULED = "overruled the linter"
_ENDED = (Phase.COMPLETED, *TROUBLED)


def columns(line: Line) -> tuple[BarView, ...]:
    """Return a metric's months as columns to be drawn, each as high as its value of 100 %, or of the highest one."""
    values = [figure.value for _, figure in line.past]
    highest = 100.0 if line.metric.shape is Shape.SHARE else max(filter(None, values), default=0.0)
    width = 100 / len(values)
    return tuple(
        BarView(x=round(width * (place + 0.1), 2), width=round(0.8 * width, 2), percent=100 * value / highest)
        for place, value in enumerate(values)
        if value and highest
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One month, of one component or of all, beside what it was before."""

    month: str
    months: tuple[str, ...]
    """That can be asked for, the newest first."""
    component: str
    """Its id; empty for all."""
    components: tuple[tuple[str, str], ...]
    """Id and name of each."""
    lines: tuple[Line, ...]

    def columns(self, line: Line) -> tuple[BarView, ...]:
        """Return a line's months, ready to be drawn."""
        return columns(line)

    @property
    def first(self) -> datetime:
        """When the month began."""
        return begin(self.month)


def begin(month: str) -> datetime:
    """Return when a month such as `2026-11` began (UTC). Raises ValueError for what is none."""
    return datetime.strptime(f"{month}-01+0000", "%Y-%m-%d%z").astimezone(UTC)


def report(session: Session, hub: Hub, now: datetime, *, month: str = "", component: str = "") -> Report:
    """Return the report. What is asked for and is not there is left out."""
    named = tuple((each.id, each.name) for each in hub.configuration.site.components)
    known = months(f"{now.astimezone(UTC):%Y-%m}")[::-1]
    chosen = month if month in known else known[0]
    about = component if component in dict(named) else ""
    seen = observations(session, hub, begin(months(chosen)[0]))
    return Report(month=chosen, months=known, component=about, components=named, lines=lines(seen, chosen, about))


def table(session: Session, hub: Hub, now: datetime) -> str:
    """Return every metric by component and month as CSV: 13 months, each beside the twelve before it."""
    known = months(f"{now.astimezone(UTC):%Y-%m}")
    seen = observations(session, hub, begin(months(known[0])[0]))
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\r\n").writerow  # RFC 4180
    write(("month", "component", "metric", "unit", "n", "value", "baseline_n", "baseline_value"))
    for month in known:
        for component in ("", *(each.id for each in hub.configuration.site.components)):
            for line in lines(seen, month, component):
                unit = "percent" if line.metric.shape is Shape.SHARE else "minutes"
                write((month, component, line.metric.id, unit, *_cells(line.now), *_cells(line.baseline)))
    return out.getvalue()


def _cells(figure: Figure) -> tuple[object, object]:
    return figure.n, "" if figure.value is None else round(figure.value, 1)


def observations(session: Session, hub: Hub, since: datetime) -> tuple[Observation, ...]:
    """Return what happened since then, as far as it says something."""
    touched = _touched(session)
    return tuple(
        each
        for source in (_incidents, _promises, _conversations, _words, _approvals)
        for each in source(session, hub, since, touched)
    ) + tuple(_changes(session, hub, since))


Touched = dict[int, tuple[str, ...]]


def _touched(session: Session) -> Touched:
    """Return the ids of the components of each incident."""
    found: dict[int, list[str]] = defaultdict(list)
    pairs = select(col(IncidentComponent.incident_id), col(Component.key)).join(
        Component, col(Component.id) == col(IncidentComponent.component_id)
    )
    for incident, key in session.execute(pairs):
        found[incident].append(key)
    return {incident: tuple(keys) for incident, keys in found.items()}


def _told(since: datetime) -> tuple[ColumnElement[bool], ...]:
    """Select what customers were told of since then, without planned work."""
    return (col(Incident.public).is_(True), col(Incident.told_at) >= since, col(Incident.scheduled_for).is_(None))


def _incidents(session: Session, hub: Hub, since: datetime, touched: Touched) -> Iterator[Observation]:
    rows = session.execute(select(Incident).where(*_told(since))).scalars().all()
    said: dict[int, list[datetime]] = defaultdict(list)
    updates = select(col(Update.incident_id), col(Update.created_at)).where(col(Update.created_at) >= since)
    for incident, at in session.execute(updates.order_by(col(Update.id))):
        said[incident].append(at)
    for row in rows:
        if row.told_at is None:
            continue
        ended = row.resolved_at or row.told_at  # a postmortem comes when it is over, and owes nothing
        yield from of_incident(
            Told(
                components=touched.get(row.id, ()),
                began=row.started_at,
                told=row.told_at,
                updates=[at for at in said[row.id] if row.resolved_at is None or at <= ended],
                every=hub.configuration.named(row.playbook).pace(Impact(row.impact)).every,
                false_alarm=row.settled == "false_alarm",
            )
        )


def _promises(session: Session, _hub: Hub, since: datetime, touched: Touched) -> Iterator[Observation]:
    ended = select(Promise).where(col(Promise.standing).in_(["kept", "missed"]), col(Promise.due) >= since)
    for row in session.execute(ended).scalars():
        yield from of_promise(
            Given(
                components=touched.get(row.incident_id, ()),
                due=row.due,
                kept=row.standing == "kept",
                earliest=row.earliest,
                settled=row.settled_at,
            )
        )


def _conversations(session: Session, _hub: Hub, since: datetime, touched: Touched) -> Iterator[Observation]:
    answered = (
        select(col(ThreadMessage.thread_id), func.min(col(ThreadMessage.created_at)))
        .where(col(ThreadMessage.by) == "staff", col(ThreadMessage.created_at) >= since)
        .group_by(col(ThreadMessage.thread_id))
    )
    first = {row[0]: row[1] for row in session.execute(answered)}
    rows = (
        select(Thread, Component, Incident)
        .join(Component, col(Component.id) == col(Thread.component_id), isouter=True)
        .join(Incident, col(Incident.id) == col(Thread.incident_id), isouter=True)
        .where(col(Thread.created_at) >= since)
    )
    earlier = _before_our_word(session, since)
    for thread, component, incident in session.execute(rows):
        told = incident.told_at if incident and not incident.scheduled_for else earlier.get(thread.id)
        yield from of_conversation(
            Conversation(
                components=(component.key,) if component else touched.get(thread.incident_id or 0, ()),
                opened=thread.created_at,
                answered=first.get(thread.id),
                told=told,
                closed=thread.state == "closed",
                fixed=thread.fixed,
                rating=thread.rating,
            )
        )


def _before_our_word(session: Session, since: datetime) -> dict[int, datetime]:
    """Return who wrote on a component while an incident had begun of which we had said nothing: when we did."""
    early = (
        select(col(Thread.id), func.min(col(Incident.told_at)))
        .join(IncidentComponent, col(IncidentComponent.component_id) == col(Thread.component_id))
        .join(Incident, col(Incident.id) == col(IncidentComponent.incident_id))
        .where(
            *_told(since),
            col(Thread.created_at) >= col(Incident.started_at),
            col(Thread.created_at) < col(Incident.told_at),
        )
        .group_by(col(Thread.id))
    )
    return {thread: at for thread, at in session.execute(early) if at is not None}


def _words(session: Session, _hub: Hub, since: datetime, touched: Touched) -> Iterator[Observation]:
    overruled = select(col(Audit.at)).where(col(Audit.action) == _OVERRULED, col(Audit.at) >= since)
    times = set(session.execute(overruled).scalars())
    updates = select(col(Update.created_at), col(Update.incident_id)).where(
        col(Update.author).is_not(None), col(Update.created_at) >= since
    )
    answers = (
        select(col(ThreadMessage.created_at), col(Thread.incident_id))
        .join(Thread, col(Thread.id) == col(ThreadMessage.thread_id))
        .where(col(ThreadMessage.by) == "staff", col(ThreadMessage.created_at) >= since)
    )
    for query in (updates, answers):
        for at, incident in session.execute(query):
            yield of_words(at, touched.get(incident or 0, ()), overruled=at in times)


def _approvals(session: Session, _hub: Hub, since: datetime, touched: Touched) -> Iterator[Observation]:
    decided = (col(Approval.decided_by).is_not(None), col(Approval.decided_at).is_not(None))
    rows = select(Approval).where(*decided, col(Approval.asked_at) >= since)
    for row in session.execute(rows).scalars():
        if row.decided_at is not None:
            yield of_approval(row.asked_at, row.decided_at, touched.get(row.incident_id, ()))


def _changes(session: Session, hub: Hub, since: datetime) -> Iterator[Observation]:
    """Read rollouts to customers. One that brings an earlier version back counts for the one that it withdraws."""
    here = select(Rollout).where(
        col(Rollout.follows_id).is_(None),
        col(Rollout.environment).in_(hub.configuration.site.environments.public),
        col(Rollout.phase).in_(_ENDED),
        or_(col(Rollout.ended_at) >= since, col(Rollout.created_at) >= since),
    )
    found = [(row, known_of(row)) for row in session.execute(here).scalars()]
    withdrawn = {(row.subject, row.environment, known.from_version) for row, known in found if known.basis}
    for row, known in found:
        if known.basis is not None:
            continue
        back = known.ended_at - known.rollback_started_at if known.ended_at and known.rollback_started_at else None
        failed = row.phase in TROUBLED or (row.subject, row.environment, row.to_version) in withdrawn
        ended = row.ended_at or known.troubled_at or row.created_at
        yield from of_change(Change(components=(row.subject,), ended=ended, failed=failed, took_back=back))


def whole_month(now: datetime) -> str:
    """Return the last month that is over, such as `2026-10`."""
    return months(f"{now.astimezone(UTC):%Y-%m}", 2)[0]
