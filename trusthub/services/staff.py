"""What a person decides about an incident or a thread. Each act leaves an audit row in its own transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain.events import Evidence
from trusthub.domain.incident import By, CauseClass, Impact, State
from trusthub.domain.message import Moment
from trusthub.domain.playbook import Kind as Occasion
from trusthub.domain.promise import Kind, until
from trusthub.domain.reach import NAMES, Reach, corrected, differing
from trusthub.errors import TrusthubError
from trusthub.services import acts, cases, feedback, incidents, promises, waiting
from trusthub.services.acts import Act, StaffError
from trusthub.services.admitting import TITLE, admit
from trusthub.services.cases import Case, create, open_case
from trusthub.services.facts import reach
from trusthub.services.hub import Hub
from trusthub.services.language import Translations, translations
from trusthub.services.topic import of_thread
from trusthub.store.tables import Component, Incident, Person, Thread, ThreadMessage

_MOMENTS = {
    State.INVESTIGATING: Moment.INCIDENT_UPDATED,
    State.IDENTIFIED: Moment.INCIDENT_UPDATED,
    State.MONITORING: Moment.INCIDENT_UPDATED,
    State.RESOLVED: Moment.INCIDENT_RESOLVED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a person writes to open an incident."""

    component: str
    name: str
    note: str
    kind: Occasion = Occasion.MANUAL
    failed: int | None = None
    complaint: str = ""
    """What customers dislike; for what is unwelcome only, like `motive`."""
    motive: str = ""
    names: Translations | None = None
    others: Translations | None = None
    """`name` and `note` are in the page's own language; these are the same words in its other ones."""


def tell_customers(hub: Hub, public_id: str, act: Act) -> None:
    """Tell customers of an incident that the rules had kept back. The person is the evidence."""
    with hub.database.transaction() as session:
        case = _case(session, hub, public_id)
        if case.incident.public:
            raise StaffError("Customers have already been told.")
        acts.not_closed(case)
        acts.decides(session, hub, case, act, always=True)
        case.incident.decision = f"{act.actor} decided to tell customers."
        audit = acts.audit(session, act, "tell", case)
        incidents.go_public(session, hub, case, incidents.first_words(case), now=act.now, cause=f"audit:{audit.id}")


def precaution(hub: Hub, public_id: str, act: Act) -> None:
    """Settle an incident as a precaution: going back harmed nobody, and nobody outside is told."""
    with hub.database.transaction() as session:
        acts.settle_as_precaution(session, hub, _case(session, hub, public_id), act)


def false_alarm(hub: Hub, public_id: str, act: Act) -> None:
    """Say that this was no rollback. If customers were told, they are told that as well, in public."""
    with hub.database.transaction() as session:
        acts.retract(session, hub, _case(session, hub, public_id), act)


def update(  # noqa: PLR0913 -- what a form asks
    hub: Hub,
    public_id: str,
    act: Act,
    *,
    note: str,
    state: State,
    failed: int | None = None,
    recovery: datetime | None = None,
    others: Translations | None = None,
    pages: Mapping[str, str] | None = None,
) -> None:
    """Publish a person's words on a public incident, with the facts that stand.

    `note` is in the page's own language, `others` are the same words in its other languages, and `pages` are other
    words for the readers of one page, by its key. `recovery` promises that
    it works again by then; it takes the place of what was promised before.
    """
    with hub.database.transaction() as session:
        case = _case(session, hub, public_id)
        if not case.incident.public:
            raise StaffError("Customers have not been told of this incident yet. Tell them first.")
        acts.not_closed(case)
        acts.not_held(case)
        said = translations(hub, note, others)
        notes = {key: translations(hub, words) for key, words in (pages or {}).items() if words}
        admit(session, hub, act, [said, *notes.values()], state, f"incident:{public_id}")
        acts.decides(session, hub, case, act)
        incident = case.incident
        if failed is not None and failed < (incident.failed or 0):
            raise StaffError(
                f"We said that {incident.failed:,} requests failed. Fewer are a correction: publish it as one."
            )
        audit = acts.audit(session, act, "update", case, note)
        incident.failed = failed if failed is not None else incident.failed
        incident.state = state
        if state is State.MONITORING:
            incidents.watch(session, case, act.now)
        if state is State.RESOLVED:
            incident.closed_by = By.PERSON
        if recovery is not None:
            _promise_recovery(session, case, act, recovery)
        incidents.speak(
            session,
            hub,
            case,
            _MOMENTS[state],
            now=act.now,
            cause=f"audit:{audit.id}",
            note=said,
            notes=notes,
            author=act.actor,
        )


def correct(hub: Hub, public_id: str, act: Act, *, right: Reach, note: str = "") -> None:
    """Correct in public what we said about how far an incident went. What we said stays where it was published.

    `right` has what was wrong or not said. It may be done after the end: that is when things are counted.
    """
    with hub.database.transaction() as session:
        case = _case(session, hub, public_id)
        incident = case.incident
        if not incident.public or incident.settled:
            raise StaffError("Only what customers have been told can be corrected, and a false alarm is taken back.")
        if case.known is None and (right.peak is not None or right.ended is not None):
            raise StaffError("No rollout is behind this incident, so nothing was said about its share or its end.")
        said = reach(case)
        names = differing(said, right)
        if not names:
            raise StaffError("That is what we say already. Change what is wrong.")
        try:
            known = corrected(said, right, act.now)
        except ValueError as error:
            raise StaffError(str(error)) from error
        if note:
            admit(session, hub, act, [{hub.page.main: note}], "corrected", f"incident:{public_id}")
        audit = acts.audit(session, act, "correct", case, "; ".join(_change(said, known, name) for name in names))
        cases.correct(incident, right)
        incidents.speak(
            session,
            hub,
            case,
            Moment.INCIDENT_CORRECTED,
            now=act.now,
            cause=f"audit:{audit.id}",
            author=act.actor,
            note=note or None,
            corrected=names,
            corrected_at=act.now,
            began=known.began,
            **{f"said_{name}": getattr(said, name) for name in NAMES},
        )


def _change(said: Reach, known: Reach, name: str) -> str:
    before, after = getattr(said, name), getattr(known, name)
    return f"{name} was {'not known' if before is None else before}, is {after}"


def say_cause(hub: Hub, public_id: str, act: Act, cause: CauseClass, *, data: bool, safeguard: bool) -> None:
    """Say what kind of cause it is, whether `data` may be at risk, and whether a `safeguard` of ours was missing.

    A public incident that becomes one to hold gets a holding message at once. Only the role `legal` can take it back.
    """
    with hub.database.transaction() as session:
        case = _case(session, hub, public_id)
        acts.not_closed(case)
        incident, held = case.incident, case.holding
        risky = cause is CauseClass.ATTACK or data
        if held and not risky:
            _legal(hub, act)
        detail = f"{cause.value}{', data at risk' if data else ''}{', safeguard missing' if safeguard else ''}"
        audit = acts.audit(session, act, "cause", case, detail)
        incident.cause_class, incident.cause_by = cause.value, act.actor
        incident.data_at_risk, incident.safeguard_missing = data, safeguard
        incident.cleared_by = incident.cleared_by if risky else None
        if case.holding and not held and incident.public:
            incidents.speak(
                session, hub, case, Moment.INCIDENT_HOLDING, now=act.now, cause=f"audit:{audit.id}", author=act.actor
            )


def clear(hub: Hub, public_id: str, act: Act) -> None:
    """Allow more than holding messages about an incident; only who has the role `legal` can."""
    with hub.database.transaction() as session:
        case = _case(session, hub, public_id)
        if not case.holding:
            raise StaffError("This incident is not held.")
        _legal(hub, act)
        acts.audit(session, act, "clear", case)
        case.incident.cleared_by = act.actor


def open_incident(hub: Hub, act: Act, opening: Opening) -> str:
    """Open a public incident by hand; return its public id. No machine will change its state.

    What is unwelcome breaks nothing: the component stays operational, and the words are about the change.
    """
    if opening.kind is Occasion.MAINTENANCE:
        raise StaffError("Planned work has a form of its own: Plan work.")
    unwelcome = opening.kind is Occasion.UNWELCOME
    if unwelcome and not (opening.complaint and opening.motive):
        raise StaffError("Please write what customers dislike, and what you meant by the change.")
    impact = Impact.NONE if unwelcome else Impact.MINOR
    with hub.database.transaction() as session:
        row = session.execute(select(Component).where(col(Component.key) == opening.component)).scalar()
        if row is None:
            raise StaffError(f"There is no component {opening.component!r}.")
        playbook = hub.configuration.playbook(
            component=opening.component, environment=None, severity=impact, kind=opening.kind
        )
        incident = create(
            session,
            Incident(
                name=opening.name,
                names=dict(translations(hub, opening.name, opening.names)),
                state=State.INVESTIGATING,
                impact=impact,
                public=True,
                opened_by=By.PERSON,
                decision=f"{act.actor} opened it: {Evidence.PERSON}.",
                playbook=playbook.name,
                failed=opening.failed,
                complaint=opening.complaint if unwelcome else "",
                motive=opening.motive if unwelcome else "",
                started_at=act.now,
                created_at=act.now,
                updated_at=act.now,
            ),
            [row],
        )
        case = open_case(session, hub, incident.id)
        said = translations(hub, opening.note, opening.others)
        about, main = f"incident:{incident.public_id}", hub.page.main
        notes = [said, *({main: each} for each in (incident.complaint, incident.motive) if each)]
        admit(session, hub, act, [incident.names], TITLE, about)
        admit(session, hub, act, notes, State.INVESTIGATING, about)
        audit = acts.audit(session, act, "open", case, opening.note)
        incidents.speak(
            session,
            hub,
            case,
            Moment.INCIDENT_UNWELCOME if unwelcome else Moment.INCIDENT_UPDATED,
            now=act.now,
            cause=f"audit:{audit.id}",
            note=said,
            author=act.actor,
        )
        return incident.public_id


def resolve(hub: Hub, public_id: str, act: Act, *, note: str = "", others: Translations | None = None) -> None:
    """Call an incident over. Open threads get their closing message."""
    with hub.database.transaction() as session:
        case = _case(session, hub, public_id)
        acts.not_closed(case)
        acts.not_held(case)
        said = translations(hub, note, others) if note else {}
        if case.incident.public:
            admit(session, hub, act, [said], State.RESOLVED, f"incident:{public_id}")
        acts.decides(session, hub, case, act)
        audit = acts.audit(session, act, "resolve", case, note)
        case.incident.closed_by = By.PERSON
        if case.incident.public:
            incidents.speak(
                session,
                hub,
                case,
                Moment.INCIDENT_RESOLVED,
                now=act.now,
                cause=f"audit:{audit.id}",
                note=said or None,
                author=act.actor,
            )
        else:
            acts.close(case, None, act)


class OvertakenError(TrusthubError):
    """A colleague was first; the text says who and when."""


def reply(hub: Hub, thread_public_id: str, act: Act, words: str, *, seen: int | None = None) -> None:
    """Answer a customer. Raises OvertakenError when a colleague wrote after the message `seen`."""
    with hub.database.transaction() as session:
        row = thread(session, thread_public_id)
        if seen is not None:
            _first_come(session, row, seen)
        reply_in(session, hub, row, act, words)


def _first_come(session: Session, row: Thread, seen: int) -> None:
    newer = (col(ThreadMessage.thread_id) == row.id, col(ThreadMessage.by) == "staff", col(ThreadMessage.id) > seen)
    found = (
        session.execute(select(ThreadMessage).where(*newer).order_by(col(ThreadMessage.id).desc())).scalars().first()
    )
    if found is not None:
        raise OvertakenError(
            f"{found.author} answered at {found.created_at:%H:%M} UTC, after you had opened this page."
        )


def reply_in(session: Session, hub: Hub, thread: Thread, act: Act, words: str) -> ThreadMessage:
    """Answer a customer, in a transaction that has more to do. Raises UnfitError."""
    about = f"thread:{thread.public_id}"
    admit(session, hub, act, [{thread.locale: words}], "reply", about)
    acts.audit_row(session, act, "reply", about)
    via = act.where.lower()
    return feedback.staff_replies(session, hub, thread, words, act.actor, act.now, via=via)


def reached(session: Session, thread: Thread) -> str:
    """Say where a customer reads us, without saying their address."""
    person = session.get_one(Person, thread.person_id)
    return "by email and on their private page" if person.email and thread.mail else "on their private page only"


def confirm_customer(hub: Hub, thread_public_id: str, act: Act) -> None:
    """Say that a customer is known to be real, so that their word counts without a confirmed address."""
    with hub.database.transaction() as session:
        row = thread(session, thread_public_id)
        if row.confirmed_by is not None:
            raise StaffError(f"{row.confirmed_by} has confirmed this customer already.")
        acts.audit_row(session, act, "confirm", f"thread:{thread_public_id}")
        row.confirmed_by = act.actor


def accept(hub: Hub, thread_public_id: str, message_id: int, act: Act) -> None:
    """Say that what came from another address is the customer's word: from now on they read it too."""
    with hub.database.transaction() as session:
        row = thread(session, thread_public_id)
        message = session.get(ThreadMessage, message_id)
        if message is None or message.thread_id != row.id or not message.held:
            raise StaffError("This message does not wait for anybody.")
        acts.audit_row(session, act, "admit", f"thread:{thread_public_id}")
        message.held, row.updated_at = False, act.now
        waiting.begin(hub, row, message.body, act.now)


def close_thread(hub: Hub, thread_public_id: str, act: Act) -> None:
    """Close one customer's thread with its closing message."""
    with hub.database.transaction() as session:
        row = thread(session, thread_public_id)
        acts.audit_row(session, act, "close", f"thread:{thread_public_id}")
        if row.incident_id is not None:
            open_case(session, hub, row.incident_id)
        feedback.close(session, hub, of_thread(session, hub, row), row, act.now)


def _promise_recovery(session: Session, case: Case, act: Act, due: datetime) -> None:
    try:
        made = until(act.now, due, Kind.RECOVERY)
    except ValueError as error:
        raise StaffError(f"The time {due:%H:%M} UTC {error}.") from error
    promises.make(session, case, made, act.now, owner=act.actor)


def _case(session: Session, hub: Hub, public_id: str) -> Case:
    found = session.execute(select(col(Incident.id)).where(col(Incident.public_id) == public_id)).scalar()
    if found is None:
        raise StaffError("There is no such incident.")
    case = open_case(session, hub, found)
    if case.incident.scheduled_for is not None:
        raise StaffError("This is planned work. Change it or end it by its own forms.")
    return case


def thread(session: Session, public_id: str) -> Thread:
    """Lock a thread and return it. Raises StaffError when there is none."""
    found: Thread | None = session.execute(
        select(Thread).where(col(Thread.public_id) == public_id).with_for_update()
    ).scalar()
    if found is None:
        raise StaffError("There is no such thread.")
    return found


def _legal(hub: Hub, act: Act) -> None:
    if not hub.configuration.site.roles.holds("legal", act.email):
        who = ", ".join(hub.configuration.site.roles.legal) or "nobody: name them under roles.legal in site.yaml"
        raise StaffError(f"Only the role legal may do this. It is held by {who}.")
