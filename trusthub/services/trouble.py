"""When something fails or goes back: staff hear it now, customers when there is evidence of harm and reach."""

from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlmodel import Session, col

from trusthub.domain.incident import By, Circumstances, Decision, Impact, State, impact_of, may_tell
from trusthub.domain.message import Button, Moment
from trusthub.domain.rollout import AFTERWARDS
from trusthub.domain.rollout import Rollout as Known
from trusthub.domain.site import Connection
from trusthub.services import approvals, fuse, incidents, outcomes, promises
from trusthub.services.announce import Telling, tell
from trusthub.services.attempts import Heard
from trusthub.services.cases import Case, create, open_case, pending, playbook_for, site_component, wake
from trusthub.services.facts import case_facts
from trusthub.services.hub import Hub
from trusthub.store.tables import Component, Incident, Rollout

_PUBLIC = {
    Moment.ROLLOUT_FAILED: Moment.INCIDENT_INVESTIGATING,
    Moment.ROLLBACK_STARTED: Moment.INCIDENT_IDENTIFIED,
    Moment.ROLLBACK_FINISHED: Moment.INCIDENT_MONITORING,
}
_OVER = frozenset({State.MONITORING, State.RESOLVED})


def arose(session: Session, hub: Hub, row: Rollout, known: Known, moment: Moment, heard: Heard[Any]) -> None:
    """Something failed or goes back: staff hear it now, customers when there is evidence of harm and reach."""
    case = _case(session, hub, row, known, heard.now)
    incident = case.incident
    again = State(incident.state) in _OVER and moment is not Moment.ROLLBACK_FINISHED
    tells = _decide(session, hub, case, moment, heard, again=again)
    first, asks = tells and not incident.public, case.playbook.approval is not None
    incident.public = incident.public or (tells and not asks)
    if incident.public and moment is Moment.ROLLBACK_STARTED:
        promises.expect_recovery(session, case, heard.now)
    if moment is Moment.ROLLBACK_FINISHED:
        outcomes.keep(session, row, known, case.plan, heard.now)
    _tell_staff(session, hub, case, moment, heard, buttons=() if first and asks else incidents.buttons(hub, case))
    if first:
        approvals.first(session, hub, case, _PUBLIC[moment], now=heard.now, cause=heard.cause)
    elif incident.public and (tells or not again):
        approvals.further(session, hub, case, _PUBLIC[moment], now=heard.now, cause=heard.cause, again=again)
    elif not (incident.public or case.approval):
        _move_on(session, case, moment, heard.now)


def reconsider(session: Session, hub: Hub, row: Rollout, known: Known, heard: Heard[Any]) -> None:
    """Evidence or reach came to light after the abort was told: decide anew whether customers hear of it."""
    case = _case(session, hub, row, known, heard.now)
    outcomes.keep(session, row, known, case.plan, heard.now)
    moment = incidents.first_words(case)
    if not case.incident.public and _decide(session, hub, case, Moment.ROLLBACK_STARTED, heard, again=False):
        approvals.first(session, hub, case, moment, now=heard.now, cause=heard.cause)


def decide(hub: Hub, case: Case, *, happened_at: datetime, now: datetime, retold: bool = False) -> Decision:
    """Decide by the domain's rules whether customers are told of a case without asking a person."""
    if case.rollout is None or case.known is None:
        return Decision(tell=False, why="A person opened this incident.")
    site = hub.configuration.site
    component = site_component(hub, case.rollout.subject)
    connection = hub.configuration.connection(case.rollout.connection) or Connection(source=case.rollout.source)
    around = Circumstances(
        component=component.id if component else None,
        environment=case.rollout.environment,
        public_environment=case.rollout.environment in site.environments.public,
        public_from=case.playbook.public_from,
        publishing=site.careful(component, connection),
        happened_at=happened_at,
        now=now,
        retold=retold,
    )
    decision = may_tell(case.known, around)
    unattended = decision.tell and case.playbook.approval is None
    held = hub.configuration.words_held(case.playbook) if unattended else None
    return Decision(tell=False, why=held) if held else decision


def _decide(session: Session, hub: Hub, case: Case, moment: Moment, heard: Heard[Any], *, again: bool) -> bool:
    """Decide whether customers hear of it now for the first time, or that it began again, and keep why."""
    incident = case.incident
    if incident.settled or incident.closed_by or (incident.public and not again):
        return False
    retold = heard.replayed or getattr(heard.event, "retold", False)
    decision = decide(hub, case, happened_at=heard.event.occurred_at, now=heard.now, retold=retold)
    incident.decision = decision.why
    if decision.tell and case.playbook.approval:
        incident.decision += " Somebody with the role publisher is asked before customers read it."
    if not decision.tell:
        return False
    if moment is Moment.ROLLOUT_FAILED:
        incident.decision += " They are told when the rollback starts, or in 15 seconds."
        wake(session, incident, "failure", heard.now + incidents.PATIENCE)
        return False
    return incident.public or not fuse.trips(session, hub, case, now=heard.now, cause=heard.cause)


def _move_on(session: Session, case: Case, moment: Moment, now: datetime) -> None:
    """Keep the state of an incident that only staff see."""
    incident = case.incident
    if moment is not Moment.ROLLBACK_FINISHED:
        incident.state = State.INVESTIGATING if State(incident.state) in _OVER else incident.state
    elif incident.state != State.RESOLVED:
        incident.state = State.MONITORING
        incidents.watch(session, case, now)


def _case(session: Session, hub: Hub, row: Rollout, known: Known, now: datetime) -> Case:
    mine = select(col(Incident.id)).where(col(Incident.rollout_id) == row.id).order_by(col(Incident.id).desc())
    found = session.execute(mine.limit(1)).scalar() or _taken_up(session, row, now)
    if found is None:
        components = [session.get_one(Component, row.component_id)] if row.component_id else []
        incident = create(
            session,
            Incident(
                rollout_id=row.id,
                name=_working_title(components, row, known),
                state=State.INVESTIGATING,
                impact=impact_of(known.peak),
                playbook=playbook_for(hub, row, known.strategy, impact_of(known.peak)).name,
                opened_by=By.MACHINE,
                started_at=known.exposed_from or known.troubled_at or now,
                created_at=now,
                updated_at=now,
            ),
            components,
        )
        found = incident.id
    case = open_case(session, hub, found)
    _weigh(hub, case, row, known)
    return case


def _weigh(hub: Hub, case: Case, row: Rollout, known: Known) -> None:
    """Let an incident become as bad as its reach, with the playbook for that. It becomes no better by itself."""
    incident, impact = case.incident, impact_of(known.peak)
    if incident.settled or incident.opened_by != By.MACHINE or Impact(incident.impact).at_least(impact):
        return
    incident.impact, case.playbook = impact, playbook_for(hub, row, known.strategy, impact)
    incident.playbook, case.plan = case.playbook.name, hub.configuration.plans[case.playbook.plan]


def _taken_up(session: Session, row: Rollout, now: datetime) -> int | None:
    """Return the incident that a retry of the same version goes on with: abort, retry, abort is one incident."""
    found: Incident | None = session.execute(
        select(Incident)
        .join(Rollout, col(Incident.rollout_id) == Rollout.id)
        .where(
            col(Rollout.subject) == row.subject,
            col(Rollout.environment).is_not_distinct_from(row.environment),
            col(Rollout.to_version).is_not_distinct_from(row.to_version),
            or_(col(Rollout.ended_at).is_(None), col(Rollout.ended_at) > now - AFTERWARDS),
            col(Incident.opened_by) == By.MACHINE,
            col(Incident.settled).is_(None),
            or_(col(Incident.closed_by).is_(None), col(Incident.closed_by) == By.MACHINE),
        )
        .order_by(col(Incident.id).desc())
        .limit(1)
    ).scalar()
    if found is None:
        return None
    found.rollout_id, found.closed_by, found.resolved_at = row.id, None, None
    session.flush()
    return found.id


def _working_title(components: list[Component], row: Rollout, known: Known) -> str:
    """Return what staff read until customers are told, whose message then names the incident."""
    return f"{components[0].name if components else row.subject}: rollout of {known.to_version or 'a version'}"


def _tell_staff(
    session: Session, hub: Hub, case: Case, moment: Moment, heard: Heard[Any], buttons: tuple[Button, ...]
) -> None:
    tell(
        session,
        hub,
        Telling(
            moment=moment,
            playbook=case.playbook,
            facts=case_facts(hub, case, pending(session, case.incident)) | outcomes.facts(case.known),
            conversation=case.conversation,
            cause=heard.cause,
            now=heard.now,
            impact=Impact(case.incident.impact),
            buttons=buttons,
            incident_id=case.incident.id,
            rollout_id=case.incident.rollout_id,
            event_id=heard.event_id,
        ),
    )
