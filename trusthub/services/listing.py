"""Incidents and threads in pages, the newest first. A page goes on after a row, so that new ones shift nothing."""

from typing import TypeVar

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.store.tables import Incident, Thread, Update, UpdateText

R = TypeVar("R", Incident, Thread)


def page(session: Session, table: type[R], after: str | None, limit: int) -> tuple[list[R], str | None] | None:
    """Return up to `limit` rows older than the one with the public id `after`, and after which the next page begins.

    None when there is no row `after`.
    """
    query = select(table).order_by(col(table.id).desc()).limit(limit + 1)
    if after is not None:
        place = session.execute(select(col(table.id)).where(col(table.public_id) == after)).scalar()
        if place is None:
            return None
        query = query.where(col(table.id) < place)
    rows: list[R] = list(session.execute(query).scalars())
    return rows[:limit], rows[limit - 1].public_id if len(rows) > limit else None


def incident(session: Session, public_id: str) -> Incident | None:
    """Return one incident."""
    row: Incident | None = session.execute(select(Incident).where(col(Incident.public_id) == public_id)).scalar()
    return row


def updates(session: Session, incident_id: int, locale: str) -> list[tuple[Update, str]]:
    """Return what was published on an incident, in a language, the oldest first."""
    said = (col(UpdateText.update_id) == col(Update.id), col(UpdateText.locale) == locale)
    query = select(Update, col(UpdateText.body)).outerjoin(UpdateText, said[0] & said[1])
    rows = session.execute(query.where(col(Update.incident_id) == incident_id).order_by(col(Update.id))).all()
    return [(row, body or "") for row, body in rows]
