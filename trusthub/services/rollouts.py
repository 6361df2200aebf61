"""Following rollouts: each event changes what is known, and some changes are moments worth telling."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain.events import Evidence, Phase, RolloutEvent
from trusthub.domain.incident import By, Circumstances, Decision, State, impact_of, may_tell
from trusthub.domain.message import Moment
from trusthub.domain.rollout import TROUBLED, Versions, observe
from trusthub.domain.rollout import Rollout as Known
from trusthub.domain.site import Connection
from trusthub.services import incidents
from trusthub.services.announce import Telling, tell
from trusthub.services.cases import (
    Case,
    as_told,
    create,
    keep,
    known_of,
    open_case,
    pending,
    playbook_for,
    site_component,
)
from trusthub.services.facts import case_facts, rollout_facts
from trusthub.services.hub import Hub
from trusthub.store.tables import Component, Incident, Rollout, Timer


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One event on its way through: what it says, over which connection it came, and as which row it is kept."""

    event: RolloutEvent
    name: str
    connection: Connection
    event_id: int
    now: datetime

    @property
    def cause(self) -> str:
        """What deliveries that follow from it are keyed by."""
        return f"event:{self.event_id}"


_TROUBLE = frozenset({Moment.ROLLOUT_FAILED, Moment.ROLLBACK_STARTED, Moment.ROLLBACK_FINISHED})


def follow(session: Session, hub: Hub, heard: Heard) -> None:
    """Apply one event: update its rollout, and tell whoever its playbook names."""
    row, event = _row(session, hub, heard)
    before = known_of(row)
    known, moment = observe(before, event, Versions(_history(session, row)))
    keep(row, known)
    known = as_told(session, row, known)
    row.links = [{"label": link.label, "url": link.url} for link in event.links] or row.links
    session.flush()
    if moment in _TROUBLE:
        _trouble(session, hub, row, known, moment, heard)
    elif moment is not None:
        _tell(session, hub, row, known, moment, heard)
    elif known.phase in TROUBLED and (known.evidence, known.peak) != (before.evidence, before.peak):
        _reconsider(session, hub, row, known, heard)
    if moment is Moment.ROLLOUT_COMPLETED:
        _overtake(session, row, heard.now)


def _row(session: Session, hub: Hub, heard: Heard) -> tuple[Rollout, RolloutEvent]:
    """Return the rollout an event is about, locked, and the event as that rollout sees it."""
    event = heard.event
    mine = (col(Rollout.connection) == heard.name, col(Rollout.attempt) == event.attempt)
    found = session.execute(select(Rollout).where(*mine).with_for_update()).scalar()
    if found is not None:
        return found, event
    row = _new_row(session, hub, heard)
    restored = _restores(session, row, event)
    if restored is not None:
        phase = Phase.ROLLED_BACK if event.phase in _BACK else None
        return restored, replace(event, phase=phase, exposure=None, evidence=Evidence.NONE)
    session.add(row)
    session.flush()
    return row, event


def _new_row(session: Session, hub: Hub, heard: Heard) -> Rollout:
    event, site = heard.event, hub.configuration.site
    component = site.component(event.names)
    row = Rollout(
        connection=heard.name,
        attempt=event.attempt,
        source=heard.connection.source,
        subject=component.id if component else event.names[0],
        component_id=_component_id(session, component.id) if component else None,
        environment=site.environment(
            payload=event.environment, connection=heard.connection.environment, namespace=event.namespace
        ),
        known={},
        created_at=heard.now,
    )
    keep(row, Known())
    return row


_BACK = frozenset({Phase.COMPLETED, Phase.ROLLED_BACK})


def _restores(session: Session, row: Rollout, event: RolloutEvent) -> Rollout | None:
    """Return the failed rollout that this event cleans up after, if it brings back the version that was current.

    Argo starts an attempt of its own when the manifest is put back to the stable version after an abort.
    """
    if event.to_version is None or event.rollback:
        return None
    history = _history(session, row)
    if not history or event.to_version != history[-1]:
        return None
    return session.execute(
        select(Rollout)
        .where(
            col(Rollout.connection) == row.connection,
            col(Rollout.subject) == row.subject,
            col(Rollout.environment).is_not_distinct_from(row.environment),
            col(Rollout.phase).in_([Phase.FAILED, Phase.ROLLING_BACK, Phase.ROLLED_BACK]),
            col(Rollout.to_version) != event.to_version,
        )
        .order_by(col(Rollout.id).desc())
        .limit(1)
        .with_for_update()
    ).scalar()


def _history(session: Session, row: Rollout) -> Sequence[str]:
    """Return the versions that were complete for this component and environment, oldest first."""
    return list(
        session.execute(
            select(col(Rollout.to_version))
            .where(
                col(Rollout.subject) == row.subject,
                col(Rollout.environment).is_not_distinct_from(row.environment),
                col(Rollout.phase) == Phase.COMPLETED,
                col(Rollout.to_version).is_not(None),
                col(Rollout.attempt) != row.attempt,
            )
            .order_by(col(Rollout.ended_at))
        ).scalars()
    )


def _component_id(session: Session, key: str) -> int | None:
    return session.execute(select(col(Component.id)).where(col(Component.key) == key)).scalar()


def _tell(session: Session, hub: Hub, row: Rollout, known: Known, moment: Moment, heard: Heard) -> None:
    playbook = playbook_for(hub, row, known.strategy)
    facts = rollout_facts(hub, row, known, hub.configuration.plans[playbook.plan])
    facts["known_risks"] = (*facts["known_risks"], *heard.event.known_risks)
    facts["unknown_risks"] = (*facts["unknown_risks"], *heard.event.unknown_risks)
    tell(
        session,
        hub,
        Telling(
            moment=moment,
            playbook=playbook,
            facts=facts,
            conversation=f"rollout:{row.public_id}",
            cause=heard.cause,
            now=heard.now,
            rollout_id=row.id,
            event_id=heard.event_id,
        ),
    )


def _trouble(session: Session, hub: Hub, row: Rollout, known: Known, moment: Moment, heard: Heard) -> None:
    """Something failed or goes back: staff hear it now, customers when there is evidence of harm and reach."""
    case = _case(session, hub, row, known, heard.now)
    incident = case.incident
    first = _decide(session, hub, case, moment, heard)
    incident.public = incident.public or first
    if incident.public and moment is Moment.ROLLBACK_STARTED:
        incidents.expect_recovery(session, case, heard.now)
    _tell_staff(session, hub, case, moment, heard)
    if first:
        incidents.go_public(session, hub, case, _PUBLIC[moment], now=heard.now, cause=heard.cause)
    elif incident.public:
        incidents.progress(session, hub, case, _PUBLIC[moment], now=heard.now, cause=heard.cause)
    elif moment is Moment.ROLLBACK_FINISHED and incident.state != State.RESOLVED:
        incident.state = State.MONITORING
        incidents.watch(session, case, heard.now)


def _reconsider(session: Session, hub: Hub, row: Rollout, known: Known, heard: Heard) -> None:
    """Evidence or reach came to light after the abort was told: decide anew whether customers hear of it."""
    case = _case(session, hub, row, known, heard.now)
    moment = incidents.first_words(case)
    if _decide(session, hub, case, Moment.ROLLBACK_STARTED, heard):
        incidents.go_public(session, hub, case, moment, now=heard.now, cause=heard.cause)


def _decide(session: Session, hub: Hub, case: Case, moment: Moment, heard: Heard) -> bool:
    """Decide whether customers hear of it now for the first time, and keep why."""
    incident = case.incident
    if incident.public or incident.settled or incident.closed_by:
        return False
    decision = decide(hub, case, heard.connection, happened_at=heard.event.occurred_at, now=heard.now)
    incident.decision = decision.why
    if decision.tell and moment is Moment.ROLLOUT_FAILED:
        incident.decision += " They are told when the rollback starts, or in 15 seconds."
        session.add(Timer(kind="failure", incident_id=incident.id, due=heard.now + incidents.PATIENCE))
        return False
    return decision.tell


_PUBLIC = {
    Moment.ROLLOUT_FAILED: Moment.INCIDENT_INVESTIGATING,
    Moment.ROLLBACK_STARTED: Moment.INCIDENT_IDENTIFIED,
    Moment.ROLLBACK_FINISHED: Moment.INCIDENT_MONITORING,
}


def _case(session: Session, hub: Hub, row: Rollout, known: Known, now: datetime) -> Case:
    found = session.execute(
        select(col(Incident.id)).where(col(Incident.rollout_id) == row.id).order_by(col(Incident.id).desc()).limit(1)
    ).scalar()
    if found is None:
        components = [session.get_one(Component, row.component_id)] if row.component_id else []
        incident = create(
            session,
            Incident(
                rollout_id=row.id,
                name=_working_title(components, row, known),
                state=State.INVESTIGATING,
                impact=impact_of(known.peak),
                playbook=playbook_for(hub, row, known.strategy).name,
                opened_by=By.MACHINE,
                started_at=known.exposed_from or known.troubled_at or now,
                created_at=now,
                updated_at=now,
            ),
            components,
        )
        found = incident.id
    return open_case(session, hub, found)


def _working_title(components: list[Component], row: Rollout, known: Known) -> str:
    """Return what staff read until customers are told, whose message then names the incident."""
    return f"{components[0].name if components else row.subject}: rollout of {known.to_version or 'a version'}"


def decide(hub: Hub, case: Case, connection: Connection, *, happened_at: datetime, now: datetime) -> Decision:
    """Decide by the domain's rules whether customers are told of a case without asking a person."""
    if case.rollout is None or case.known is None:
        return Decision(tell=False, why="A person opened this incident.")
    site = hub.configuration.site
    component = site_component(hub, case.rollout.subject)
    around = Circumstances(
        component=component.id if component else None,
        environment=case.rollout.environment,
        public_environment=case.rollout.environment in site.environments.public,
        public_from=case.playbook.public_from,
        publishing=site.careful(component, connection),
        happened_at=happened_at,
        now=now,
    )
    return may_tell(case.known, around)


def _tell_staff(session: Session, hub: Hub, case: Case, moment: Moment, heard: Heard) -> None:
    tell(
        session,
        hub,
        Telling(
            moment=moment,
            playbook=case.playbook,
            facts=case_facts(hub, case, pending(session, case.incident)),
            conversation=case.conversation,
            cause=heard.cause,
            now=heard.now,
            buttons=incidents.buttons(hub, case),
            incident_id=case.incident.id,
            rollout_id=case.incident.rollout_id,
            event_id=heard.event_id,
        ),
    )


def _overtake(session: Session, row: Rollout, now: datetime) -> None:
    """A later version is complete: what staff were asked about an earlier one needs no answer any more."""
    open_questions = (
        select(Incident)
        .join(Rollout, col(Incident.rollout_id) == Rollout.id)
        .where(
            col(Rollout.subject) == row.subject,
            col(Rollout.environment).is_not_distinct_from(row.environment),
            col(Incident.public).is_(False),
            col(Incident.state) != State.RESOLVED,
            col(Incident.opened_by) == By.MACHINE,
        )
    )
    for incident in session.execute(open_questions).scalars():
        incident.state, incident.resolved_at, incident.updated_at = State.RESOLVED, now, now
        incident.closed_by = By.MACHINE
