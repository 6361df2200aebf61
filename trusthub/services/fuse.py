"""Keeps a storm of failures from becoming a storm of public incidents.

One faulty cluster can fail twenty rollouts in a minute. A playbook says how many of them are told at once; then one
message says that several things have a problem, and people decide about each of the others.
"""

from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from trusthub.domain.incident import By, Impact, State
from trusthub.domain.message import Moment
from trusthub.domain.playbook import Playbook, Wave
from trusthub.services import approvals
from trusthub.services.cases import Case, create, open_case, the_page
from trusthub.services.hub import Hub
from trusthub.store.tables import Component, Incident, IncidentComponent, IncidentPage


def trips(session: Session, hub: Hub, case: Case, *, now: datetime, cause: str) -> bool:
    """Whether this incident is one too many to go public by itself; if so, the message about several tells of it."""
    several, wave = _several(session), case.playbook.wave
    if several is None and _told(session, now - wave.within) < wave.more_than:
        return False
    case.incident.decision = why = _why(wave)
    known = {component.id: component for component in case.components}
    if several is None:
        everything = {**_touched(session, now - wave.within), **known}
        if hub.configuration.words_held(_playbook(hub)) is None:
            _tell(session, hub, list(everything.values()), why, now, cause)
    else:
        listed = select(col(IncidentComponent.component_id)).where(col(IncidentComponent.incident_id) == several.id)
        for missing in known.keys() - set(session.execute(listed).scalars()):
            session.add(IncidentComponent(incident_id=several.id, component_id=missing))
        several.updated_at = now
    return True


def _why(wave: Wave) -> str:
    minutes, many = wave.within.total_seconds() / 60, "" if wave.more_than == 1 else "s"
    return (
        f"More than {wave.more_than} incident{many} wanted to go public by themselves within {minutes:g} minutes. "
        "Customers read one message about all of them, and a person decides about this one."
    )


def _several(session: Session) -> Incident | None:
    """Return the message about several problems that is still open."""
    page = the_page(session)
    return session.execute(
        select(Incident)
        .join(IncidentPage, col(IncidentPage.incident_id) == Incident.id)
        .where(
            col(IncidentPage.page_id) == page.id,
            col(Incident.combined).is_(True),
            col(Incident.state) != State.RESOLVED,
        )
        .limit(1)
        .with_for_update()
    ).scalar()


def _told(session: Session, since: datetime) -> int:
    """Count what went public by itself since then. The page is locked, so that two at once are counted."""
    page = the_page(session, lock=True)
    found = (
        select(func.count())
        .select_from(Incident)
        .join(IncidentPage, col(IncidentPage.incident_id) == Incident.id)
        .where(
            col(IncidentPage.page_id) == page.id,
            col(Incident.public).is_(True),
            col(Incident.opened_by) == By.MACHINE,
            col(Incident.told_at) > since,
        )
    )
    return int(session.execute(found).scalar_one())


def _touched(session: Session, since: datetime) -> dict[int, Component]:
    found = (
        select(Component)
        .join(IncidentComponent, col(IncidentComponent.component_id) == Component.id)
        .join(Incident, col(Incident.id) == IncidentComponent.incident_id)
        .where(
            col(Incident.public).is_(True),
            col(Incident.opened_by) == By.MACHINE,
            col(Incident.told_at) > since,
            col(Incident.state) != State.RESOLVED,
        )
        .order_by(col(Component.position))
    )
    return {component.id: component for component in session.execute(found).scalars()}


def _playbook(hub: Hub) -> Playbook:
    """Return the playbook for what has no rollout of its own."""
    public = next(iter(hub.configuration.site.environments.public), None)
    return hub.configuration.playbook(component=None, environment=public, severity=Impact.MAJOR)


def _tell(session: Session, hub: Hub, components: list[Component], why: str, now: datetime, cause: str) -> None:
    incident = create(
        session,
        Incident(
            name="",
            state=State.INVESTIGATING,
            impact=Impact.MAJOR,
            combined=True,
            decision=why,
            playbook=_playbook(hub).name,
            opened_by=By.MACHINE,
            started_at=now,
            created_at=now,
            updated_at=now,
        ),
        components,
    )
    case = open_case(session, hub, incident.id)
    approvals.first(session, hub, case, Moment.INCIDENT_SEVERAL, now=now, cause=f"{cause}/several")
