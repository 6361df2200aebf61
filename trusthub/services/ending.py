"""How it ended for each customer, and how many it hits without a word: yes or no, one to five, and "me too"."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlmodel import Session, col

from trusthub.domain.gate import network_of
from trusthub.services import feedback, waiting
from trusthub.services.cases import known_to
from trusthub.services.hub import Hub
from trusthub.store.tables import Incident, MeToo, Thread

RATINGS = range(1, 6)


def answered(hub: Hub, thread_id: int, *, fixed: bool, now: datetime) -> None:
    """Take the answer to "is it fixed for you?": yes closes a thread, and no opens it again for a person."""
    with hub.database.transaction() as session:
        thread = session.get_one(Thread, thread_id)
        if thread.fixed is fixed and (thread.state == "closed") is fixed:
            return  # pressed twice
        thread.fixed, thread.updated_at = fixed, now
        if fixed:
            waiting.end(thread, "closed")
        else:
            words = hub.configuration.templates.locale(feedback.language(hub, thread)).said("No, it is not fixed.")
            feedback.said(session, hub, thread, words.unescape(), now)


def rate(hub: Hub, thread_id: int, rating: int) -> bool:
    """Keep how a customer found us, 1-5, the first time that they say it; return whether this was it."""
    with hub.database.transaction() as session:
        mine = (col(Thread.id) == thread_id, col(Thread.rating).is_(None), col(Thread.state) == "closed")
        kept = update(Thread).where(*mine).values(rating=rating).returning(col(Thread.id))
        return session.execute(kept).first() is not None


def me_too(hub: Hub, incident_public_id: str, address: str, now: datetime) -> int | None:
    """Count a network once for an incident, and return how many it is now; None when customers know no such incident.

    No cookie and no address is kept. People who share a network count as one: the number is never too high by that.
    """
    network = hub.tokens.hide("network", network_of(address))
    with hub.database.transaction(quiet=True) as session:
        known = (col(Incident.public_id) == incident_public_id, *known_to(hub))
        incident = session.execute(select(col(Incident.id)).where(*known).with_for_update()).scalar()
        if incident is None:
            return None
        mine = (col(MeToo.incident_id) == incident, col(MeToo.network) == network)
        if session.execute(select(col(MeToo.id)).where(*mine)).first() is None:
            session.add(MeToo(incident_id=incident, network=network, created_at=now))
            session.flush()
        return count(session, incident)


def count(session: Session, incident_id: int) -> int:
    """Return from how many networks "me too" came."""
    found = select(func.count()).select_from(MeToo).where(col(MeToo.incident_id) == incident_id)
    return int(session.execute(found).scalar_one())
