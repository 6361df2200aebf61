"""An incident with everything that belongs to it, loaded under its lock."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, or_, select, update
from sqlmodel import Session, col

from trusthub.domain.approval import Standing
from trusthub.domain.events import Phase, Strategy
from trusthub.domain.incident import CauseClass, Impact, evident_cause
from trusthub.domain.plan import Plan
from trusthub.domain.playbook import Playbook
from trusthub.domain.reach import Reach
from trusthub.domain.rollout import UNDER_WAY, Exposure, with_evidence
from trusthub.domain.rollout import Rollout as Known
from trusthub.domain.site import Component as SiteComponent
from trusthub.services.hub import Hub
from trusthub.store import outbox
from trusthub.store.tables import (
    Approval,
    Component,
    Incident,
    IncidentComponent,
    IncidentPage,
    Page,
    Postmortem,
    Promise,
    Rollout,
    Timer,
)

_KNOWN = TypeAdapter(Known)
_REACH = TypeAdapter(Reach)


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
        known = replace(known, metrics=known_of(withdrawn).metrics or known.metrics)
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
    approval: Approval | None = None
    """The question that waits for an answer of people before customers read more."""

    @property
    def cause(self) -> CauseClass:
        """What kind of cause it is: what a person said, else what the evidence says."""
        incident = self.incident
        return CauseClass(incident.cause_class) if incident.cause_by else evident_cause(self.known)

    @property
    def holding(self) -> bool:
        """Whether customers get holding messages only, until somebody with the role `legal` has cleared more."""
        return (self.cause is CauseClass.ATTACK or self.incident.data_at_risk) and not self.incident.cleared_by

    @property
    def introduced(self) -> bool:
        """Whether customers have read more of it than that we look into it."""
        return self.incident.public and not (self.approval and self.approval.held_at)

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
    if rollout and hub.shows is not None and rollout.subject not in hub.shows:
        rollout = None  # what went where is told on the pages of its component
    playbook = hub.configuration.named(incident.playbook)
    return Case(
        incident=incident,
        playbook=playbook,
        plan=hub.configuration.plans[playbook.plan],
        page=the_page(session, hub),
        components=components_of(session, incident, hub),
        rollout=rollout,
        known=as_told(session, rollout, known_of(rollout)) if rollout else None,
        approval=question(session, incident_id),
    )


def question(session: Session, incident_id: int) -> Approval | None:
    """Return what people are asked about an incident now."""
    mine = (col(Approval.incident_id) == incident_id, col(Approval.state) == Standing.PENDING)
    found = select(Approval).where(*mine).execution_options(populate_existing=True)
    row: Approval | None = session.execute(found).scalar()
    return row


def postmortem_of(session: Session, incident_id: int) -> Postmortem | None:
    """Return the postmortem of an incident, whatever its state."""
    found = select(Postmortem).where(col(Postmortem.incident_id) == incident_id)
    row: Postmortem | None = session.execute(found).scalar()
    return row


def the_page(session: Session, hub: Hub | None = None, *, lock: bool = False) -> Page:
    """Return the page that a hub speaks for; without one the oldest, which the rows of all pages refer to.

    It is locked in the outbox's turn only, and so that rows may refer to it meanwhile: whoever has the turn already
    would else wait for the page, and its holder for the turn.
    """
    found = select(Page).order_by(col(Page.id)).limit(1)
    found = found if hub is None else found.where(col(Page.key) == hub.page.key)
    if lock:
        outbox.take_turn(session)
        found = found.with_for_update(key_share=True)
    page: Page = session.execute(found).scalar_one()
    return page


def known_to(hub: Hub) -> tuple[ColumnElement[bool], ...]:
    """Say which incidents the readers of a page know: public ones that touch what it shows.

    What touches no component at all is on the first page.
    """
    public = col(Incident.public).is_(True)
    if hub.shows is None:
        return (public,)
    touching = select(col(IncidentComponent.incident_id))
    shown = touching.join(Component, col(Component.id) == IncidentComponent.component_id)
    mine = col(Incident.id).in_(shown.where(col(Component.key).in_(hub.shows)))
    return public, or_(mine, col(Incident.id).not_in(touching)) if hub.first else mine


def hub_of(session: Session, hub: Hub, page_id: int) -> Hub:
    """Return a hub as the page of a row, so that its links, words and sender are that page's."""
    return hub if hub.alone else hub.at(session.get_one(Page, page_id).key)


def pages_of(hub: Hub, components: Iterable[Component]) -> tuple[Hub, ...]:
    """Return a hub as each page that shows one of these; as the first when there are none."""
    keys = {component.key for component in components}
    shown = (each for each in hub.pages if each.shows is None or each.shows & keys or (each.first and not keys))
    return tuple(shown)


def components_of(session: Session, incident: Incident, hub: Hub | None = None) -> list[Component]:
    """Return the components that an incident touches, in the page's order; those that a page shows, for its hub."""
    found = (
        select(Component)
        .join(IncidentComponent, col(IncidentComponent.component_id) == Component.id)
        .where(col(IncidentComponent.incident_id) == incident.id)
        .order_by(col(Component.position))
    )
    shows = hub.shows if hub else None
    return list(session.execute(found if shows is None else found.where(col(Component.key).in_(shows))).scalars())


def rollout_behind(session: Session, hub: Hub, incident: Incident) -> Rollout | None:
    """Return the rollout that customers mean by "this change": the incident's, else one under way on its components."""
    if incident.rollout_id is not None:
        return session.get(Rollout, incident.rollout_id)
    keys = [component.key for component in components_of(session, incident, hub)]
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


def corrected(incident: Incident) -> Reach:
    """Return what a person knows better than the tools."""
    return _REACH.validate_python(incident.corrected)


def correct(incident: Incident, right: Reach) -> None:
    """Put what a person knows better into its row; what they corrected before stays."""
    own = {"failed": right.failed, "impact": right.impact, "started_at": right.began}
    for column, value in own.items():
        if value is not None:
            setattr(incident, column, value)
    said = _REACH.dump_python(replace(right, failed=None, impact=None), mode="json", exclude_none=True)
    incident.corrected = {**incident.corrected, **said}


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


def wake(session: Session, incident: Incident, kind: str, due: datetime) -> None:
    """Set a timer, unless the same one is set already: one request can hold several events of one moment."""
    session.flush()
    same = (col(Timer.kind) == kind, col(Timer.incident_id) == incident.id, col(Timer.due) == due)
    if session.execute(select(Timer).where(*same)).first() is None:
        session.add(Timer(kind=kind, incident_id=incident.id, due=due))


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
