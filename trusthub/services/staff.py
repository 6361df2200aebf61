"""What a person decides about an incident or a thread. Each act leaves an audit row in its own transaction."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain.events import Evidence, Strategy
from trusthub.domain.incident import By, Impact, State
from trusthub.domain.message import Moment
from trusthub.errors import TrusthubError
from trusthub.services import feedback, incidents, wording
from trusthub.services.cases import Case, create, open_case, pending
from trusthub.services.facts import case_facts
from trusthub.services.hub import Hub
from trusthub.store.tables import Audit, Component, Incident, Thread

_MOMENTS = {
    State.INVESTIGATING: Moment.INCIDENT_UPDATED,
    State.IDENTIFIED: Moment.INCIDENT_UPDATED,
    State.MONITORING: Moment.INCIDENT_UPDATED,
    State.RESOLVED: Moment.INCIDENT_RESOLVED,
}


class StaffError(TrusthubError):
    """What was asked for cannot be done; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who does something, and when."""

    actor: str
    now: datetime
    reason: str = ""
    """Why words go out in which the linter found errors."""


def tell_customers(hub: Hub, public_id: str, act: Act) -> None:
    """Tell customers of an incident that the rules had kept back. The person is the evidence."""
    with hub.database.transaction() as session:
        case = _case(session, hub, public_id)
        if case.incident.public:
            raise StaffError("Customers have already been told.")
        _not_closed(case)
        case.incident.decision = f"{act.actor} decided to tell customers."
        audit = _audit(session, act, "tell", case)
        incidents.go_public(session, hub, case, incidents.first_words(case), now=act.now, cause=f"audit:{audit.id}")


def precaution(hub: Hub, public_id: str, act: Act) -> None:
    """Settle an incident as a precaution: going back harmed nobody, and nobody outside is told."""
    with hub.database.transaction() as session:
        case = _case(session, hub, public_id)
        if case.incident.public:
            raise StaffError("Customers have been told already. Resolve it, or retract it as a false alarm.")
        _not_closed(case)
        _audit(session, act, "precaution", case)
        _close(case, "precaution", act)


def false_alarm(hub: Hub, public_id: str, act: Act) -> None:
    """Say that this was no rollback. If customers were told, they are told that as well, in public."""
    with hub.database.transaction() as session:
        case = _case(session, hub, public_id)
        _not_closed(case)
        audit = _audit(session, act, "false-alarm", case)
        _close(case, "false_alarm", act)
        case.incident.impact = Impact.NONE
        if case.incident.public:
            incidents.speak(
                session, hub, case, Moment.INCIDENT_RETRACTED, now=act.now, cause=f"audit:{audit.id}", author=act.actor
            )


def update(hub: Hub, public_id: str, act: Act, *, note: str, state: State, failed: int | None = None) -> None:
    """Publish a person's words on a public incident, with the facts that stand."""
    with hub.database.transaction() as session:
        case = _case(session, hub, public_id)
        if not case.incident.public:
            raise StaffError("Customers have not been told of this incident yet. Tell them first.")
        _not_closed(case)
        _admit(session, hub, act, note, state, f"incident:{public_id}")
        audit = _audit(session, act, "update", case, note)
        incident = case.incident
        incident.failed = failed if failed is not None else incident.failed
        incident.state = state
        if state is State.MONITORING:
            incident.monitoring_at = act.now
        if state is State.RESOLVED:
            incident.closed_by = By.PERSON
        incidents.speak(
            session, hub, case, _MOMENTS[state], now=act.now, cause=f"audit:{audit.id}", note=note, author=act.actor
        )


def open_incident(hub: Hub, act: Act, *, component: str, name: str, note: str, failed: int | None = None) -> str:
    """Open a public incident by hand; return its public id. No machine will change its state."""
    with hub.database.transaction() as session:
        row = session.execute(select(Component).where(col(Component.key) == component)).scalar()
        if row is None:
            raise StaffError(f"There is no component {component!r}.")
        playbook = hub.configuration.playbook(strategy=Strategy.UNKNOWN, component=component, environment=None)
        incident = create(
            session,
            Incident(
                name=name,
                state=State.INVESTIGATING,
                impact=Impact.MINOR,
                public=True,
                opened_by=By.PERSON,
                decision=f"{act.actor} opened it: {Evidence.PERSON}.",
                playbook=playbook.name,
                failed=failed,
                started_at=act.now,
                created_at=act.now,
                updated_at=act.now,
            ),
            [row],
        )
        case = open_case(session, hub, incident.id)
        _admit(session, hub, act, note, State.INVESTIGATING, f"incident:{incident.public_id}")
        audit = _audit(session, act, "open", case, note)
        incidents.speak(
            session,
            hub,
            case,
            Moment.INCIDENT_UPDATED,
            now=act.now,
            cause=f"audit:{audit.id}",
            note=note,
            author=act.actor,
        )
        return incident.public_id


def resolve(hub: Hub, public_id: str, act: Act, *, note: str = "") -> None:
    """Call an incident over. Open threads get their closing message."""
    with hub.database.transaction() as session:
        case = _case(session, hub, public_id)
        _not_closed(case)
        if case.incident.public:
            _admit(session, hub, act, note, State.RESOLVED, f"incident:{public_id}")
        audit = _audit(session, act, "resolve", case, note)
        case.incident.closed_by = By.PERSON
        if case.incident.public:
            incidents.speak(
                session,
                hub,
                case,
                Moment.INCIDENT_RESOLVED,
                now=act.now,
                cause=f"audit:{audit.id}",
                note=note or None,
                author=act.actor,
            )
        else:
            _close(case, None, act)


def reply(hub: Hub, thread_public_id: str, act: Act, words: str) -> None:
    """Answer a customer."""
    with hub.database.transaction() as session:
        thread = _thread(session, thread_public_id)
        _admit(session, hub, act, words, "reply", f"thread:{thread_public_id}")
        _audit_row(session, act, "reply", f"thread:{thread_public_id}")
        feedback.staff_replies(session, hub, thread, words, act.actor, act.now)


def confirm_customer(hub: Hub, thread_public_id: str, act: Act) -> None:
    """Say that a customer is known to be real, so that their word counts without a confirmed address."""
    with hub.database.transaction() as session:
        thread = _thread(session, thread_public_id)
        if thread.confirmed_by is not None:
            raise StaffError(f"{thread.confirmed_by} has confirmed this customer already.")
        _audit_row(session, act, "confirm", f"thread:{thread_public_id}")
        thread.confirmed_by = act.actor


def close_thread(hub: Hub, thread_public_id: str, act: Act) -> None:
    """Close one customer's thread with its closing message."""
    with hub.database.transaction() as session:
        thread = _thread(session, thread_public_id)
        _audit_row(session, act, "close", f"thread:{thread_public_id}")
        case = open_case(session, hub, thread.incident_id)
        feedback.close(session, hub, case, thread, case_facts(hub, case, pending(session, case.incident)), act.now)


def _admit(session: Session, hub: Hub, act: Act, words: str, state: str, subject: str) -> None:
    """Let a person's words pass, and keep in the audit log which rules they overruled, and why."""
    overruled = wording.admit(hub.configuration.templates.root, words, state=state, reason=act.reason)
    if overruled:
        rules = ", ".join(sorted({finding.rule for finding in overruled}))
        _audit_row(session, act, "overruled the linter", subject, f"{rules}: {act.reason}")


def _case(session: Session, hub: Hub, public_id: str) -> Case:
    found = session.execute(select(col(Incident.id)).where(col(Incident.public_id) == public_id)).scalar()
    if found is None:
        raise StaffError("There is no such incident.")
    return open_case(session, hub, found)


def _thread(session: Session, public_id: str) -> Thread:
    thread: Thread | None = session.execute(
        select(Thread).where(col(Thread.public_id) == public_id).with_for_update()
    ).scalar()
    if thread is None:
        raise StaffError("There is no such thread.")
    return thread


def _not_closed(case: Case) -> None:
    if case.incident.state == State.RESOLVED or case.incident.closed_by:
        raise StaffError("This incident is closed.")


def _close(case: Case, settled: str | None, act: Act) -> None:
    incident = case.incident
    incident.settled, incident.closed_by = settled, By.PERSON
    incident.state, incident.resolved_at, incident.updated_at = State.RESOLVED, act.now, act.now


def _audit(session: Session, act: Act, action: str, case: Case, detail: str = "") -> Audit:
    return _audit_row(session, act, action, f"incident:{case.incident.public_id}", detail)


def _audit_row(session: Session, act: Act, action: str, subject: str, detail: str = "") -> Audit:
    row = Audit(at=act.now, actor=act.actor, action=action, subject=subject, detail=detail)
    session.add(row)
    session.flush()
    return row
