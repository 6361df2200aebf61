"""What an act changes is written down as it is flushed, so that no act has to remember to."""

from datetime import date
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from trusthub.store.tables import (
    ApiToken,
    AuditChange,
    Component,
    Incident,
    Postmortem,
    Row,
    StaffSession,
    Thread,
    User,
)

_KEPT = (Incident, Postmortem, Thread, User, ApiToken, StaffSession, Component)
_SECRET = frozenset({"password", "digest", "network", "sequence", "updated_at", "totp_sealed", "totp_step", "recovery"})
"""Columns that hold secrets, and two that change with everything."""
_KEY = "audit"


def follow(session: Session, audit_id: int) -> None:
    """Write what changes in this transaction from here on down as what the act `audit_id` did."""
    session.info[_KEY] = audit_id


@event.listens_for(Session, "before_flush")
def _note(session: Session, _context: object, _objects: object) -> None:
    audit_id = session.info.get(_KEY)
    if audit_id is None:
        return
    for row in [each for each in session.dirty if isinstance(each, _KEPT)]:
        before, after = _changed(row)
        if after:
            subject = f"{row.__tablename__}:{row.id}"
            session.add(AuditChange(audit_id=audit_id, subject=subject, before=before, after=after))


def _changed(row: Row) -> tuple[dict[str, Any], dict[str, Any]]:
    before, after = {}, {}
    for column in inspect(row).mapper.column_attrs:
        history = inspect(row).attrs[column.key].history
        if column.key in _SECRET or not history.has_changes() or not history.deleted:
            continue
        if history.deleted[0] != history.added[0]:
            before[column.key], after[column.key] = _json(history.deleted[0]), _json(history.added[0])
    return before, after


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
