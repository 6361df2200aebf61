"""An incident's life: opened, told, moved on, resolved. Every public word and every promise passes through `speak`."""

from datetime import datetime, timedelta

from sqlmodel import Session

from trusthub.domain.incident import COMPONENT_STATUS, By, ComponentStatus, Impact, State, machine_may_move
from trusthub.domain.message import Audience, Button, Moment
from trusthub.domain.playbook import Playbook
from trusthub.services import feedback, promises
from trusthub.services.announce import Telling, tell, word
from trusthub.services.cases import Case, pending, touch, wake
from trusthub.services.facts import Facts, case_facts
from trusthub.services.hub import Hub
from trusthub.services.language import in_language
from trusthub.services.recipients import News
from trusthub.services.unattended import held
from trusthub.store.tables import Incident, Update, UpdateText

PATIENCE = timedelta(seconds=15)
"""How long a failed analysis waits for the rollback that usually follows, so that customers read one message."""

_HELD = "It may be an attack, or data may be at risk: a person with the role legal decides what customers read."
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
    if case.holding:
        moment = Moment.INCIDENT_HOLDING
    state = _STATES.get(moment)
    if state is not None:
        incident.state = state
    incident.told_at = incident.told_at or now
    if state is State.MONITORING:
        incident.monitoring_at = now
    if state is State.RESOLVED:
        incident.resolved_at = now
    touch(incident, now)
    over = incident.state == State.RESOLVED
    promises.news(session, case, now, author=author, retracts=moment is Moment.INCIDENT_RETRACTED)
    changed = [] if over and state is None else _show(case, now)  # what is said afterwards changes no component
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
    promises.expect_recovery(session, case, now)
    facts = case_facts(hub, case, pending(session, incident))
    name_it(hub, incident, "_name.txt", facts)
    speak(session, hub, case, moment, now=now, cause=cause)
    if moment is Moment.INCIDENT_MONITORING:
        watch(session, case, now)


def name_it(hub: Hub, incident: Incident, template: str, facts: Facts) -> None:
    """Call an incident in each language of the page what a line of words says."""
    for locale in reversed(hub.page.locales):
        said = in_language(hub, facts, locale)
        about = {name: said.get(name) for name in ("component", "to_version")}
        incident.name = hub.configuration.templates.line(template, locale, **about)
        incident.names = {**incident.names, locale: incident.name}


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
    if why := (_HELD if case.holding else held(session, hub, case, moment, now)):
        incident.decision = why
        touch(incident, now)
        return
    if moment is Moment.INCIDENT_MONITORING:
        watch(session, case, now)
    speak(session, hub, case, moment, now=now, cause=cause)


def watch(session: Session, case: Case, now: datetime) -> None:
    """Start the quiet window after which a playbook may call an incident resolved."""
    case.incident.monitoring_at = now
    if case.playbook.quiet > timedelta(0):
        wake(session, case.incident, "quiet", now + case.playbook.quiet)


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


def _told(playbook: Playbook, moment: Moment) -> Playbook:
    """Return a playbook that has words to hold customers with: an older one tells whom it tells of an update."""
    if moment is not Moment.INCIDENT_HOLDING or moment in playbook.tell:
        return playbook
    audiences = {*playbook.tell.get(Moment.INCIDENT_UPDATED, {}), Audience.CUSTOMERS}
    return playbook.model_copy(update={"tell": {**playbook.tell, moment: dict.fromkeys(audiences, moment.value)}})


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
    name = _told(case.playbook, moment).message(moment, Audience.CUSTOMERS) or moment.value
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
    for locale in hub.page.locales:
        rendered = word(hub, name, facts, Audience.CUSTOMERS, locale=locale)
        session.add(UpdateText(update_id=update.id, locale=locale, subject=rendered.subject, body=rendered.body))
    return update


def _tell(
    session: Session, hub: Hub, case: Case, update: Update, facts: dict[str, object], cause: str, now: datetime
) -> None:
    tell(
        session,
        hub,
        Telling(
            moment=Moment(update.moment),
            playbook=_told(case.playbook, Moment(update.moment)),
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
