"""What a help desk tells us: a conversation that it has, and what was said in it."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from trusthub.services import external, feedback
from trusthub.services.acts import Act, StaffError, audit_row
from trusthub.services.external import VIA
from trusthub.services.feedback import Answer
from trusthub.services.hub import Hub
from trusthub.store.tables import Component, Incident, Thread, ThreadMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A conversation to open here as well."""

    answer: Answer
    """With `external`."""
    incident: str = ""
    """Public id of the incident that it is about; else `component` says what."""
    component: str = ""
    """Id in site.yaml."""
    verified: bool = False
    """Whether the help desk knows the customer to be real."""


def take(hub: Hub, wanted: Opening, act: Act) -> Thread:
    """Open a conversation, once for each of the help desk. Raises StaffError for what it cannot be about."""
    there = wanted.answer.external
    if there is None:
        raise StaffError("Say where the conversation is.")
    _known(hub, there.system)
    try:
        with hub.database.transaction() as session:
            return external.find(session, there) or _open(session, hub, wanted, act)
    except IntegrityError:  # told twice at once
        with hub.database.reading() as session:
            known = external.find(session, there)
        if known is None:
            raise
        return known


def _known(hub: Hub, system: str) -> None:
    """Raise StaffError for a system that site.yaml does not name."""
    known = hub.configuration.site.help_desks
    if system not in known:
        named = ", ".join(known) or "none"
        raise StaffError(f"site.yaml has no help desk {system!r} under help_desks. There are: {named}.")


def _open(session: Session, hub: Hub, wanted: Opening, act: Act) -> Thread:
    if wanted.incident:
        known = (col(Incident.public_id) == wanted.incident, col(Incident.public).is_(True))
        number = session.execute(select(col(Incident.id)).where(*known)).scalar()
        if number is None:
            raise StaffError("Customers know of no such incident. Name the component instead.")
        thread = feedback.start(session, hub, number, wanted.answer, act.now)
    else:
        listed = (col(Component.key) == wanted.component, col(Component.listed).is_(True))
        row = session.execute(select(Component).where(*listed, col(Component.is_group).is_(False))).scalar()
        if row is None:
            raise StaffError(f"site.yaml has no component {wanted.component!r}.")
        thread = feedback.start_about(session, hub, row, wanted.answer, act.now)
    if wanted.verified:
        audit_row(session, act, "confirm customer", f"thread:{thread.public_id}")
        thread.confirmed_by = act.actor
        # The desk vouches for each of them, so that they are no crowd in one network.
        thread.network = hub.tokens.hide("network", f"{thread.external_system}:{thread.external_id}")
    return thread


def hear(hub: Hub, public_id: str, words: str, act: Act, *, author: str | None) -> None:
    """Add what was said there: by the customer, or by `author`, whose words the customer has from there already.

    Raises StaffError for a conversation that is in no help desk.
    """
    with hub.database.transaction() as session:
        thread = session.execute(select(Thread).where(col(Thread.public_id) == public_id)).scalar()
        if thread is None or thread.external_system is None:
            raise StaffError("There is no such conversation that a help desk opened.")
        audit_row(session, act, "heard from a help desk", f"thread:{thread.public_id}")
        if author is None:
            feedback.said(session, hub, thread, words, act.now, via=VIA)
            return
        thread.state, thread.updated_at = "answered", act.now
        said = ThreadMessage(thread_id=thread.id, by="staff", author=author, body=words, via=VIA, created_at=act.now)
        session.add(said)
