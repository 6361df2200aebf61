"""Incidents that are over, as many as a page may have after years."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from trusthub.services.hub import utc_now
from trusthub.store.session import Database
from trusthub.store.tables import Incident, IncidentComponent, IncidentPage, Update, UpdateText

_APART = timedelta(hours=9)
_TOOK = timedelta(minutes=20)


def fill(database: Database, count: int) -> None:
    """Copy the newest incident, with all that was said about it, until there are `count` that are over."""
    with database.transaction() as session:
        known = session.execute(sa.select(sa.func.count()).where(col(Incident.state) == "resolved")).scalar_one()
        pattern = session.execute(sa.select(Incident).order_by(col(Incident.id).desc()).limit(1)).scalar_one()
        said = session.execute(sa.select(Update).where(col(Update.incident_id) == pattern.id)).scalars().all()
        for number in range(known, count):
            _copy(session, pattern, said, number, utc_now() - timedelta(days=1) - number * _APART)


def _copy(session: Session, pattern: Incident, said: Any, number: int, at: datetime) -> None:
    over = {"state": "resolved", "started_at": at, "told_at": at, "resolved_at": at + _TOOK}
    times = {"created_at": at, "updated_at": at + _TOOK, "monitoring_at": at}
    incident = _like(session, pattern, public_id=f"p{number:011}", rollout_id=None, **over, **times)
    for place in (IncidentPage, IncidentComponent):
        for row in session.execute(sa.select(place).where(col(place.incident_id) == pattern.id)).scalars().all():
            _like(session, row, incident_id=incident)
    for index, update in enumerate(said):
        made = _like(session, update, public_id=f"u{number:08}{index:03}", incident_id=incident, created_at=at)
        texts = sa.select(UpdateText).where(col(UpdateText.update_id) == update.id)
        for text in session.execute(texts).scalars().all():
            _like(session, text, update_id=made)


def _like(session: Session, row: Any, **changes: Any) -> int:
    """Add a row like another one, and return its id if it has one."""
    values = {**row.model_dump(exclude={"id"}), **changes}
    made = type(row)(**values)
    session.add(made)
    session.flush()
    return int(getattr(made, "id", 0))
