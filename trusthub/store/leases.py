"""Leases of lanes: kept while a message is being sent, ended when their owner is gone."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlmodel import Session

from trusthub.store.tables import Row

LEASE = timedelta(seconds=30)
"""How long a lane stays with a worker that gives no sign; three times a channel's timeout."""

_lane = Row.metadata.tables["lane"]


def owner_of(token: str) -> str:
    """Return who claimed under a token."""
    return token.partition(".")[0]


def leases(session: Session, now: datetime) -> set[str]:
    """Return the tokens under which lanes are leased. `owner_of` tells whose they are."""
    leased = select(_lane.c.claim).where(_lane.c.due > now, _lane.c.claim.is_not(None))
    return set(session.execute(leased).scalars())


def renew(session: Session, tokens: Collection[str], now: datetime) -> None:
    """Keep the lanes under these tokens leased: their messages are still being sent."""
    held = update(_lane).where(_lane.c.due > now, _lane.c.claim.in_(tokens))
    session.execute(held.values(due=now + LEASE))


def release(session: Session, tokens: Collection[str], now: datetime) -> None:
    """End leases whose owner is gone. The attempts that are open tell the next worker what happened."""
    session.execute(update(_lane).where(_lane.c.due > now, _lane.c.claim.in_(tokens)).values(due=now))
