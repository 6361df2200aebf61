"""An incident's life: opened, told, moved on, resolved. Every public word and every promise passes through `speak`."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain import promise as promises
from trusthub.domain.incident import COMPONENT_STATUS, By, ComponentStatus, Impact, State, machine_may_move
from trusthub.domain.message import Audience, Button, Moment
from trusthub.domain.promise import Kind, Standing
from trusthub.services import feedback
from trusthub.services.announce import Telling, tell, word
from trusthub.services.cases import Case, pending, touch
from trusthub.services.facts import case_facts
from trusthub.services.hub import Hub
from trusthub.services.recipients import News
from trusthub.store.tables import Promise, Timer, Update, UpdateText

LOCALE = "en"
PATIENCE = timedelta(seconds=15)
"""How long a failed analysis waits for the rollback that usually follows, so that customers read one message."""

_STATES = {
    Moment.INCIDENT_INVESTIGATING: State.INVESTIGATING,
    Moment.INCIDENT_SEVERAL: State.INVESTIGATING,
    Moment.INCIDENT_IDENTIFIED: State.IDENTIFIED,
    Moment.INCIDENT_MONITORING: State.MONITORING,
    Moment.INCIDENT_RESOLVED: State.RESOLVED,
    Moment.INCIDENT_RETRACTED: State.RESOLVED,
    Moment.INCIDENT_UNWELCOME: State.IDENTIFIED,
}


def speak(
    session: Session,
    hub: Hub,
    case: Case,
    moment: Moment,
    *,
    now: datetime,
    cause: str,
    author: str | None = None,
    **more: object,
) -> None:
    """Publish one update: move the state, settle and make promises, word it, and put it on its way.

    `more` are facts that only this update has, such as a person's `note`.
    """
    incident = case.incident
    state = _STATES.get(moment)
    if state is not None:
        incident.state = state
    incident.told_at = incident.told_at or now
    if state is State.MONITORING:
        incident.monitoring_at = now
    if state is State.RESOLVED:
        incident.resolved_at = now
    touch(incident, now)
    _settle_next_update(session, case, now)
    if state is State.RESOLVED:
        withdraw(session, case, now)
    else:
        promise(session, case, promises.next_update(now, case.playbook.pace(Impact(incident.impact)).every), now)
    changed = _show(case, now)
    session.flush()
    facts = {**case_facts(hub, case, pending(session, incident)), **more}
    update = _publish(session, hub, case, moment, facts, changed, author, now)
    _tell(session, hub, case, update, facts, cause, now)
    if state is State.RESOLVED:
        feedback.close_all(session, hub, case, facts, now)


def go_public(session: Session, hub: Hub, case: Case, moment: Moment, *, now: datetime, cause: str) -> None:
    """Tell customers for the first time."""
    incident = case.incident
    incident.public = True
    expect_recovery(session, case, now)
    facts = case_facts(hub, case, pending(session, incident))
    incident.name = hub.configuration.templates.line(
        "_name.txt", component=facts["component"], to_version=facts["to_version"]
    )
    speak(session, hub, case, moment, now=now, cause=cause)
    if moment is Moment.INCIDENT_MONITORING:
        watch(session, case, now)


def expect_recovery(session: Session, case: Case, now: datetime) -> None:
    """Promise recovery within the plan's range, once, while a rollback is under way."""
    known = case.known
    if known is None or known.rollback_started_at is None or known.ended_at is not None:
        return
    if not any(made.kind == Kind.RECOVERY for made in pending(session, case.incident)):
        promise(session, case, promises.recovery(known.rollback_started_at, case.plan.recovery), now)


def progress(
    session: Session, hub: Hub, case: Case, moment: Moment, *, now: datetime, cause: str, again: bool = False
) -> None:
    """Let a machine move a public incident on. What a person opened or closed stays as it is.

    `again` takes back that it was over, because a retry failed as well.
    """
    incident = case.incident
    target = _STATES[moment]
    closed_by = By(incident.closed_by) if incident.closed_by else None
    opened_by = By(incident.opened_by)
    if not machine_may_move(State(incident.state), target, opened_by=opened_by, closed_by=closed_by, again=again):
        return
    known = case.known
    if moment is Moment.INCIDENT_MONITORING:
        settle(session, case, Kind.RECOVERY, (known.ended_at if known else None) or now, now)
        watch(session, case, now)
    speak(session, hub, case, moment, now=now, cause=cause)


def watch(session: Session, case: Case, now: datetime) -> None:
    """Start the quiet window after which a playbook may call an incident resolved."""
    case.incident.monitoring_at = now
    if case.playbook.quiet > timedelta(0):
        remind(session, case, "quiet", now + case.playbook.quiet)


def remind(session: Session, case: Case, kind: str, due: datetime) -> None:
    """Set a timer, unless the same one is set already: one request can hold several events of one moment."""
    session.flush()
    same = (col(Timer.kind) == kind, col(Timer.incident_id) == case.incident.id, col(Timer.due) == due)
    if session.execute(select(Timer).where(*same)).first() is None:
        session.add(Timer(kind=kind, incident_id=case.incident.id, due=due))


def promise(session: Session, case: Case, made: promises.Promise, now: datetime) -> None:
    """Record a promise and set the timer that will tell if it is missed. It replaces a pending one of its kind."""
    for old in pending(session, case.incident):
        if old.kind == made.kind:
            old.standing, old.settled_at = Standing.WITHDRAWN, now
    session.add(
        Promise(
            incident_id=case.incident.id,
            kind=made.kind,
            earliest=made.earliest,
            due=made.due,
            basis=made.basis,
            created_at=now,
        )
    )
    remind(session, case, "promise", made.due)


def settle(session: Session, case: Case, kind: Kind, done_at: datetime, now: datetime) -> None:
    """End the pending promises of a kind as kept or missed."""
    for made in pending(session, case.incident):
        if made.kind == kind:
            made.standing, made.settled_at = promises.settled(made.due, done_at), now


def withdraw(session: Session, case: Case, now: datetime) -> None:
    """End what is still promised: the incident is over."""
    for made in pending(session, case.incident):
        made.standing, made.settled_at = Standing.WITHDRAWN, now


def first_words(case: Case) -> Moment:
    """Return the message that fits an incident which customers hear of only now."""
    known = case.known
    if known is None or known.rollback_started_at is None:
        return Moment.INCIDENT_INVESTIGATING
    return Moment.INCIDENT_MONITORING if known.ended_at else Moment.INCIDENT_IDENTIFIED


def buttons(hub: Hub, case: Case) -> tuple[Button, ...]:
    """Return what staff can press about this incident now."""
    incident = case.incident
    if incident.settled or incident.closed_by:
        return ()
    asks = [("Not a rollback", "false-alarm", True)]
    if not incident.public:
        asks = [("Tell customers", "tell", False), ("Precaution, no harm", "precaution", False), *asks]
    url = hub.console_url("incidents", incident.public_id)
    return tuple(
        Button(label=label, action=action, value=incident.public_id, url=url, danger=danger)
        for label, action, danger in asks
    )


def _settle_next_update(session: Session, case: Case, now: datetime) -> None:
    settle(session, case, Kind.NEXT_UPDATE, now, now)


def _show(case: Case, now: datetime) -> list[dict[str, str]]:
    """Show the incident on its components; return what changed, as Statuspage lists it."""
    state = State(case.incident.state)
    over = state in (State.MONITORING, State.RESOLVED)
    status = ComponentStatus.OPERATIONAL if over else COMPONENT_STATUS[Impact(case.incident.impact)]
    changed = []
    for component in case.components:
        changed.append(
            {"code": component.public_id, "name": component.name, "old_status": component.status, "new_status": status}
        )
        if component.status != status:
            component.status, component.updated_at = status, now
    return changed


def _publish(
    session: Session,
    hub: Hub,
    case: Case,
    moment: Moment,
    facts: dict[str, object],
    changed: list[dict[str, str]],
    author: str | None,
    now: datetime,
) -> Update:
    name = case.playbook.message(moment, Audience.CUSTOMERS) or moment.value
    rendered = word(hub, name, facts, Audience.CUSTOMERS)
    update = Update(
        incident_id=case.incident.id,
        state=case.incident.state,
        moment=moment,
        author=author,
        components=changed,
        created_at=now,
    )
    session.add(update)
    session.flush()
    session.add(UpdateText(update_id=update.id, locale=LOCALE, subject=rendered.subject, body=rendered.body))
    return update


def _tell(
    session: Session, hub: Hub, case: Case, update: Update, facts: dict[str, object], cause: str, now: datetime
) -> None:
    tell(
        session,
        hub,
        Telling(
            moment=Moment(update.moment),
            playbook=case.playbook,
            facts=facts,
            conversation=case.conversation,
            cause=cause,
            now=now,
            customers=True,
            impact=Impact(case.incident.impact),
            news=News(id=update.id, incident_id=case.incident.id, page_id=case.page.id),
            incident_id=case.incident.id,
            rollout_id=case.incident.rollout_id,
        ),
    )
