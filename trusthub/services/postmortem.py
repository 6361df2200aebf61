"""Why an incident happened and what changes: somebody writes it, others read it, a publisher publishes it."""

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain.destination import Destination
from trusthub.domain.incident import State
from trusthub.domain.message import Audience, Moment, Rendered
from trusthub.rendering import markdown
from trusthub.services import acts, incidents
from trusthub.services.acts import Act, StaffError
from trusthub.services.admitting import admit
from trusthub.services.announce import payload
from trusthub.services.cases import Case, open_case, postmortem_of, touch
from trusthub.services.desk_views import PostmortemView
from trusthub.services.hub import Hub
from trusthub.services.language import Translations, translations
from trusthub.store import outbox
from trusthub.store.tables import Delivery, Incident, Postmortem

DRAFT, REVIEW, PUBLISHED = "draft", "review", "published"


def write(hub: Hub, public_id: str, act: Act, words: str, others: Translations | None = None) -> None:
    """Keep a draft, in the page's own language and as `others`. It takes the place of an earlier one."""
    with hub.database.transaction() as session:
        case, row = _open(session, hub, public_id)
        if row and row.state == PUBLISHED:
            raise StaffError("The postmortem is published. Take it back before you change it.")
        acts.audit(session, act, "postmortem: draft", case)
        said = dict(translations(hub, words, others))
        if row is None:
            row = Postmortem(
                incident_id=case.incident.id, words=said, state=DRAFT, author=act.actor, updated_at=act.now
            )
            session.add(row)
        row.words, row.state, row.author, row.updated_at = said, DRAFT, act.actor, act.now


def submit(hub: Hub, public_id: str, act: Act) -> None:
    """Ask others to read a draft. Words that may not be published are refused here already."""
    with hub.database.transaction() as session:
        case, row = _written(session, hub, public_id, DRAFT)
        admit(session, hub, act, [row.words], "postmortem", f"incident:{public_id}")
        acts.audit(session, act, "postmortem: in review", case)
        row.state, row.updated_at = REVIEW, act.now


def publish(hub: Hub, public_id: str, act: Act) -> None:
    """Publish what was read. Those who heard of the incident hear of it the first time."""
    with hub.database.transaction() as session:
        case, row = _written(session, hub, public_id, REVIEW)
        acts.not_held(case)
        admit(session, hub, act, [row.words], "postmortem", f"incident:{public_id}")
        audit = acts.audit(session, act, "postmortem: published", case)
        row.state, row.publisher, row.updated_at = PUBLISHED, act.actor, act.now
        case.incident.postmortem_at = act.now
        touch(case.incident, act.now)
        if row.announced_at is not None:
            _render(session, case, act, f"audit:{audit.id}")
            return
        row.announced_at = act.now
        moment = Moment.INCIDENT_POSTMORTEM
        began = case.incident.started_at
        incidents.speak(
            session, hub, case, moment, now=act.now, cause=f"audit:{audit.id}", author=act.actor, began=began
        )


def take_back(hub: Hub, public_id: str, act: Act) -> None:
    """Take a postmortem off the page; it is a draft again. Nobody is told."""
    with hub.database.transaction() as session:
        case, row = _written(session, hub, public_id, PUBLISHED)
        audit = acts.audit(session, act, "postmortem: taken back", case)
        row.state, row.publisher, row.updated_at = DRAFT, None, act.now
        case.incident.postmortem_at = None
        touch(case.incident, act.now)
        _render(session, case, act, f"audit:{audit.id}")


def view(session: Session, hub: Hub, incident_id: int) -> PostmortemView | None:
    """Return the postmortem of an incident as staff see it."""
    row = postmortem_of(session, incident_id)
    if row is None:
        return None
    html = markdown.to_html(row.words[hub.page.main])
    return PostmortemView(state=row.state, words=row.words, html=html, author=row.author, publisher=row.publisher)


def _render(session: Session, case: Case, act: Act, cause: str) -> None:
    """Let the page be rendered with what has changed, though nobody is told."""
    lane = Destination(page=True).lane
    outbox.enqueue(
        session,
        [
            Delivery(
                lane=lane,
                key=f"{cause}/{lane}",
                moment=Moment.INCIDENT_POSTMORTEM,
                audience=Audience.CUSTOMERS,
                conversation=case.conversation,
                payload=payload(Rendered(subject=case.incident.name, body=""), lane.partition(":")[2]),
                incident_id=case.incident.id,
                created_at=act.now,
            )
        ],
        act.now,
    )


def _open(session: Session, hub: Hub, public_id: str) -> tuple[Case, Postmortem | None]:
    found = session.execute(select(col(Incident.id)).where(col(Incident.public_id) == public_id)).scalar()
    if found is None:
        raise StaffError("There is no such incident.")
    case = open_case(session, hub, found)
    if case.incident.state != State.RESOLVED or not case.incident.public or case.incident.settled:
        raise StaffError("A postmortem belongs to a public incident that is resolved.")
    return case, postmortem_of(session, found)


def _written(session: Session, hub: Hub, public_id: str, state: str) -> tuple[Case, Postmortem]:
    case, row = _open(session, hub, public_id)
    if row is None or row.state != state:
        there = "There is none yet." if row is None else f"It is {'in review' if row.state == REVIEW else row.state}."
        raise StaffError(f"That cannot be done with the postmortem now. {there}")
    return case, row
