"""The public API of Atlassian Statuspage, version 2: exactly its keys, because strict clients refuse others.

Shapes after the public OpenAPI documents and examples of pages that Statuspage hosts.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain.incident import AT_WORK, OVER, ComponentStatus, State, worst_status
from trusthub.rendering import markdown
from trusthub.services import report
from trusthub.services.cases import known_to, the_page
from trusthub.services.hub import Hub
from trusthub.services.said import POSTMORTEM, said
from trusthub.store.tables import Component, Incident, IncidentComponent, Page, Update

Json = dict[str, Any]

NEWEST = 50
"""Incidents in `incidents.json`, and pieces of planned work in its list, as Statuspage has them."""
_NOTHING = [{"name": "No components were affected by this update."}]

_DESCRIPTIONS = {
    ComponentStatus.OPERATIONAL: ("none", "All Systems Operational"),
    ComponentStatus.DEGRADED: ("minor", "Partially Degraded Service"),
    ComponentStatus.PARTIAL_OUTAGE: ("major", "Partial System Outage"),
    ComponentStatus.MAJOR_OUTAGE: ("critical", "Major System Outage"),
    ComponentStatus.MAINTENANCE: ("maintenance", "Service Under Maintenance"),
}


def documents(session: Session, hub: Hub, now: datetime) -> dict[str, bytes]:
    """Return each document's path and bytes."""
    row, rows = the_page(session, hub), report.listed(session, hub)
    listed = {"components": [_component(component, row, rows) for component in rows]}
    about, status = {"page": _page(row, hub, now)}, {"status": _status(rows)}
    newest = _incidents(session, hub, row, rows, limit=NEWEST)
    unresolved = _incidents(session, hub, row, rows, limit=None)
    works = report.works(hub).order_by(None).order_by(col(Incident.scheduled_for).desc()).limit(NEWEST)
    planned = _whole(session, hub, row, rows, session.execute(works).scalars().all())
    upcoming = [each for each in planned if each["status"] == State.SCHEDULED]
    active = [each for each in planned if each["status"] in AT_WORK]
    summary = {**listed, "incidents": unresolved, "scheduled_maintenances": [*active, *upcoming], **status}
    found: dict[str, Json] = {
        "summary": summary,
        "status": status,
        "components": listed,
        "incidents": {"incidents": newest},
        "incidents/unresolved": {"incidents": unresolved},
        "scheduled-maintenances": {"scheduled_maintenances": planned},
        "scheduled-maintenances/upcoming": {"scheduled_maintenances": upcoming},
        "scheduled-maintenances/active": {"scheduled_maintenances": active},
    }
    return {f"/api/v2/{name}.json": _bytes({**about, **document}) for name, document in found.items()}


def _incidents(session: Session, hub: Hub, page: Page, rows: Sequence[Component], *, limit: int | None) -> list[Json]:
    """Return incidents that customers know of, newest first: the newest `limit`, or without one all unresolved."""
    found = select(Incident).where(*known_to(hub), col(Incident.scheduled_for).is_(None))
    if limit is None:
        found = found.where(col(Incident.state).not_in(OVER))
    found = found.order_by(col(Incident.created_at).desc(), col(Incident.id).desc()).limit(limit)
    return _whole(session, hub, page, rows, session.execute(found).scalars().all())


def _whole(
    session: Session, hub: Hub, page: Page, components: Sequence[Component], rows: Sequence[Incident]
) -> list[Json]:
    """Return incidents with their updates and components; planned work with its window as well."""
    updates, touched = _updates(session, hub, rows, page, components), _touched(session, rows)
    return [
        {
            **_incident(hub, incident, page),
            "incident_updates": updates[incident.id],
            "components": [_component(one, page, components) for one in components if one.id in touched[incident.id]],
            "reminder_intervals": None,
            **(_window(incident, page) if incident.scheduled_for else {}),
        }
        for incident in rows
    ]


def _window(row: Incident, page: Page) -> Json:
    window = {"scheduled_for": row.scheduled_for, "scheduled_until": row.scheduled_until}
    return {name: _time(at, page) for name, at in window.items()}


def _bytes(document: Json) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _time(at: datetime | None, page: Page) -> str | None:
    """Write a time as Statuspage does: ISO 8601 in the page's zone, three digits of milliseconds, `Z` for UTC."""
    if at is None:
        return None
    text = at.astimezone(ZoneInfo(page.time_zone)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z") if page.time_zone in {"UTC", "Etc/UTC"} else text


def _page(page: Page, hub: Hub, now: datetime) -> Json:
    return {
        "id": page.public_id,
        "name": page.name,
        "url": hub.page.url,
        "time_zone": "Etc/UTC" if page.time_zone == "UTC" else page.time_zone,
        "updated_at": _time(now, page),
    }


def _status(components: Sequence[Component]) -> Json:
    worst = worst_status(component.status for component in components if not component.is_group)
    indicator, description = _DESCRIPTIONS[worst]
    return {"indicator": indicator, "description": description}


def _component(component: Component, page: Page, rows: Sequence[Component]) -> Json:
    members = [row for row in rows if row.group_id == component.id]
    group = next((row for row in rows if row.id == component.group_id), None)
    status = worst_status(row.status for row in members) if component.is_group else component.status
    fields: Json = {
        "id": component.public_id,
        "name": component.name,
        "status": status,
        "created_at": _time(component.created_at, page),
        "updated_at": _time(component.updated_at, page),
        "position": component.position,
        "description": component.description,
        "showcase": not component.is_group,
        "start_date": None if component.is_group else f"{component.created_at:%Y-%m-%d}",
        "group_id": group.public_id if group else None,
        "page_id": page.public_id,
        "group": component.is_group,
        "only_show_if_degraded": False,
    }
    return {**fields, "components": [row.public_id for row in members]} if component.is_group else fields


def _incident(hub: Hub, row: Incident, page: Page) -> Json:
    return {
        "id": row.public_id,
        "name": report.title(hub, row)[0],
        "status": POSTMORTEM if row.postmortem_at else row.state,
        "created_at": _time(row.told_at, page),
        "updated_at": _time(row.updated_at, page),
        "monitoring_at": _time(row.monitoring_at, page),
        "resolved_at": _time(row.resolved_at, page) if row.state in OVER else None,
        "impact": "maintenance" if row.scheduled_for else row.impact,
        "shortlink": hub.incident_url(row.public_id),
        "started_at": _time(row.started_at, page),
        "page_id": page.public_id,
    }


def _touched(session: Session, incidents: Sequence[Incident]) -> dict[int, set[int]]:
    """Return the components of each incident."""
    found: dict[int, set[int]] = {incident.id: set() for incident in incidents}
    links = select(IncidentComponent).where(col(IncidentComponent.incident_id).in_(found))
    for link in session.execute(links).scalars():
        found[link.incident_id].add(link.component_id)
    return found


def _affected(hub: Hub, update: Update, rows: Sequence[Component]) -> list[dict[str, str]]:
    """Return the components of an update; one in a group is called `Group - Component` there."""
    groups, known = {row.id: row.name for row in rows}, {row.public_id for row in rows}
    full = {row.public_id: f"{groups[row.group_id]} - {row.name}" for row in rows if row.group_id in groups}
    here = update.components if hub.shows is None else [one for one in update.components if one["code"] in known]
    return [{**one, "name": full.get(one["code"], one["name"])} for one in here] or _NOTHING


def _updates(
    session: Session, hub: Hub, incidents: Sequence[Incident], page: Page, rows: Sequence[Component]
) -> dict[int, list[Json]]:
    """Return the updates of each incident, newest first, in the page's own language."""
    published = said(session, hub, [incident.id for incident in incidents], hub.page.main)
    return {
        incident.id: [
            {
                "id": update.public_id,
                "status": update.state,
                "body": markdown.to_text(text.body),
                "incident_id": incident.public_id,
                "created_at": _time(update.created_at, page),
                "updated_at": _time(update.created_at, page),
                "display_at": _time(update.created_at, page),
                "affected_components": _affected(hub, update, rows),
                "deliver_notifications": True,
                "custom_tweet": None,
                "tweet_id": None,
            }
            for update, text in published[incident.id]
        ]
        for incident in incidents
    }
