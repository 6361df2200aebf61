"""Reading what incidents did to each component in the last 90 days, for the bars on the status page."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlmodel import Session, col

from trusthub.domain.incident import COMPONENT_STATUS, ComponentStatus, Impact, State
from trusthub.domain.uptime import Trouble, days, troubles, uptime
from trusthub.services.cases import corrected
from trusthub.services.views import STATUS_WORDS, DayView, UptimeView, WindowView
from trusthub.store.tables import Component, Incident, IncidentComponent, Update

WINDOWS = (90, 60, 30)
"""Days: on a wide screen, a narrow one and a phone."""
FALSE_ALARM = "false_alarm"


def of(session: Session, components: Sequence[Component], now: datetime) -> dict[int, UptimeView]:
    """Return the uptime of each component."""
    happened = _happened(session, components, now - timedelta(days=WINDOWS[0]))
    return {each.id: _view(happened[each.id], each.created_at, now) for each in components}


def _happened(
    session: Session, components: Sequence[Component], since: datetime
) -> Mapping[int, list[tuple[Trouble, ...]]]:
    """Return what each incident since then did to each component, by the component's id."""
    rows = session.execute(
        select(Incident, col(IncidentComponent.component_id))
        .join(IncidentComponent, col(IncidentComponent.incident_id) == Incident.id)
        .where(
            col(Incident.public).is_(True),
            col(Incident.scheduled_for).is_(None),  # planned work is no failure
            col(Incident.settled).is_distinct_from(FALSE_ALARM),
            or_(col(Incident.state) != State.RESOLVED, col(Incident.resolved_at) > since),
        )
    ).all()
    shown = _shown(session, {incident.id for incident, _ in rows})
    names = {each.id: each.public_id for each in components}
    found: dict[int, list[tuple[Trouble, ...]]] = defaultdict(list)
    for incident, component in rows:
        said = shown[incident.id].get(names.get(component, ""), [])
        whole = said or [(incident.started_at, COMPONENT_STATUS[Impact(incident.impact)])]
        if harm := troubles(incident.started_at, whole, _ended(incident)):
            found[component].append(harm)
    return found


def _ended(incident: Incident) -> datetime | None:
    """Return when the harm ended: what a person knows better counts; what is still open lasts."""
    if incident.state != State.RESOLVED:
        return None
    return min(filter(None, (corrected(incident).ended, incident.resolved_at)), default=None)


def _shown(session: Session, incidents: set[int]) -> Mapping[int, dict[str, list[tuple[datetime, ComponentStatus]]]]:
    """Return which status the page showed from when on, by incident and by the component's public id."""
    found: dict[int, dict[str, list[tuple[datetime, ComponentStatus]]]] = defaultdict(dict)
    rows = select(col(Update.incident_id), col(Update.created_at), col(Update.components))
    for incident, at, changes in session.execute(
        rows.where(col(Update.incident_id).in_(incidents)).order_by(col(Update.id))
    ):
        for change in changes:
            found[incident].setdefault(change["code"], []).append((at, ComponentStatus(change["new_status"])))
    return found


def _view(happened: Sequence[tuple[Trouble, ...]], listed_at: datetime, now: datetime) -> UptimeView:
    everything = [trouble for one in happened for trouble in one]
    since = min((listed_at, *(trouble.began for trouble in everything)))
    all_days = days(everything, since=since, now=now, count=WINDOWS[0])
    return UptimeView(
        first=all_days[0].first,
        unknown=sum(not day.known for day in all_days),
        windows=tuple(
            WindowView(days=size, percent=uptime(all_days[-size:]), incidents=_count(happened, all_days[-size].first))
            for size in WINDOWS
        ),
        troubled=tuple(
            DayView(
                at=day.first,
                place=place,
                status=day.worst,
                spent=tuple((STATUS_WORDS[status], spent) for status, spent in day.spent.items()),
            )
            for place, day in enumerate(all_days)
            if day.worst is not None
        ),
    )


def _count(happened: Sequence[tuple[Trouble, ...]], since: datetime) -> int:
    return sum(any(trouble.ended is None or trouble.ended > since for trouble in one) for one in happened)
