"""An incident with everything that belongs to it, loaded under its lock."""

from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import select, update
from sqlmodel import Session, col

from trusthub.domain.events import Phase, Strategy
from trusthub.domain.incident import Impact
from trusthub.domain.plan import Plan
from trusthub.domain.playbook import Playbook
from trusthub.domain.rollout import UNDER_WAY, Exposure, with_evidence
from trusthub.domain.rollout import Rollout as Known
from trusthub.domain.site import Component as SiteComponent
from trusthub.services.hub import Hub
from trusthub.store.tables import Component, Incident, IncidentComponent, IncidentPage, Page, Promise, Rollout

_KNOWN = TypeAdapter(Known)


def known_of(row: Rollout) -> Known:
    """Return the domain's rollout that a row keeps."""
    return _KNOWN.validate_python(row.known)


def as_told(session: Session, row: Rollout, known: Known) -> Known:
    """Return a rollout as people are told of it: `to_version` is what goes, `from_version` what stays.

    An attempt that is itself a rollback has them the other way round; what it withdraws had reached everybody.
    """
    if known.basis is None:
        return known
    withdrawn = session.execute(
        select(Rollout)
        .where(
            col(Rollout.subject) == row.subject,
            col(Rollout.environment).is_not_distinct_from(row.environment),
            col(Rollout.to_version) == known.from_version,
            col(Rollout.phase) == Phase.COMPLETED,
            col(Rollout.follows_id).is_(None),
        )
        .order_by(col(Rollout.id).desc())
        .limit(1)
    ).scalar()
    steps = known_of(withdrawn).steps if withdrawn else ()
    if steps and known.ended_at:
        steps = (*steps, Exposure(known.ended_at, 0.0))
    if withdrawn:
        known = with_evidence(known, known_of(withdrawn).evidence)
    return replace(
        known,
        to_version=known.from_version,
        from_version=known.to_version,
        steps=steps,
        rollback_started_at=known.started_at or known.ended_at,
    )


def keep(row: Rollout, known: Known) -> None:
    """Put the domain's rollout into its row."""
    row.known = _KNOWN.dump_python(known, mode="json")
    row.phase = known.phase
    row.to_version = known.to_version
    row.ended_at = known.ended_at


@dataclass(slots=True)
class Case:
    """One incident, the rollout behind it when there is one, and the playbook that says what to do."""

    incident: Incident
    playbook: Playbook
    plan: Plan
    page: Page
    components: list[Component]
    rollout: Rollout | None = None
    known: Known | None = None

    @property
    def conversation(self) -> str:
        """What ties its messages together in Slack and in a mail client."""
        return self.incident.conversation


def open_case(session: Session, hub: Hub, incident_id: int) -> Case:
    """Lock an incident, so that two writers take turns, and load what belongs to it."""
    session.execute(update(Incident).where(col(Incident.id) == incident_id).values(sequence=Incident.sequence + 1))
    return read_case(session, hub, incident_id)


def read_case(session: Session, hub: Hub, incident_id: int) -> Case:
    """Load an incident without locking it."""
    incident = session.get_one(Incident, incident_id, populate_existing=True)
    rollout = session.get(Rollout, incident.rollout_id) if incident.rollout_id else None
    playbook = hub.configuration.named(incident.playbook)
    return Case(
        incident=incident,
        playbook=playbook,
        plan=hub.configuration.plans[playbook.plan],
        page=the_page(session),
        components=components_of(session, incident),
        rollout=rollout,
        known=as_told(session, rollout, known_of(rollout)) if rollout else None,
    )


def the_page(session: Session, *, lock: bool = False) -> Page:
    """Return the public page. There is one so far; rows carry its id so that there can be more."""
    found = select(Page).order_by(col(Page.id)).limit(1)
    page: Page = session.execute(found.with_for_update() if lock else found).scalar_one()
    return page


def components_of(session: Session, incident: Incident) -> list[Component]:
    """Return the components that an incident touches, in the page's order."""
    return list(
        session.execute(
            select(Component)
            .join(IncidentComponent, col(IncidentComponent.component_id) == Component.id)
            .where(col(IncidentComponent.incident_id) == incident.id)
            .order_by(col(Component.position))
        ).scalars()
    )


def rollout_behind(session: Session, hub: Hub, incident: Incident) -> Rollout | None:
    """Return the rollout that customers mean by "this change": the incident's, else one under way on its components."""
    if incident.rollout_id is not None:
        return session.get(Rollout, incident.rollout_id)
    keys = [component.key for component in components_of(session, incident)]
    newest: Rollout | None = session.execute(
        select(Rollout)
        .where(
            col(Rollout.subject).in_(keys),
            col(Rollout.environment).in_(hub.configuration.site.environments.public),
            col(Rollout.follows_id).is_(None),
            col(Rollout.phase).in_(UNDER_WAY),
        )
        .order_by(col(Rollout.id).desc())
        .limit(1)
    ).scalar()
    return newest


def create(session: Session, incident: Incident, components: list[Component]) -> Incident:
    """Store a new incident with its page and components."""
    session.add(incident)
    session.flush()
    rollout = session.get(Rollout, incident.rollout_id) if incident.rollout_id else None
    incident.conversation = f"rollout:{rollout.public_id}" if rollout else f"incident:{incident.public_id}"
    session.add(IncidentPage(incident_id=incident.id, page_id=the_page(session).id))
    session.add_all(IncidentComponent(incident_id=incident.id, component_id=component.id) for component in components)
    session.flush()
    return incident


def pending(session: Session, incident: Incident) -> list[Promise]:
    """Return the promises of an incident that are still to be kept."""
    return list(
        session.execute(
            select(Promise).where(col(Promise.incident_id) == incident.id, col(Promise.standing) == "pending")
        ).scalars()
    )


def site_component(hub: Hub, subject: str) -> SiteComponent | None:
    """Return the component of site.yaml that a rollout's subject names."""
    return next((known for known in hub.configuration.site.components if known.id == subject), None)


def playbook_for(hub: Hub, row: Rollout, strategy: Strategy, severity: Impact | None = None) -> Playbook:
    """Return the playbook of a rollout, or of an incident of some severity that it led to."""
    component = site_component(hub, row.subject)
    return hub.configuration.playbook(
        strategy=strategy,
        component=component.id if component else None,
        environment=row.environment,
        severity=severity,
    )


def touch(incident: Incident, now: datetime) -> None:
    """Mark an incident as changed, so that its page is rendered again."""
    incident.updated_at = now
