"""Legal hold: while it lasts, nothing about an incident is erased."""

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.services.acts import Act, StaffError, audit_row
from trusthub.services.hub import Hub
from trusthub.store.tables import Incident


def hold(hub: Hub, public_id: str, act: Act) -> None:
    """Forbid to erase anything about an incident."""
    with hub.database.transaction(quiet=True) as session:
        incident = _incident(session, public_id)
        if incident.legal_hold_by is not None:
            raise StaffError(f"{incident.legal_hold_by} has put it on legal hold already.")
        audit_row(session, act, "legal hold", f"incident:{public_id}")
        incident.legal_hold_by, incident.legal_hold_at = act.actor, act.now


def release(hub: Hub, public_id: str, act: Act) -> None:
    """Allow it again."""
    with hub.database.transaction(quiet=True) as session:
        incident = _incident(session, public_id)
        if incident.legal_hold_by is None:
            raise StaffError("It is not on legal hold.")
        audit_row(session, act, "legal release", f"incident:{public_id}")
        incident.legal_hold_by = incident.legal_hold_at = None


def _incident(session: Session, public_id: str) -> Incident:
    found: Incident | None = session.execute(
        select(Incident).where(col(Incident.public_id) == public_id).with_for_update()
    ).scalar()
    if found is None:
        raise StaffError("There is no such incident.")
    return found
