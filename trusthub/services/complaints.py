"""What customers say of a rollout: on its incident, on one of its component that is no older, or on the component."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlmodel import Session, col

from trusthub.domain.complaints import by_step, tally
from trusthub.domain.gate import Voice
from trusthub.domain.parts import Heard, Tallied
from trusthub.services.cases import known_of
from trusthub.store.tables import Incident, IncidentComponent, Person, Rollout, Thread

PER_NETWORK = 3
"""Customers of one network that count where nobody says otherwise."""


def of(session: Session, row: Rollout, since: datetime | None = None) -> list[Voice]:
    """Return who wrote since the rollout began, or since a later time."""
    began = known_of(row).started_at or row.created_at
    after = since or began
    touches = select(col(IncidentComponent.incident_id)).where(col(IncidentComponent.component_id) == row.component_id)
    as_new = (col(Incident.created_at) >= began) & col(Incident.id).in_(touches)
    alone = col(Thread.incident_id).is_(None) & (col(Thread.component_id) == row.component_id)
    found = session.execute(
        select(Thread, col(Person.email))
        .join(Incident, col(Thread.incident_id) == col(Incident.id), isouter=True)
        .join(Person, col(Thread.person_id) == col(Person.id))
        .where(
            col(Thread.updated_at) >= after,  # which has an index, and says nothing more
            col(Thread.created_at) >= after,
            or_(col(Incident.rollout_id) == row.id, as_new, alone),
        )
    )
    return [
        Voice(
            person=email.lower() if email else f"thread {thread.id}",
            network=thread.network or "",
            at=thread.created_at,
            real=thread.verified_at is not None or thread.confirmed_by is not None,
            wants_rollback=thread.wants_rollback,
            pain=thread.pain,
        )
        for thread, email in found
    ]


def counted(session: Session, row: Rollout, per_network: int = PER_NETWORK) -> Tallied:
    """Return how many complain since the rollout began."""
    return tally(of(session, row), per_network)


def stepwise(session: Session, row: Rollout, per_network: int = PER_NETWORK) -> tuple[Heard, ...]:
    """Return the same by the steps of the rollout."""
    known = known_of(row)
    return by_step(of(session, row), known.steps, known.started_at or row.created_at, per_network)
