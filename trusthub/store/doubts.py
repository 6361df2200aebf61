"""What the record says of a delivery that was tried before, and whose fate is unclear."""

from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from trusthub.store.outbox import Claimed
from trusthub.store.tables import Attempt, Delivery


def tried(session: Session, claimed: Claimed) -> tuple[datetime, datetime]:
    """Return when the first and the latest earlier attempt began that may have reached the provider."""
    earlier = select(func.min(col(Attempt.started_at)), func.max(col(Attempt.started_at))).where(
        col(Attempt.delivery_id) == claimed.delivery.id,
        col(Attempt.id) < claimed.attempt_id,
        col(Attempt.outcome).in_(["lost", "late", "failed"]),
    )
    first, last = session.execute(earlier).one()
    return first or claimed.delivery.created_at, last or claimed.delivery.created_at


def near(session: Session, lane: str) -> str | None:
    """Return the receipt of the latest message that a lane's destination took, or None when it took none."""
    taken = (
        select(col(Delivery.provider_ref))
        .where(col(Delivery.lane) == lane, col(Delivery.provider_ref).is_not(None))
        .order_by(col(Delivery.id).desc())
        .limit(1)
    )
    return session.execute(taken).scalar()
