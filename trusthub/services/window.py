"""What time does to planned work: customers are reminded, it begins, it ends or it takes longer than we said."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain import maintenance as rules
from trusthub.domain.incident import AT_WORK, OVER, PLANNED, By, State
from trusthub.domain.message import Moment
from trusthub.domain.promise import Kind, Standing, settled
from trusthub.domain.promise import Promise as Made
from trusthub.services import incidents, promises
from trusthub.services.cases import Case, touch, wake
from trusthub.services.hub import Hub
from trusthub.store.tables import Incident, IncidentComponent, Promise


def arm(session: Session, case: Case, start: datetime, now: datetime) -> None:
    """Set the timers of work that begins at `start`. Those of an earlier plan find nothing to do."""
    for at in rules.reminders(now, start, case.playbook.reminders):
        wake(session, case.incident, "window.reminder", at)
    wake(session, case.incident, "window.start", start)


def remind(session: Session, hub: Hub, case: Case, due: datetime, *, now: datetime, cause: str) -> None:
    """Remind customers, unless the plan has changed since the timer was set for `due`."""
    incident = case.incident
    start = incident.scheduled_for
    if incident.state == State.SCHEDULED and start and rules.is_due(due, now, start, case.playbook.reminders):
        _say(session, hub, case, Moment.MAINTENANCE_REMINDER, now=now, cause=cause)


def begin(session: Session, hub: Hub, case: Case, due: datetime, *, now: datetime, cause: str) -> None:
    """Begin the work, and promise its end. When the end has passed as well, only that is told."""
    incident = case.incident
    end = incident.scheduled_until
    if incident.state != State.SCHEDULED or incident.scheduled_for != due or end is None:
        return
    promise_end(session, case, end, now)
    if now < end:
        _say(session, hub, case, Moment.MAINTENANCE_STARTED, now=now, cause=cause)
    else:
        incidents.move(session, case, Moment.MAINTENANCE_STARTED, now)


def promise_end(session: Session, case: Case, end: datetime, now: datetime, owner: str | None = None) -> None:
    """Promise that it works again by the end of the window; who planned it keeps that."""
    made = Made(kind=Kind.RECOVERY, due=end)
    promises.make(session, case, made, now, owner=owner or case.incident.planned_by)


def end(session: Session, hub: Hub, case: Case, made: Promise, *, now: datetime, cause: str) -> None:
    """The time that we gave has come. Work that ends by itself is over; else we say that we need longer."""
    if State(case.incident.state) not in AT_WORK:
        return
    if case.incident.ends_itself and not _troubled(session, case):
        case.incident.closed_by = By.MACHINE
        late = missed(case, now)
        _say(session, hub, case, Moment.MAINTENANCE_COMPLETED, now=now, cause=cause, promised_by=late)
        return
    made.standing, made.settled_at = Standing.MISSED, now
    _say(
        session,
        hub,
        case,
        Moment.MAINTENANCE_OVERRUN,
        now=now,
        cause=cause,
        promise_kind=made.kind,
        promised_by=made.due,
    )


def missed(case: Case, now: datetime) -> datetime | None:
    """Return the time that we gave for the end, when it is over later than that at `now`."""
    due = case.incident.scheduled_until
    return due if due and settled(due, now) is Standing.MISSED else None


def _troubled(session: Session, case: Case) -> bool:
    """Whether an incident is open on what is worked on: then nobody can say without looking that the work is over."""
    mine = [component.id for component in case.components]
    found = (
        select(col(Incident.id))
        .join(IncidentComponent, col(IncidentComponent.incident_id) == Incident.id)
        .where(
            col(IncidentComponent.component_id).in_(mine),
            col(Incident.public).is_(True),
            col(Incident.state).not_in(OVER | PLANNED),
        )
    )
    return session.execute(found.limit(1)).first() is not None


def _say(session: Session, hub: Hub, case: Case, moment: Moment, *, now: datetime, cause: str, **more: Any) -> None:
    """Tell customers without a person. When only signed words may leave, what happened is shown and nothing is sent."""
    if held := hub.configuration.words_held(case.playbook):
        incidents.move(session, case, moment, now)
        case.incident.decision = f"Customers have not been told of {moment}. {held}"
        touch(case.incident, now)
        return
    incidents.speak(session, hub, case, moment, now=now, cause=cause, **more)
