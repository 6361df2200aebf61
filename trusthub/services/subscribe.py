"""Who hears by mail, and who asked to hear no more: subscribers, customers about their thread, listed mailboxes."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlmodel import Session, col

from trusthub.services.cases import the_page
from trusthub.services.hub import Hub
from trusthub.store.tables import Component, Person, Subscriber, SubscriberComponent, Suppression, Thread

THREAD, MAILBOX, SUBSCRIBER, CONFIRM = "thread-mail", "mailbox", "subscriber", "confirm"
"""Kinds of token: what stops with it, or begins."""
REPLY, ANSWER = "reply", "answer"
"""Kinds of token in an address to answer to: for a thread, and for one recipient of news."""


CONFIRM_LIVES = timedelta(hours=24)
"""How long a link begins mail. Whoever asks again gets another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody asks to hear about."""

    address: str
    components: frozenset[str] = frozenset()
    """Their ids in site.yaml. None means all."""
    incidents: bool = True
    maintenance: bool = True
    about: str = ""
    """Public id of the one incident to follow; empty for the page."""
    locale: str = "en"
    zone: str = "UTC"


def add(session: Session, page_id: int, wish: Wish, now: datetime) -> Subscriber:
    """Take a wish down. Nothing is sent before it is confirmed, because anybody can write down any address.

    Who is a subscriber already stays as they are. Who had stopped mail stays without until they confirm anew, and
    earlier links end.
    """
    known = find(session, page_id, wish)
    if known and live(known):
        return known
    if known is None:
        address = wish.address.lower()
        known = Subscriber(
            page_id=page_id, channel="email", address=address, about=wish.about, locale="", zone="", created_at=now
        )
    elif known.stopped_at:
        known.link_version += 1
    known.asked_at = now
    session.add(known)
    change(session, known, wish)
    return known


def find(session: Session, page_id: int, wish: Wish) -> Subscriber | None:
    """Return the subscriber of this address who asked about the same: the page, or an incident."""
    same = (col(Subscriber.address) == wish.address.lower(), col(Subscriber.about) == wish.about)
    mine = (col(Subscriber.page_id) == page_id, col(Subscriber.channel) == "email", *same)
    found: Subscriber | None = session.execute(select(Subscriber).where(*mine)).scalar()
    return found


def live(subscriber: Subscriber) -> bool:
    """Whether mail goes to them."""
    return subscriber.confirmed_at is not None and subscriber.stopped_at is None


def change(session: Session, subscriber: Subscriber, wish: Wish) -> None:
    """Let a subscriber hear what they wish for now; the address stays."""
    subscriber.locale, subscriber.zone = wish.locale, wish.zone
    subscriber.incidents, subscriber.maintenance = wish.incidents, wish.maintenance
    session.flush()
    _choose(session, subscriber, wish.components)


def asking(session: Session, hub: Hub, token: str, now: datetime) -> Subscriber | None:
    """Return who may begin mail with a token of kind CONFIRM; None when it is too old, or ended."""
    read = hub.tokens.read(CONFIRM, token)
    if read is None:
        return None
    mine = (col(Subscriber.public_id) == read[0], col(Subscriber.link_version) == read[1])
    fresh = col(Subscriber.asked_at) > now - CONFIRM_LIVES
    found: Subscriber | None = session.execute(select(Subscriber).where(*mine, fresh)).scalar()
    return found if found and _here(session, hub, found) else None


def opened(session: Session, hub: Hub, token: str) -> Subscriber | None:
    """Return the subscriber whose wishes a token of kind SUBSCRIBER opens; None when no mail goes to them."""
    read = hub.tokens.read(SUBSCRIBER, token)
    if read is None:
        return None
    mine = (col(Subscriber.public_id) == read[0], col(Subscriber.link_version) == read[1])
    found: Subscriber | None = session.execute(select(Subscriber).where(*mine)).scalar()
    return found if found and live(found) and _here(session, hub, found) else None


def _here(session: Session, hub: Hub, subscriber: Subscriber) -> bool:
    """Whether somebody subscribed to the page that is asked."""
    return hub.alone or subscriber.page_id == the_page(session, hub).id


def confirm(hub: Hub, token: str, now: datetime) -> bool:
    """Begin the mail that a token of kind CONFIRM stands for; return False when it stands for none.

    Only who reads mail to the address has the token, so what suppressed the address before is over.
    """
    with hub.database.transaction() as session:
        found = asking(session, hub, token, now)
        if found is None:
            return False
        found.confirmed_at, found.stopped_at = found.confirmed_at if live(found) else now, None
        session.execute(delete(Suppression).where(col(Suppression.address) == found.address))
    return True


def token(hub: Hub, public_id: str, link_version: int | None, *, kind: str = SUBSCRIBER) -> str:
    """Return the token of a subscriber's personal links."""
    return hub.tokens.make(kind, public_id, link_version or 1)


def mailbox_token(hub: Hub, address: str) -> str:
    """Return the token that stops mail to a listed mailbox; it does not show the address."""
    return hub.tokens.make(MAILBOX, _digest(address))


def suppressed(session: Session, address: str) -> bool:
    """Whether an address asked for no more mail."""
    return session.get(Suppression, address.lower()) is not None


def genuine(hub: Hub, token: str) -> bool:
    """Whether we made this token to stop mail. What it stopped may be long gone: that is answered alike."""
    return any(hub.tokens.read(kind, token) for kind in (SUBSCRIBER, THREAD, MAILBOX))


def kind_of(hub: Hub, token: str) -> str:
    """Return the kind of a genuine token: what stops with it."""
    return next(kind for kind in (SUBSCRIBER, THREAD, MAILBOX) if hub.tokens.read(kind, token))


def address_of(hub: Hub, token: str) -> str | None:
    """Return a hint at the address whose mail a token stops (`a…@example.com`).

    None for a subscriber's: whether somebody still is one is told to nobody who only has a link.
    """
    address = _thread_address(hub, token) or _mailbox(hub, token)
    return f"{address[0]}…@{address.rpartition('@')[2]}" if address else None


def stop(hub: Hub, token: str, now: datetime) -> None:
    """Stop the mail that a token stands for. Doing it twice changes nothing; a link of any age can stop mail."""
    address = _mailbox(hub, token)
    with hub.database.transaction() as session:
        if read := hub.tokens.read(SUBSCRIBER, token):
            mine = (col(Subscriber.public_id) == read[0], col(Subscriber.stopped_at).is_(None))
            session.execute(update(Subscriber).where(*mine).values(stopped_at=now, asked_at=None))
        elif read := hub.tokens.read(THREAD, token):
            session.execute(update(Thread).where(col(Thread.public_id) == read[0]).values(mail=False))
        elif address and not suppressed(session, address):
            session.add(Suppression(address=address.lower(), reason="asked by its reader", at=now))


def _choose(session: Session, subscriber: Subscriber, keys: frozenset[str]) -> None:
    session.execute(delete(SubscriberComponent).where(col(SubscriberComponent.subscriber_id) == subscriber.id))
    asked = select(col(Component.id)).where(col(Component.key).in_(keys))
    for component_id in session.execute(asked).scalars():
        session.add(SubscriberComponent(subscriber_id=subscriber.id, component_id=component_id))


def _thread_address(hub: Hub, token: str) -> str | None:
    read = hub.tokens.read(THREAD, token)
    if read is None:
        return None
    with hub.database.reading() as session:
        found = select(col(Person.email)).join(Thread, col(Thread.person_id) == col(Person.id))
        return session.execute(found.where(col(Thread.public_id) == read[0])).scalar()


def _mailbox(hub: Hub, token: str) -> str | None:
    read = hub.tokens.read(MAILBOX, token)
    return next((address for address in _listed(hub) if read and _digest(address) == read[0]), None)


def _listed(hub: Hub) -> Iterator[str]:
    for destinations in hub.configuration.site.audiences.values():
        yield from (destination.email for destination in destinations if destination.email)


def _digest(address: str) -> str:
    return hashlib.sha256(address.lower().encode()).hexdigest()[:16]
