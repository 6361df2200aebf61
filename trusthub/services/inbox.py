"""Mail that comes in: which thread it belongs to, whether its customer wrote it, and what we leave unread."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select
from sqlmodel import Session, col

from trusthub.channels import mail as names
from trusthub.domain.attachment import File
from trusthub.domain.inbound import MOST_PER_HOUR, Fate, Incoming, no_person, says_yes, shown_forged, shown_genuine
from trusthub.domain.message import Audience
from trusthub.services import feedback, files, subscribe, waiting
from trusthub.services.announce import PAGE
from trusthub.services.feedback import LONGEST, Answer
from trusthub.services.hub import Hub
from trusthub.store.tables import Delivery, InboundMail, Incident, Person, Recipient, Thread

log = structlog.get_logger()

_HOUR = timedelta(hours=1)
_NO_WORDS = "…"


@dataclass(frozen=True, slots=True)
class _Goal:
    """Where a mail belongs: to a thread, or to the news that somebody got."""

    thread: Thread | None = None
    news: tuple[Recipient, Delivery] | None = None
    signed: bool = False
    """Its address was in a mail of ours, so whoever wrote it has read that mail, or was shown it."""


def receive(hub: Hub, mail: Incoming, now: datetime) -> Fate:
    """Take a mail in, once, and return what became of it. Every fate is counted; the log names no address."""
    key = hub.tokens.hide("message-id", mail.message_id or _digest(mail))
    with hub.database.transaction() as session:
        if session.execute(select(col(InboundMail.id)).where(col(InboundMail.key) == key)).first():
            fate = Fate.REPEATED
        else:
            sender = hub.tokens.hide("sender", mail.sender)
            row = InboundMail(key=key, fate=Fate.UNKNOWN, sender=sender, at=now, spf=mail.spf, dkim=mail.dkim)
            fate = row.fate = _unread(session, hub, mail, row, now) or _read(session, hub, mail, row, now)
            session.add(row)
    log.info("mail.received", fate=fate.value)
    return fate


def _unread(session: Session, hub: Hub, mail: Incoming, row: InboundMail, now: datetime) -> Fate | None:
    """Return why nobody needs to read a mail; None when somebody does."""
    if names.is_ours(mail.message_id, hub.mailbox.ours if hub.mailbox else ""):
        return Fate.LOOP
    if fate := no_person(mail):
        return fate
    lately = (col(InboundMail.sender) == row.sender, col(InboundMail.at) > now - _HOUR)
    count = session.execute(select(func.count()).select_from(InboundMail).where(*lately)).scalar_one()
    return Fate.TOO_MANY if count >= MOST_PER_HOUR else None


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A mail that a person wrote."""

    session: Session
    hub: Hub
    mail: Incoming
    row: InboundMail
    now: datetime
    words: str
    attached: Sequence[File]

    def to_thread(self, thread: Thread, *, signed: bool) -> Fate:
        """Add it as the customer's word when it is theirs; else keep it for staff."""
        session, now = self.session, self.now
        self.row.thread_id = thread.id
        person = session.get_one(Person, thread.person_id)
        mine = (person.email or "").lower() == self.mail.sender
        if mine and not shown_forged(self.mail) and (signed or shown_genuine(self.mail)):
            closed = thread.state == "closed"
            if signed:
                feedback.prove(session, thread.id, now)
            said = feedback.said(session, self.hub, thread, self.words, now, attached=self.attached, via="mail")
            self.row.message_id = said.id
            if closed and says_yes(self.words):
                waiting.end(thread, "closed")
                thread.fixed = True
            return Fate.TAKEN
        stranger = Person(name=self.mail.name, email=self.mail.sender, created_at=now)
        session.add(stranger)
        session.flush()
        kept = feedback.stranger_said(session, self.hub, thread, self.words, stranger, now, self.attached)
        self.row.person_id, self.row.message_id = stranger.id, kept.id
        return Fate.HELD

    def to_news(self, recipient: Recipient, delivery: Delivery, *, signed: bool) -> Fate:
        """Open a thread on the incident that the news was about, or go on with the one that they have on it."""
        incident = self.session.get(Incident, delivery.incident_id) if delivery.incident_id else None
        if incident is None or not incident.public or delivery.audience != Audience.CUSTOMERS:
            return Fate.UNKNOWN
        if shown_forged(self.mail) or not (signed or shown_genuine(self.mail)):
            return Fate.UNKNOWN
        proven = signed and recipient.address.lower() == self.mail.sender
        mine = select(Thread).join(Person, col(Person.id) == col(Thread.person_id))
        mine = mine.where(col(Thread.incident_id) == incident.id, func.lower(col(Person.email)) == self.mail.sender)
        known = self.session.execute(mine.order_by(col(Thread.id).desc())).scalars().first()
        if known is not None:
            return self.to_thread(known, signed=proven)
        answer = Answer(
            words=self.words,
            name=self.mail.name,
            email=self.mail.sender,
            locale=str(delivery.payload.get("locale", "")),
            files=self.attached,
            via="mail",
            proven=proven,
        )
        hub = self.hub.at(delivery.payload[PAGE]) if PAGE in delivery.payload else self.hub
        self.row.thread_id = feedback.start(self.session, hub, incident.id, answer, self.now).id
        return Fate.TAKEN


def _read(session: Session, hub: Hub, mail: Incoming, row: InboundMail, now: datetime) -> Fate:
    goal = _by_address(session, hub, mail) or _by_reference(session, mail)
    if goal is None or not feedback.is_address(mail.sender):
        return Fate.UNKNOWN
    attached, _ = files.taken(mail.files)
    arrival = _Arrival(session, hub, mail, row, now, mail.text[:LONGEST] or _NO_WORDS, attached)
    if goal.thread is not None:
        return arrival.to_thread(goal.thread, signed=goal.signed)
    return arrival.to_news(*goal.news, signed=goal.signed) if goal.news else Fate.UNKNOWN


def _by_address(session: Session, hub: Hub, mail: Incoming) -> _Goal | None:
    """Find where a mail belongs by the signed address that it was sent to."""
    for token in hub.mailbox.tokens(mail.to) if hub.mailbox else ():
        if read := hub.tokens.read(subscribe.REPLY, token):
            mine = (col(Thread.public_id) == read[0], col(Thread.link_version) == read[1])
            thread = session.execute(select(Thread).where(*mine)).scalar()
            return _Goal(thread=thread, signed=True) if thread else None
        if read := hub.tokens.read(subscribe.ANSWER, token):
            return _news(session, int(read[0]), signed=True)
    return None


def _by_reference(session: Session, mail: Incoming) -> _Goal | None:
    """Find where a mail belongs by the mails that it answers, as far as they were sent to its writer."""
    if not mail.references:
        return None
    cited = {local for local, _, _ in (each.partition("@") for each in mail.references)}
    theirs = select(Thread).join(Person, col(Person.id) == col(Thread.person_id))
    theirs = theirs.where(func.lower(col(Person.email)) == mail.sender).order_by(col(Thread.id).desc()).limit(_LATEST)
    for thread in session.execute(theirs).scalars():
        if names.digest(f"conversation thread:{thread.public_id}") in cited:
            return _Goal(thread=thread)
    numbers = [int(number) for _, _, number in (each.partition(".") for each in cited) if number.isdecimal()]
    for number in numbers[:_LATEST]:
        goal = _news(session, number) if number < _LARGEST_ID else None
        if goal and goal.news and goal.news[0].address.lower() == mail.sender:
            return goal
    return None


_LATEST = 50
_LARGEST_ID = 2**63


def _news(session: Session, recipient_id: int, *, signed: bool = False) -> _Goal | None:
    recipient = session.get(Recipient, recipient_id)
    delivery = session.get(Delivery, recipient.delivery_id) if recipient else None
    if recipient is None or delivery is None:
        return None
    if delivery.thread_id is not None:
        return _Goal(thread=session.get(Thread, delivery.thread_id), signed=signed)
    return _Goal(news=(recipient, delivery), signed=signed)


def _digest(mail: Incoming) -> str:
    """Name a mail that has no Message-ID."""
    return hashlib.sha256(f"{mail.sender}\n{mail.headers.get('date', '')}\n{mail.text}".encode()).hexdigest()
