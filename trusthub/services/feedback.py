"""What customers answer, and what we answer them: one thread a customer and incident."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import Session, col

from trusthub.domain.attachment import File
from trusthub.domain.gate import network_of
from trusthub.domain.message import Button, Moment
from trusthub.services import external, files, reply_pace, subscribe, waiting
from trusthub.services.announce import Telling, Texts, customers_words, mail, tell
from trusthub.services.cases import hub_of, known_to, pages_of, read_case, the_page
from trusthub.services.external import External
from trusthub.services.facts import Facts
from trusthub.services.hub import Hub
from trusthub.services.topic import Topic, of_case, of_component, of_thread
from trusthub.store.tables import Component, Incident, Person, Thread, ThreadMessage

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
    pain: str | None = None
    """One of domain.complaints.PAINS."""
    updates: bool = False
    """Whether they want every public update by mail."""
    files: Sequence[File] = ()
    via: str = "page"
    proven: bool = False
    """Whether they read mail to their address: they answered one."""
    recorded_by: str | None = None
    """Which of us wrote it down for them."""
    recorded_url: str | None = None
    """Where they said it."""
    external: External | None = None
    """The help desk that speaks with them; then no mail goes to them from here."""


@dataclass(frozen=True, slots=True)
class Said:
    """The words of a public update."""

    texts: Texts
    edited: Texts
    """Those of them that a person wrote."""


def open_thread(hub: Hub, incident_public_id: str, answer: Answer, now: datetime) -> Thread | None:
    """Start a thread on a public incident; return None when customers know no such incident.

    Support hears it; the customer gets a private link by mail when they left an address.
    """
    with hub.database.transaction() as session:
        known = (col(Incident.public_id) == incident_public_id, *known_to(hub))
        incident = session.execute(select(Incident).where(*known)).scalar()
        return start(session, hub, incident.id, answer, now) if incident else None


def open_about(hub: Hub, component_public_id: str, answer: Answer, now: datetime) -> Thread | None:
    """Start a thread on a component without an incident; return None when the page lists no such component."""
    with hub.database.transaction() as session:
        component = listed_component(session, hub, component_public_id)
        if component is None:
            return None
        return start_about(session, hub, component, answer, now)


def listed_component(session: Session, hub: Hub, public_id: str) -> Component | None:
    """Return a component that the page shows."""
    shown = [col(Component.listed).is_(True), col(Component.is_group).is_(False)]
    if hub.shows is not None:
        shown.append(col(Component.key).in_(hub.shows))
    row: Component | None = session.execute(
        select(Component).where(col(Component.public_id) == public_id, *shown)
    ).scalar()
    return row


def start(session: Session, hub: Hub, incident_id: int, answer: Answer, now: datetime) -> Thread:
    """Start a thread on an incident that customers know."""
    case = read_case(session, hub, incident_id)
    mine = hub if hub.on or hub.alone else pages_of(hub, case.components)[0]
    return _start(session, mine, of_case(session, mine, read_case(session, mine, incident_id)), answer, now)


def start_about(session: Session, hub: Hub, component: Component, answer: Answer, now: datetime) -> Thread:
    """Start a thread on a component that the page shows."""
    mine = hub if hub.on or hub.alone else pages_of(hub, [component])[0]
    return _start(session, mine, of_component(mine, component), answer, now, component=component)


def _start(
    session: Session, hub: Hub, topic: Topic, answer: Answer, now: datetime, *, component: Component | None = None
) -> Thread:
    likely = reply_pace.now_likely(session, now)
    person = Person(name=answer.name, email=answer.email, created_at=now)
    session.add(person)
    session.flush()
    thread = Thread(
        page_id=the_page(session, hub).id,
        incident_id=topic.incident_id,
        component_id=component.id if component else None,
        person_id=person.id,
        network=hub.tokens.hide("network", network_of(answer.address)),
        wants_rollback=answer.wants_rollback,
        pain=answer.pain,
        updates=answer.updates,
        verified_at=now if answer.proven else None,
        locale=hub.page.nearest(answer.locale),
        recorded_by=answer.recorded_by,
        recorded_url=answer.recorded_url,
        mail=answer.external is None,
        external_system=answer.external.system if answer.external else None,
        external_id=answer.external.id if answer.external else None,
        external_url=answer.external.url if answer.external else None,
        created_at=now,
        updated_at=now,
    )
    waiting.begin(hub, thread, answer.words, now)
    session.add(thread)
    session.flush()
    message = _say(session, thread, "customer", answer.name, answer.words, now, via=answer.via)
    files.keep(session, hub, message, answer.files, now)
    facts = {**_facts(hub, topic, thread, person), "customer_words": answer.words, "files": len(answer.files)}
    if likely:
        facts.update(reply_within=likely.within.total_seconds(), reply_count=likely.count)
    _hear(session, hub, topic, thread, message, facts, now)
    _write(session, hub, topic, thread, Moment.THREAD_OPENED, message, facts, now)
    return thread


def customer_says(
    hub: Hub,
    thread_id: int,
    words: str,
    now: datetime,
    attached: Sequence[File] = (),
) -> None:
    """Add to a thread what its customer wrote; a closed thread is open again."""
    with hub.database.transaction() as session:
        said(session, hub, session.get_one(Thread, thread_id), words, now, attached=attached)


def said(
    session: Session,
    hub: Hub,
    thread: Thread,
    words: str,
    now: datetime,
    *,
    attached: Sequence[File] = (),
    via: str = "page",
) -> ThreadMessage:
    """Add to a thread what its customer wrote, and let support hear it."""
    hub = hub_of(session, hub, thread.page_id)
    person, topic = session.get_one(Person, thread.person_id), of_thread(session, hub, thread)
    waiting.begin(hub, thread, words, now)
    message = _say(session, thread, "customer", person.name, words, now, via=via)
    files.keep(session, hub, message, attached, now)
    facts = {**_facts(hub, topic, thread, person), "customer_words": words, "files": len(attached)}
    _hear(session, hub, topic, thread, message, facts, now)
    return message


def stranger_said(
    session: Session, hub: Hub, thread: Thread, words: str, stranger: Person, now: datetime, attached: Sequence[File]
) -> ThreadMessage:
    """Keep what somebody else wrote to a thread, for staff only, and let them hear that it waits for them."""
    hub = hub_of(session, hub, thread.page_id)
    topic = of_thread(session, hub, thread)
    message = _say(session, thread, "customer", stranger.name, words, now, via="mail", held=True)
    files.keep(session, hub, message, attached, now)
    facts = {**_facts(hub, topic, thread, stranger), "customer_words": words, "files": len(attached), "held": True}
    _hear(session, hub, topic, thread, message, facts, now)
    return message


def confirm_address(hub: Hub, thread_id: int, now: datetime) -> None:
    """Note that whoever reads the mail to an address says that it is theirs: from now on their word counts."""
    with hub.database.transaction(quiet=True) as session:
        prove(session, thread_id, now)


def prove(session: Session, thread_id: int, now: datetime) -> None:
    """Note that the customer reads mail to their address."""
    mine = update(Thread).where(col(Thread.id) == thread_id, col(Thread.verified_at).is_(None))
    session.execute(mine.values(verified_at=now))


def staff_replies(
    session: Session, hub: Hub, thread: Thread, words: str, author: str, now: datetime, *, via: str = "console"
) -> ThreadMessage:
    """Add a person's answer; the customer reads it on the thread page, and by mail when they left an address."""
    hub = hub_of(session, hub, thread.page_id)
    person, topic = session.get_one(Person, thread.person_id), of_thread(session, hub, thread)
    waiting.end(thread, "answered")
    message = _say(session, thread, "staff", author, words, now, via=via)
    facts = {**_facts(hub, topic, thread, person), "reply": words, "replied_by": author}
    _write(session, hub, topic, thread, Moment.THREAD_REPLIED, message, facts, now)
    return message


def reply_words(hub: Hub, topic: Topic, thread: Thread, person: Person, words: str, author: str) -> str:
    """Return what a customer would read of an answer, as Markdown; the words alone where they get no mail."""
    facts = {**_facts(hub, topic, thread, person), "reply": words, "replied_by": author, "thread_url": None}
    mailed = bool(person.email) and thread.mail
    said = mailed and customers_words(hub, topic.playbook, Moment.THREAD_REPLIED, facts, locale=language(hub, thread))
    return said.body if said else words


def close(session: Session, hub: Hub, topic: Topic, thread: Thread, now: datetime) -> None:
    """Close one thread with its closing message."""
    person = session.get_one(Person, thread.person_id)
    full = {**topic.facts, **_thread_facts(hub, thread, person)}
    rendered = customers_words(hub, topic.playbook, Moment.THREAD_CLOSED, full, locale=language(hub, thread))
    waiting.end(thread, "closed")
    if rendered is None:
        return
    message = _say(session, thread, "hub", None, rendered.body, now)
    _write(session, hub, topic, thread, Moment.THREAD_CLOSED, message, full, now)


def pass_to(
    session: Session, hub: Hub, topic: Topic, thread: Thread, moment: Moment, bodies: Mapping[str, str], now: datetime
) -> None:
    """Let one thread read a public update, in its language; who waits for us still does."""
    when = thread.updated_at
    message = _say(session, thread, "hub", None, bodies[language(hub, thread)], now)
    thread.updated_at = when
    if thread.updates or thread.external_system:
        person = session.get_one(Person, thread.person_id)
        _write(session, hub, topic, thread, moment, message, _facts(hub, topic, thread, person), now)


def language(hub: Hub, thread: Thread) -> str:
    """Return the language of a conversation; the page's own when the page has lost it."""
    return hub.page.nearest(thread.locale)


def is_address(text: str) -> bool:
    """Whether `text` can be an email address. Whether it is, only a mail can tell."""
    return len(text) <= _LONGEST_ADDRESS and bool(_ADDRESS.fullmatch(text))


def _say(
    session: Session,
    thread: Thread,
    by: str,
    author: str | None,
    body: str,
    now: datetime,
    *,
    via: str = "page",
    held: bool = False,
) -> ThreadMessage:
    thread.updated_at = now
    message = ThreadMessage(thread_id=thread.id, by=by, author=author, body=body, via=via, held=held, created_at=now)
    session.add(message)
    session.flush()
    return message


def _facts(hub: Hub, topic: Topic, thread: Thread, person: Person) -> Facts:
    return {**topic.facts, **_thread_facts(hub, thread, person)}


def _thread_facts(hub: Hub, thread: Thread, person: Person) -> Facts:
    return {
        "customer_name": person.name,
        "has_address": bool(person.email),
        "thread_url": hub.thread_url(thread.public_id, thread.link_version),
        "wants_rollback": thread.wants_rollback,
        "pain": thread.pain,
        "files": 0,
        "held": False,
        "recorded_by": thread.recorded_by,
        "answer_by_mail": hub.mailbox is not None,
    }


def _mailed_links(hub: Hub, thread: Thread) -> Facts:
    """Return the links that only who reads the mail may have."""
    url = hub.thread_url(thread.public_id, thread.link_version, mailed=True)
    return {"thread_url": url, "answer_url": url}


def _hear(
    session: Session, hub: Hub, topic: Topic, thread: Thread, message: ThreadMessage, facts: Facts, now: datetime
) -> None:
    """Let support hear it, and a help desk that has the conversation as well."""
    external.push(session, hub, thread, Moment.THREAD_RECEIVED, message, now)
    url = hub.console_url("threads", thread.public_id)
    tell(
        session,
        hub,
        Telling(
            moment=Moment.THREAD_RECEIVED,
            playbook=topic.playbook,
            facts={**facts, "console_url": url},
            conversation=f"thread:{thread.public_id}",
            cause=f"message:{message.id}",
            now=now,
            incident_id=topic.incident_id,
            thread_id=thread.id,
            also=hub.configuration.site.roles.holders(thread.routed),
            buttons=(Button(label="Answer", action="open", value=thread.public_id, url=url),),
        ),
    )


def _write(
    session: Session,
    hub: Hub,
    topic: Topic,
    thread: Thread,
    moment: Moment,
    message: ThreadMessage,
    facts: Facts,
    now: datetime,
) -> None:
    """Mail the customer, unless they left no address or asked for no more mail; a help desk tells them itself."""
    external.push(session, hub, thread, moment, message, now)
    person = session.get_one(Person, thread.person_id)
    if not person.email or not thread.mail:
        return
    telling = Telling(
        moment=moment,
        playbook=topic.playbook,
        facts={**facts, **_mailed_links(hub, thread)},
        conversation=f"thread:{thread.public_id}",
        cause=f"message:{message.id}",
        now=now,
        edited=topic.said,
        incident_id=topic.incident_id,
        thread_id=thread.id,
    )
    token = hub.tokens.make(subscribe.THREAD, thread.public_id)
    reply = hub.tokens.make(subscribe.REPLY, thread.public_id, thread.link_version)
    mail(session, hub, telling, address=person.email, token=token, locale=language(hub, thread), reply=reply)
