"""Lanes and deliveries: every message is a row before it is a request, and one lane sends one message at a time.

A lane is leased by a token of its own for each claim; whoever settles must still hold that token, so a worker that
was asleep too long cannot settle what another one has taken over. Works the same on SQLite and PostgreSQL.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from trusthub.store.tables import Attempt, Delivery, Lane

LEASE = timedelta(seconds=30)
"""How long one send may take at most; three times a channel's timeout."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """One delivery to make now, under a lease."""

    delivery: Delivery
    claim: str
    attempt_id: int
    parent: str | None
    """Receipt of the first message of the conversation in this lane."""


def enqueue(session: Session, deliveries: Iterable[Delivery], now: datetime) -> None:
    """Add deliveries and wake their lanes, sorted by lane so that two writers cannot deadlock.

    The upsert locks each lane's row before the delivery is inserted: within a lane, id order is commit order.
    """
    ordered = sorted(deliveries, key=lambda delivery: delivery.lane)
    upsert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    for lane in dict.fromkeys(delivery.lane for delivery in ordered):
        statement = upsert(Lane).values(key=lane, due=now, paused=False, fails=0)
        session.execute(
            statement.on_conflict_do_update(index_elements=["key"], set_={"due": now}, where=col(Lane.due).is_(None))
        )
    for delivery in ordered:
        session.add(delivery)
        session.flush()  # one by one: ids must follow the order in which messages were decided


def claim(session: Session, now: datetime, limit: int) -> list[Claimed]:
    """Lease up to `limit` lanes that have work, and open an attempt for the first delivery of each."""
    due = (
        select(col(Lane.key))
        .where(col(Lane.due) <= now, col(Lane.paused).is_(False))
        .order_by(col(Lane.due))
        .limit(limit)
    )
    if session.get_bind().dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True)
    claimed = []
    for lane in session.execute(due).scalars().all():
        token = secrets.token_hex(8)
        session.execute(update(Lane).where(col(Lane.key) == lane).values(claim=token, due=now + LEASE))
        if (work := _head(session, lane, token, now)) is not None:
            claimed.append(work)
    return claimed


def settle(session: Session, done: Claimed, now: datetime, *, retry_at: datetime | None, **outcome: Any) -> bool:
    """Record how an attempt ended and free the lane; return False when the lease was lost, and change nothing then.

    `outcome` are columns of Delivery (`state`, `provider_ref`, `last_error`, ...) plus `status` of the attempt.
    """
    delivery = done.delivery
    held = select(col(Lane.key)).where(col(Lane.key) == delivery.lane, col(Lane.claim) == done.claim).with_for_update()
    if session.execute(held).first() is None:
        return False
    status, error = outcome.pop("status", None), outcome.get("last_error", "")
    session.execute(
        update(Attempt)
        .where(col(Attempt.id) == done.attempt_id)
        .values(ended_at=now, outcome="failed" if error else "sent", status=status, error=error)
    )
    session.execute(update(Delivery).where(col(Delivery.id) == delivery.id).values(**outcome))
    failed = retry_at is not None
    session.execute(
        update(Lane)
        .where(col(Lane.key) == delivery.lane)
        .values(
            claim=None,
            due=retry_at or (now if _pending(session, delivery.lane) else None),
            fails=Lane.fails + 1 if failed else 0,
        )
    )
    return True


def next_due(session: Session) -> datetime | None:
    """Return when the next lane has work, or None when nothing waits."""
    return session.execute(
        select(col(Lane.due))
        .where(col(Lane.due).is_not(None), col(Lane.paused).is_(False))
        .order_by(col(Lane.due))
        .limit(1)
    ).scalar()


def _pending(session: Session, lane: str) -> int | None:
    return session.execute(
        select(col(Delivery.id))
        .where(col(Delivery.lane) == lane, col(Delivery.state) == "pending")
        .order_by(col(Delivery.id))
        .limit(1)
    ).scalar()


def _head(session: Session, lane: str, token: str, now: datetime) -> Claimed | None:
    delivery_id = _pending(session, lane)
    if delivery_id is None:
        session.execute(update(Lane).where(col(Lane.key) == lane).values(claim=None, due=None))
        return None
    delivery = session.get_one(Delivery, delivery_id)
    lost = session.execute(
        update(Attempt)
        .where(col(Attempt.delivery_id) == delivery_id, col(Attempt.ended_at).is_(None))
        .values(ended_at=now, outcome="lost", error="The worker stopped before the answer came.")
    )
    delivery.ambiguous = delivery.ambiguous or bool(lost.rowcount)  # type: ignore[attr-defined] # an UPDATE gives a CursorResult
    delivery.attempts += 1
    delivery.first_attempt_at = delivery.first_attempt_at or now
    delivery.last_attempt_at = now
    attempt_id = session.execute(
        insert(Attempt)
        .values(delivery_id=delivery_id, n=delivery.attempts, started_at=now, error="")
        .returning(col(Attempt.id))
    ).scalar_one()
    session.flush()
    return Claimed(delivery, token, attempt_id, _parent(session, delivery))


def _parent(session: Session, delivery: Delivery) -> str | None:
    if not delivery.conversation:
        return None
    return session.execute(
        select(col(Delivery.provider_ref))
        .where(
            col(Delivery.lane) == delivery.lane,
            col(Delivery.conversation) == delivery.conversation,
            col(Delivery.provider_ref).is_not(None),
            col(Delivery.id) < delivery.id,
        )
        .order_by(col(Delivery.id))
        .limit(1)
    ).scalar()
