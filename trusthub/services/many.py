"""One answer to everybody who waits on an incident: seen before it is sent, and taken back for half a minute."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, delete, select
from sqlmodel import Session, col

from trusthub.domain.message import Moment
from trusthub.rendering import markdown
from trusthub.services import feedback, rounds
from trusthub.services.acts import Act, StaffError, audit_row
from trusthub.services.admitting import admit
from trusthub.services.cases import open_case
from trusthub.services.hub import Hub
from trusthub.services.language import Translations, translations
from trusthub.services.topic import of_case, of_thread
from trusthub.store.tables import Incident, Person, Thread, ThreadRound

UNDO = timedelta(seconds=30)
"""In which nothing of it leaves."""
SAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What would be sent."""

    name: str
    """The incident's."""
    count: int
    routed: int
    """Threads that wait for named people, and are left out."""
    foreign: int
    """Threads in a language without words, and left out."""
    samples: tuple[tuple[str, Markup], ...]
    """Customers, and what they would read."""
    waits: bool = False
    """Whether an answer to many is about to leave, and can still be taken back."""


def outlook(session: Session, hub: Hub, public_id: str, words: Mapping[str, str], author: str) -> Outlook | None:
    """Return who would get an answer, and what a few of them would read; None when there is no such incident."""
    incident = session.execute(select(Incident).where(col(Incident.public_id) == public_id)).scalar()
    if incident is None:
        return None
    waiting = (col(Thread.incident_id) == incident.id, col(Thread.state) == "open")
    rows = session.execute(select(Thread).where(*waiting).order_by(col(Thread.id))).scalars().all()
    free = [row for row in rows if not row.routed]
    mine = [row for row in free if not words or feedback.language(hub, row) in words]
    return Outlook(
        name=incident.name,
        count=len(mine),
        routed=len(rows) - len(free),
        foreign=len(free) - len(mine),
        samples=tuple(_sample(session, hub, row, words, author) for row in mine[:SAMPLES]) if words else (),
        waits=session.execute(_replies(incident.id)).first() is not None,
    )


def _sample(session: Session, hub: Hub, row: Thread, words: Mapping[str, str], author: str) -> tuple[str, Markup]:
    person = session.get_one(Person, row.person_id)
    code = feedback.language(hub, row)
    seen = feedback.reply_words(hub, of_thread(session, hub, row), row, person, words[code], author)
    return person.name or "A customer", markdown.to_html(seen)


def send(hub: Hub, public_id: str, act: Act, words: str, others: Translations) -> None:
    """Put an answer on its way to everybody who waits now. It leaves half a minute later. Raises UnfitError."""
    with hub.database.transaction() as session:
        case = open_case(session, hub, _id(session, public_id))
        said = dict(translations(hub, words, others))
        seen = outlook(session, hub, public_id, said, act.actor)
        if not seen or not seen.count:
            raise StaffError("Nobody waits for this answer.")
        if seen.waits:
            raise StaffError("Another answer to many is about to leave. Take it back, or wait until it has.")
        admit(session, hub, act, [said], "reply", f"incident:{public_id}")
        audit_row(session, act, "reply to many", f"incident:{public_id}", f"{seen.count} customers")
        rounds.begin(
            session,
            case,
            Moment.THREAD_REPLIED,
            of_case(session, hub, case).facts,
            act.now,
            wait=UNDO,
            bodies=said,
            author=act.actor,
        )


def undo(hub: Hub, public_id: str, act: Act) -> None:
    """Take an answer to many back, before any of it has left."""
    with hub.database.transaction() as session:
        incident = _id(session, public_id)
        open_case(session, hub, incident)  # takes turns with the timer
        gone = session.execute(
            delete(ThreadRound)
            .where(*_pending(incident, act.now))
            .returning(col(ThreadRound.id))
            .execution_options(synchronize_session=False)
        ).first()
        if gone is None:
            raise StaffError("It has left already.")
        audit_row(session, act, "undo reply to many", f"incident:{public_id}")


def _pending(incident_id: int, now: datetime) -> tuple[ColumnElement[bool], ...]:
    reply = (col(ThreadRound.incident_id) == incident_id, col(ThreadRound.moment) == Moment.THREAD_REPLIED.value)
    return (*reply, col(ThreadRound.after) == 0, col(ThreadRound.due) > now)


def _replies(incident_id: int) -> Select[int]:
    mine = (col(ThreadRound.incident_id) == incident_id, col(ThreadRound.moment) == Moment.THREAD_REPLIED.value)
    return select(col(ThreadRound.id)).where(*mine)


def _id(session: Session, public_id: str) -> int:
    found: int | None = session.execute(select(col(Incident.id)).where(col(Incident.public_id) == public_id)).scalar()
    if found is None:
        raise StaffError("There is no such incident.")
    return found
