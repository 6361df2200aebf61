"""Who asked to hear no more by mail: customers about their thread, and mailboxes that site.yaml lists."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import Session, col

from trusthub.services.hub import Hub
from trusthub.store.tables import Person, Suppression, Thread

THREAD, MAILBOX = "thread-mail", "mailbox"
"""Kinds of token: what stops with it."""


def mailbox_token(hub: Hub, address: str) -> str:
    """Return the token that stops mail to a listed mailbox; it does not show the address."""
    return hub.tokens.make(MAILBOX, _digest(address))


def suppressed(session: Session, address: str) -> bool:
    """Whether an address asked for no more mail."""
    return session.get(Suppression, address.lower()) is not None


def address_of(hub: Hub, token: str) -> str | None:
    """Return a hint at the address whose mail a token stops (`a…@example.com`), or None when it stops nothing."""
    address = _thread_address(hub, token) or _mailbox(hub, token)
    return f"{address[0]}…@{address.rpartition('@')[2]}" if address else None


def stop(hub: Hub, token: str, now: datetime) -> None:
    """Stop the mail that a token stands for. Doing it twice changes nothing."""
    address = _mailbox(hub, token)
    with hub.database.transaction() as session:
        if read := hub.tokens.read(THREAD, token):
            session.execute(update(Thread).where(col(Thread.public_id) == read[0]).values(mail=False))
        elif address and not suppressed(session, address):
            session.add(Suppression(address=address.lower(), reason="asked by its reader", at=now))


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
