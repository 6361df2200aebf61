"""An incident's life: opened, told, moved on, resolved. Every public word and every promise passes through `speak`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain.incident import OVER, By, Impact, State, machine_may_move, status_of, worst_status
from trusthub.domain.message import Audience, Button, Moment
from trusthub.domain.playbook import Playbook
from trusthub.services import promises, rounds
from trusthub.services.announce import Telling, Texts, tell, word
from trusthub.services.cases import Case, pending, touch, wake
from trusthub.services.facts import Facts, case_facts
from trusthub.services.feedback import Said
from trusthub.services.hub import Hub
from trusthub.services.language import Translations, in_language
from trusthub.services.recipients import News
from trusthub.services.said import POSTMORTEM
from trusthub.services.unattended import held, wait
from trusthub.services.voices import Voice, voices
from trusthub.store.tables import Incident, IncidentComponent, PageText, Update, UpdateText

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
    Moment.MAINTENANCE_PLANNED: State.SCHEDULED,
    Moment.MAINTENANCE_STARTED: State.IN_PROGRESS,
    Moment.MAINTENANCE_COMPLETED: State.COMPLETED,
    Moment.MAINTENANCE_CANCELLED: State.COMPLETED,
}
_TAKES_BACK = frozenset({Moment.INCIDENT_RETRACTED, Moment.MAINTENANCE_CANCELLED})
"""There was nothing to recover from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """Words that a person approved."""

    worded_at: datetime
    """When they were written: what they promise is counted from then."""
    edited: Texts | None = None
    """The person's own words, by language."""


def speak(  # noqa: PLR0913 -- one update is all of this
    session: Session,
    hub: Hub,
    case: Case,
    moment: Moment,
    *,
    now: datetime,
    cause: str,
    author: str | None = None,
    approved: Approved | None = None,
    notes: Mapping[str, Translations] | None = None,
    **more: object,
) -> None:
    """Publish one update: move the state, settle and make promises, word it, and put it on its way.

    `more` are facts that only this update has, such as a person's `note`; `notes` are their words for one page, by its
    key. While people are asked what to say, nothing
    but a holding message leaves without one.
    """
    if case.holding or (case.approval and author is None):
        moment = Moment.INCIDENT_HOLDING
    since = approved.worded_at if approved else now
    changed = move(session, case, moment, now, since=since, author=author)
    facts = {**case_facts(hub, case, pending(session, case.incident)), **more}
    edited = (approved.edited if approved else None) or {}
    update = Update(
        incident_id=case.incident.id,
        state=POSTMORTEM if moment is Moment.INCIDENT_POSTMORTEM else case.incident.state,
        moment=moment,
        author=author,
        components=changed,
        created_at=now,
    )
    said = _publish(session, hub, case, update, facts, edited)
    each = voices(session, hub, case, edited, more, notes or {})
    _tell(session, hub, case, update, facts, edited, cause, each)
    for voice in each or (Voice(hub=hub, case=case, facts=facts, edited=edited),):
        texts = said if hub.alone else _say_on(session, voice, update, said)
        if _STATES.get(moment) in OVER:
            rounds.close(session, voice.hub, voice.case, voice.facts, now)
        else:
            words = Said(texts, voice.edited)
            rounds.pass_on(session, voice.hub, voice.case, Moment(update.moment), voice.facts, words, now)


def draft(session: Session, hub: Hub, case: Case, moment: Moment, now: datetime) -> tuple[Moment, Texts, Facts]:
    """Return what customers would read now, in each language, and what it rests on. Nothing stays of it."""
    with session.begin_nested() as attempt:
        if case.holding:
            moment = Moment.INCIDENT_HOLDING
        if not case.introduced:
            _introduce(session, hub, case, now)
        move(session, case, moment, now)
        facts = case_facts(hub, case, pending(session, case.incident))
        name = _message(case.playbook, moment)
        words = {locale: word(hub, name, facts, Audience.CUSTOMERS, locale=locale) for locale in hub.page.locales}
        attempt.rollback()
    return moment, {locale: {"subject": each.subject, "body": each.body} for locale, each in words.items()}, facts


def move(
    session: Session,
    case: Case,
    moment: Moment,
    now: datetime,
    *,
    since: datetime | None = None,
    author: str | None = None,
) -> list[dict[str, str]]:
    """Move an incident's state to that of a moment, settle and make promises; return what components changed.

    What is promised counts from `since`, when the words were written.
    """
    incident, state = case.incident, _STATES.get(moment)
    if state is not None:
        incident.state = state
    incident.told_at = incident.told_at or now
    if state is State.MONITORING:
        incident.monitoring_at = now
    if state in OVER:
        incident.resolved_at = now
    touch(incident, now)
    promises.news(session, case, now, since=since or now, author=author, retracts=moment in _TAKES_BACK)
    session.flush()
    over = incident.state in OVER
    changed = [] if over and state is None else _show(session, case, now)  # what is said afterwards changes nothing
    session.flush()
    return changed


def go_public(
    session: Session,
    hub: Hub,
    case: Case,
    moment: Moment,
    *,
    now: datetime,
    cause: str,
    approved: Approved | None = None,
) -> None:
    """Tell customers for the first time, or for the first time more than that we look into it."""
    _introduce(session, hub, case, approved.worded_at if approved else now)
    go_on(session, hub, case, moment, now=now, cause=cause, approved=approved)


def go_on(
    session: Session,
    hub: Hub,
    case: Case,
    moment: Moment,
    *,
    now: datetime,
    cause: str,
    approved: Approved | None = None,
) -> None:
    """Tell customers how it goes on, and begin to watch it when that is what comes next."""
    speak(session, hub, case, moment, now=now, cause=cause, approved=approved)
    if moment is Moment.INCIDENT_MONITORING:
        watch(session, case, now)


def hold(session: Session, hub: Hub, case: Case, *, now: datetime, cause: str) -> None:
    """Tell customers that we look into it, without cause or count, because nobody has approved more."""
    case.incident.public = True
    name_it(hub, case.incident, "_held.txt", case_facts(hub, case, ()))
    speak(session, hub, case, Moment.INCIDENT_HOLDING, now=now, cause=cause)


def _introduce(session: Session, hub: Hub, case: Case, now: datetime) -> None:
    """Make an incident one that customers know: it has a name, and a promise where there is one to make."""
    incident = case.incident
    incident.public = True
    promises.expect_recovery(session, case, now)
    template = "_several.txt" if incident.combined else "_name.txt"
    name_it(hub, incident, template, case_facts(hub, case, pending(session, incident)))


def name_it(hub: Hub, incident: Incident, template: str, facts: Facts) -> None:
    """Call an incident in each language of the page what a line of words says."""
    for locale in reversed(hub.configuration.site.locales):
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
    if not may_move(case, moment, again=again):
        return
    if case.holding:
        incident.decision = _HELD
        touch(incident, now)
    elif why := held(session, hub, case, moment, now):
        wait(session, hub, case, why, now=now, cause=cause)
    else:
        go_on(session, hub, case, moment, now=now, cause=cause)


def may_move(case: Case, moment: Moment, *, again: bool = False) -> bool:
    """Whether a machine may move an incident on to what a moment says."""
    incident = case.incident
    closed_by, opened_by = By(incident.closed_by) if incident.closed_by else None, By(incident.opened_by)
    target = _STATES[moment]
    return machine_may_move(State(incident.state), target, opened_by=opened_by, closed_by=closed_by, again=again)


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
    if incident.settled or incident.closed_by or case.approval:
        return ()
    asks = [("Not a rollback", "false-alarm", True)]
    if not incident.public:
        asks = [("Tell customers", "tell", False), ("Precaution, no harm", "precaution", False), *asks]
    url = hub.console_url("incidents", incident.public_id)
    return tuple(
        Button(label=label, action=action, value=incident.public_id, url=url, danger=danger)
        for label, action, danger in asks
    )


def _message(playbook: Playbook, moment: Moment) -> str:
    return _told(playbook, moment).message(moment, Audience.CUSTOMERS) or moment.value


def _told(playbook: Playbook, moment: Moment) -> Playbook:
    """Return a playbook that has words to hold customers with: an older one tells whom it tells of an update."""
    if moment is not Moment.INCIDENT_HOLDING or moment in playbook.tell:
        return playbook
    audiences = {*playbook.tell.get(Moment.INCIDENT_UPDATED, {}), Audience.CUSTOMERS}
    return playbook.model_copy(update={"tell": {**playbook.tell, moment: dict.fromkeys(audiences, moment.value)}})


def _show(session: Session, case: Case, now: datetime) -> list[dict[str, str]]:
    """Show on an incident's components the worst of all that touches them; return them as Statuspage lists them."""
    changed = []
    for component in case.components:
        touching = session.execute(
            select(col(Incident.state), col(Incident.impact))
            .join(IncidentComponent, col(IncidentComponent.incident_id) == Incident.id)
            .where(
                col(IncidentComponent.component_id) == component.id,
                col(Incident.public).is_(True),
                col(Incident.state).not_in(OVER),
            )
        ).all()
        status = worst_status(status_of(State(state), Impact(impact)) for state, impact in touching)
        changed.append(
            {"code": component.public_id, "name": component.name, "old_status": component.status, "new_status": status}
        )
        if component.status != status:
            component.status, component.updated_at = status, now
    return changed


def _publish(session: Session, hub: Hub, case: Case, update: Update, facts: Facts, edited: Texts) -> Texts:
    name = _message(case.playbook, Moment(update.moment))
    session.add(update)
    session.flush()
    said: dict[str, dict[str, str]] = {}
    for locale in hub.page.locales:
        rendered = word(hub, name, facts, Audience.CUSTOMERS, locale=locale, edited=edited)
        said[locale] = {"subject": rendered.subject, "body": rendered.body}
        session.add(UpdateText(update_id=update.id, locale=locale, **said[locale]))
    return said


def _say_on(session: Session, voice: Voice, update: Update, said: Texts) -> Texts:
    """Keep what one of several pages says, where that is not what all say; return what it says."""
    name, texts = _message(voice.case.playbook, Moment(update.moment)), {}
    for locale in voice.hub.page.locales:
        rendered = word(voice.hub, name, voice.facts, Audience.CUSTOMERS, locale=locale, edited=voice.edited)
        texts[locale] = {"subject": rendered.subject, "body": rendered.body}
    if any(text != said.get(locale) for locale, text in texts.items()):
        here = voice.case.page.id
        own = (PageText(update_id=update.id, page_id=here, locale=code, **text) for code, text in texts.items())
        session.add_all(own)
    return texts


def _tell(
    session: Session,
    hub: Hub,
    case: Case,
    update: Update,
    facts: Facts,
    edited: Texts,
    cause: str,
    pages: Sequence[Voice],
) -> None:
    moment = Moment(update.moment)
    news = News(id=update.id, incident_id=case.incident.id, page_id=case.page.id, moment=moment)
    telling = Telling(
        moment=moment,
        playbook=_told(case.playbook, moment),
        facts=facts,
        conversation=case.conversation,
        cause=cause,
        now=update.created_at,
        customers=True,
        edited=edited,
        impact=Impact(case.incident.impact),
        news=news,
        incident_id=case.incident.id,
        rollout_id=case.incident.rollout_id,
    )
    tell(session, hub, replace(telling, pages=tuple((each.hub, _on(telling, news, each)) for each in pages)))


def _on(telling: Telling, news: News, voice: Voice) -> Telling:
    key = "" if voice.hub.first else voice.hub.page.key
    here = replace(news, page_id=voice.case.page.id, page=key)
    return replace(telling, facts=voice.facts, edited=voice.edited, news=here)
