"""What a customer said elsewhere, such as in Slack, becomes a thread: a colleague writes it down for them."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import col

from trusthub.domain.incident import OVER
from trusthub.services import feedback
from trusthub.services.acts import Act, StaffError, audit_row
from trusthub.services.feedback import LONGEST, Answer
from trusthub.services.hub import Hub
from trusthub.store.tables import Component, Incident

_INCIDENT, _COMPONENT = "incident:", "component:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a customer said, where, and what it is about: one of `subjects`."""

    about: str
    words: str
    url: str
    name: str | None = None
    email: str | None = None


def subjects(hub: Hub) -> Mapping[str, str]:
    """Return what feedback can be about: open incidents that customers know, and listed components, by value."""
    open_ones = select(Incident).where(col(Incident.public).is_(True), col(Incident.state).not_in(OVER))
    shown = select(Component).where(col(Component.listed).is_(True), col(Component.is_group).is_(False))
    with hub.database.reading() as session:
        incidents = session.execute(open_ones.order_by(col(Incident.id).desc())).scalars().all()
        components = session.execute(shown.order_by(col(Component.name))).scalars().all()
    return {f"{_INCIDENT}{each.public_id}": each.name for each in incidents} | {
        f"{_COMPONENT}{each.public_id}": each.name for each in components
    }


def record(hub: Hub, said: Recorded, act: Act) -> str:
    """Start a thread with what a customer said; return its public id.

    Support hears it. The customer gets a mail with their private page only when an address was written.
    Raises StaffError when what it is about is there no more.
    """
    about = said.about
    answer = Answer(
        words=said.words[:LONGEST],
        name=said.name,
        email=said.email,
        via=act.where.lower(),
        recorded_by=act.actor,
        recorded_url=said.url,
    )
    with hub.database.transaction() as session:
        if about.startswith(_COMPONENT):
            component = feedback.listed_component(session, hub, about.removeprefix(_COMPONENT))
            thread = component and feedback.start_about(session, hub, component, answer, act.now)
        else:
            known = (col(Incident.public_id) == about.removeprefix(_INCIDENT), col(Incident.public).is_(True))
            found = session.execute(select(col(Incident.id)).where(*known)).scalar()
            thread = feedback.start(session, hub, found, answer, act.now) if found is not None else None
        if thread is None:
            raise StaffError("What it is about is not on the page any more. Choose something else.")
        audit_row(session, act, "record feedback", f"thread:{thread.public_id}")
        return thread.public_id
