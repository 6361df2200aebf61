"""The public history of the page as one document: what customers could read, and nothing else."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain.incident import ComponentStatus, Impact, State
from trusthub.domain.past import (
    Past,
    PastChange,
    PastComponent,
    PastIncident,
    PastPage,
    PastPromise,
    PastText,
    PastUpdate,
)
from trusthub.services import uptime
from trusthub.services.cases import corrected
from trusthub.services.hub import Hub
from trusthub.services.uptime import FALSE_ALARM
from trusthub.store.tables import Component, Incident, IncidentComponent, Promise, Update, UpdateText


def export(hub: Hub, now: datetime) -> Past:
    """Return everything that the page ever said in public, as of one moment."""
    with hub.database.reading() as session:
        rows = session.execute(select(Component).order_by(col(Component.position))).scalars().all()
        public = select(Incident).where(col(Incident.public).is_(True))
        incidents = session.execute(public.order_by(col(Incident.started_at), col(Incident.id))).scalars().all()
        keys = {row.id: row.key for row in rows}
        return Past(
            exported_at=now,
            page=PastPage(name=hub.page.name, url=hub.page.url, time_zone=hub.page.time_zone),
            components=_components(session, rows, now),
            incidents=tuple(
                _incident(session, row, keys, {row.public_id: row.key for row in rows}) for row in incidents
            ),
        )


def _components(session: Session, rows: Any, now: datetime) -> tuple[PastComponent, ...]:
    single = [row for row in rows if not row.is_group]
    known, groups = uptime.of(session, single, now), {row.id: row.name for row in rows if row.is_group}
    return tuple(
        PastComponent(
            key=row.key,
            id=row.public_id,
            name=row.name,
            description=row.description,
            group=groups.get(row.group_id),
            listed_at=row.created_at,
            uptime_90_days=known[row.id].windows[0].percent,
        )
        for row in single
    )


def _incident(session: Session, row: Incident, keys: dict[int, str], names: dict[str, str]) -> PastIncident:
    touched = select(col(IncidentComponent.component_id)).where(col(IncidentComponent.incident_id) == row.id)
    promises = select(Promise).where(col(Promise.incident_id) == row.id).order_by(col(Promise.id))
    return PastIncident(
        id=row.public_id,
        name=row.name,
        names=row.names,
        status=State(row.state),
        impact=Impact(row.impact),
        retracted=row.settled == FALSE_ALARM,
        components=tuple(keys[number] for number in session.execute(touched.order_by("component_id")).scalars()),
        started_at=row.started_at,
        told_at=row.told_at or row.created_at,
        monitoring_at=row.monitoring_at,
        resolved_at=row.resolved_at,
        ended_at=corrected(row).ended,
        updated_at=row.updated_at,
        failed=row.failed,
        scheduled_for=row.scheduled_for,
        scheduled_until=row.scheduled_until,
        effect=row.effect,
        advice=row.advice,
        updates=_updates(session, row, names),
        promises=tuple(map(_promise, session.execute(promises).scalars())),
    )


def _updates(session: Session, row: Incident, names: dict[str, str]) -> tuple[PastUpdate, ...]:
    found = select(Update, UpdateText).join(UpdateText, col(UpdateText.update_id) == Update.id)
    texts: dict[int, dict[str, PastText]] = defaultdict(dict)
    updates: dict[int, Update] = {}
    for update, text in session.execute(found.where(col(Update.incident_id) == row.id).order_by(col(Update.id))):
        updates[update.id] = update
        texts[update.id][text.locale] = PastText(subject=text.subject, body=text.body)
    return tuple(
        PastUpdate(
            id=update.public_id,
            status=State(update.state),
            at=update.created_at,
            components=tuple(
                PastChange(
                    component=names[change["code"]],
                    old_status=ComponentStatus(change.get("old_status", ComponentStatus.OPERATIONAL)),
                    new_status=ComponentStatus(change["new_status"]),
                )
                for change in update.components
                if change.get("code") in names
            ),
            texts=texts[update.id],
        )
        for update in updates.values()
    )


def _promise(row: Promise) -> PastPromise:
    names = ("kind", "earliest", "due", "basis", "standing", "settled_at")
    return PastPromise(made_at=row.created_at, **{name: getattr(row, name) for name in names})
