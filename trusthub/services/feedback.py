"""What customers answer, and what we answer them: one thread a customer and incident."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import Session, col

from trusthub.domain.gate import network_of
from trusthub.domain.message import Button, Moment
from trusthub.services import subscribe
from trusthub.services.announce import Telling, customers_words, mail, tell
from trusthub.services.cases import Case, pending, read_case
from trusthub.services.facts import Facts, case_facts
from trusthub.services.hub import Hub
from trusthub.store.tables import Incident, Person, Thread, ThreadMessage

LONGEST = 5000
"""Characters of one answer."""
_ADDRESS = re.compile(r"[^@\s<>,;:\"()]{1,64}@[^@\s<>,;:\"()]+\.[^@\s<>,;:\"().]{2,}")
_LONGEST_ADDRESS = 254
"""Characters of an address (RFC 5321, 4.5.3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a customer wrote, already stripped and within its limits."""

    words: str
    name: str | None = None
    email: str | None = None
    wants_rollback: bool = False
    address: str = ""
    """Of the network, from which it came. It is not kept."""
    locale: str = ""
    """The language of the page that it was written on; the page's own when that is not known."""


def open_thread(hub: Hub, incident_public_id: str, answer: Answer, now: datetime) -> Thread | None:
    """Start a thread on a public incident; return None when customers know no such incident.

    Support hears it; the customer gets a private link by mail when they left an address.
    """
    with hub.database.transaction() as session:
        incident = session.execute(
            select(Incident).where(col(Incident.public_id) == incident_public_id, col(Incident.public).is_(True))
        ).scalar()
        if incident is None:
            return None
        case = read_case(session, hub, incident.id)
        person = Person(name=answer.name, email=answer.email, created_at=now)
        session.add(person)
        session.flush()
        thread = Thread(
            page_id=case.page.id,
            incident_id=incident.id,
            person_id=person.id,
            network=hub.tokens.hide("network", network_of(answer.address)),
            wants_rollback=answer.wants_rollback,
            locale=hub.page.nearest(answer.locale),
            created_at=now,
            updated_at=now,
        )
        session.add(thread)
        session.flush()
        message = _say(session, thread, "customer", answer.name, answer.words, now)
        facts = {**_facts(session, hub, case, thread, person), "customer_words": answer.words}
        _hear(session, hub, case, thread, message, facts, now)
        _write(session, hub, case, thread, Moment.THREAD_OPENED, message, facts, now)
        return thread


def customer_says(hub: Hub, thread_id: int, words: str, now: datetime) -> None:
    """Add to a thread what its customer wrote; a closed thread is open again."""
    with hub.database.transaction() as session:
        thread = session.get_one(Thread, thread_id)
        case, person = read_case(session, hub, thread.incident_id), session.get_one(Person, thread.person_id)
        thread.state = "open"
        message = _say(session, thread, "customer", person.name, words, now)
        facts = {**_facts(session, hub, case, thread, person), "customer_words": words}
        _hear(session, hub, case, thread, message, facts, now)


def confirm_address(hub: Hub, thread_id: int, now: datetime) -> None:
    """Note that whoever reads the mail to an address says that it is theirs: from now on their word counts."""
    mine = update(Thread).where(col(Thread.id) == thread_id, col(Thread.verified_at).is_(None))
    with hub.database.transaction(quiet=True) as session:
        session.execute(mine.values(verified_at=now))


def staff_replies(session: Session, hub: Hub, thread: Thread, words: str, author: str, now: datetime) -> None:
    """Add a person's answer; the customer reads it on the thread page, and by mail when they left an address."""
    case, person = read_case(session, hub, thread.incident_id), session.get_one(Person, thread.person_id)
    thread.state = "answered"
    message = _say(session, thread, "staff", author, words, now)
    facts = {**_facts(session, hub, case, thread, person), "reply": words, "replied_by": author}
    _write(session, hub, case, thread, Moment.THREAD_REPLIED, message, facts, now)


def close_all(session: Session, hub: Hub, case: Case, facts: Facts, now: datetime) -> None:
    """Tell every customer with an open thread how it ended, and ask whether it is fixed for them."""
    threads = select(Thread).where(col(Thread.incident_id) == case.incident.id, col(Thread.state) != "closed")
    for thread in session.execute(threads.order_by(col(Thread.id))).scalars().all():
        close(session, hub, case, thread, facts, now)


def close(session: Session, hub: Hub, case: Case, thread: Thread, facts: Facts, now: datetime) -> None:
    """Close one thread with its closing message."""
    person = session.get_one(Person, thread.person_id)
    full = {**facts, **_thread_facts(hub, thread, person)}
    rendered = customers_words(hub, case.playbook, Moment.THREAD_CLOSED, full, locale=language(hub, thread))
    thread.state = "closed"
    if rendered is None:
        return
    message = _say(session, thread, "hub", None, rendered.body, now)
    _write(session, hub, case, thread, Moment.THREAD_CLOSED, message, full, now)


def language(hub: Hub, thread: Thread) -> str:
    """Return the language of a conversation; the page's own when the page has lost it."""
    return hub.page.nearest(thread.locale)


def is_address(text: str) -> bool:
    """Whether `text` can be an email address. Whether it is, only a mail can tell."""
    return len(text) <= _LONGEST_ADDRESS and bool(_ADDRESS.fullmatch(text))


def _say(session: Session, thread: Thread, by: str, author: str | None, body: str, now: datetime) -> ThreadMessage:
    thread.updated_at = now
    message = ThreadMessage(thread_id=thread.id, by=by, author=author, body=body, created_at=now)
    session.add(message)
    session.flush()
    return message


def _facts(session: Session, hub: Hub, case: Case, thread: Thread, person: Person) -> Facts:
    return {**case_facts(hub, case, pending(session, case.incident)), **_thread_facts(hub, thread, person)}


def _thread_facts(hub: Hub, thread: Thread, person: Person) -> Facts:
    return {
        "customer_name": person.name,
        "has_address": bool(person.email),
        "thread_url": hub.thread_url(thread.public_id, thread.link_version),
        "wants_rollback": thread.wants_rollback,
    }


def _hear(
    session: Session, hub: Hub, case: Case, thread: Thread, message: ThreadMessage, facts: Facts, now: datetime
) -> None:
    """Let support hear it."""
    url = hub.console_url("threads", thread.public_id)
    tell(
        session,
        hub,
        Telling(
            moment=Moment.THREAD_RECEIVED,
            playbook=case.playbook,
            facts={**facts, "console_url": url},
            conversation=f"thread:{thread.public_id}",
            cause=f"message:{message.id}",
            now=now,
            incident_id=case.incident.id,
            thread_id=thread.id,
            buttons=(Button(label="Answer", action="open", value=thread.public_id, url=url),),
        ),
    )


def _write(
    session: Session,
    hub: Hub,
    case: Case,
    thread: Thread,
    moment: Moment,
    message: ThreadMessage,
    facts: Facts,
    now: datetime,
) -> None:
    """Mail the customer, unless they left no address or asked for no more mail."""
    person = session.get_one(Person, thread.person_id)
    if not person.email or not thread.mail:
        return
    telling = Telling(
        moment=moment,
        playbook=case.playbook,
        facts={**facts, "thread_url": hub.thread_url(thread.public_id, thread.link_version, mailed=True)},
        conversation=f"thread:{thread.public_id}",
        cause=f"message:{message.id}",
        now=now,
        incident_id=case.incident.id,
        thread_id=thread.id,
    )
    token = hub.tokens.make(subscribe.THREAD, thread.public_id)
    mail(session, hub, telling, address=person.email, token=token, locale=language(hub, thread))
