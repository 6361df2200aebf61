"""Lanes and deliveries: every message is a row before it is a request, and one lane sends one message at a time.

A lane is leased by a token of its own for each claim; whoever settles must still hold that token, so a worker that
was asleep too long cannot settle what another one has taken over. Works the same on SQLite and PostgreSQL.
"""

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, bindparam, case, func, literal, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from trusthub.store.tables import Attempt, Delivery, Lane
from trusthub.store.types import UtcDateTime

LEASE = timedelta(seconds=30)
"""How long a lane stays with a worker that gives no sign; three times a channel's timeout."""
NOTICE = "trusthub"
"""The name under which PostgreSQL tells those who listen that there is work."""

_PENDING = literal("pending", literal_execute=True)
"""Written out, not as a parameter: only then does PostgreSQL see that the partial index fits."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """One delivery to make now, under a lease."""

    delivery: Delivery
    token: str
    attempt_id: int
    since: datetime
    parent: str | None
    """Receipt of the message that leads the conversation in this lane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended."""

    sent: bool
    retry_at: datetime | None = None
    """When to try again; None when it was sent, or is hopeless."""
    status: int | None = None
    words: str = ""
    """What went wrong, or what a person should know although it was sent."""
    ref: str | None = None
    leads: bool = False
    """The conversation begins here: later messages refer to this one."""
    ambiguous: bool = False
    """The provider may have taken it although no answer said so."""


def enqueue(session: Session, deliveries: Iterable[Delivery], now: datetime) -> None:
    """Add deliveries and wake their lanes.

    Each lane's row is locked before its deliveries are inserted: within a lane, id order is commit order. On
    PostgreSQL, as on SQLite, transactions that enqueue take turns: a second call could lock lanes in any order.
    """
    ordered = sorted(deliveries, key=lambda delivery: delivery.lane)
    if not ordered:
        return
    upsert = sqlite.insert
    if session.get_bind().dialect.name == "postgresql":
        upsert = postgresql.insert  # type: ignore[assignment]  # the same methods, and no base that has them
        session.execute(text("SELECT pg_advisory_xact_lock(7, 7)"))
        session.execute(text(f"NOTIFY {NOTICE}"))
    lanes = dict.fromkeys(delivery.lane for delivery in ordered)
    wake = upsert(Lane).values([{"key": lane, "due": now, "paused": False, "fails": 0} for lane in lanes])
    idle = col(Lane.due).is_(None)  # else it is being worked on or backing off, and whoever settles it will look
    session.execute(wake.on_conflict_do_update(index_elements=["key"], set_={"due": now}, where=idle))
    session.add_all(ordered)
    session.flush()


def claim(session: Session, now: datetime, limit: int, owner: str = "") -> list[Claimed]:
    """Lease up to `limit` lanes that have work to `owner`, and open an attempt for the first delivery of each."""
    token = f"{owner}.{secrets.token_hex(8)}"
    lease = {"token": token, "until": now + LEASE, "now": now, "most": limit}
    lanes = session.execute(_LEASE, lease).scalars().all()
    if not lanes:
        return []
    deliveries = session.execute(_BEGIN, {"lanes": lanes, "now": now}).scalars().all()
    if empty := set(lanes) - {delivery.lane for delivery in deliveries}:
        session.execute(update(Lane.__table__).where(col(Lane.key).in_(empty)).values(claim=None, due=None))
    _close_lost(session, {delivery.id: delivery for delivery in deliveries if delivery.attempts > 1}, now)
    attempts = [Attempt(delivery_id=delivery.id, n=delivery.attempts, started_at=now) for delivery in deliveries]
    session.add_all(attempts)
    session.flush()
    return [
        Claimed(delivery, token, attempt.id, now, _parent(session, delivery))
        for delivery, attempt in zip(deliveries, attempts, strict=True)
    ]


def settle(session: Session, done: Claimed, now: datetime, outcome: Outcome) -> bool:
    """Record how an attempt ended and free the lane; return False when the lease was lost, and change nothing then."""
    delivery, again = done.delivery, outcome.retry_at
    free = {"lane": delivery.lane, "token": done.token, "again": again, "failed": again is not None}
    if session.execute(_FREE, free).first() is None:
        return False
    ended = {"attempt": done.attempt_id, "now": now, "ended": "sent" if outcome.sent else "failed"}
    session.execute(_END, {**ended, "answer": outcome.status, "words": outcome.words})
    session.execute(
        _SETTLE,
        {
            "delivery": delivery.id,
            "now": "done" if outcome.sent else "pending" if again else "dead",
            "ref": outcome.ref,
            "lead": outcome.leads,
            "unclear": delivery.ambiguous or outcome.ambiguous,
            "words": outcome.words,
            "done": now if outcome.sent else None,
        },
    )
    if again is None:
        session.execute(_WAKE, {"lane": delivery.lane, "now": now})
    return True


def next_due(session: Session) -> datetime | None:
    """Return when the next lane has work, or None when nothing waits."""
    return session.execute(_NEXT).scalar()


def renew(session: Session, tokens: Collection[str], now: datetime) -> None:
    """Keep the lanes under these tokens leased: their messages are still being sent."""
    session.execute(update(Lane.__table__).where(col(Lane.due) > now, col(Lane.claim).in_(tokens)).values(due=now + LEASE))


def owners(session: Session, now: datetime) -> set[str]:
    """Return who has leases."""
    leased = select(col(Lane.claim)).where(col(Lane.due) > now, col(Lane.claim).is_not(None))
    return {str(token).partition(".")[0] for token in session.execute(leased).scalars()} - {""}


def release(session: Session, gone: Collection[str], now: datetime) -> None:
    """End the leases of owners that are gone. The attempts they left open tell the next worker what happened."""
    theirs = or_(*(col(Lane.claim).startswith(f"{owner}.") for owner in gone))
    session.execute(update(Lane.__table__).where(col(Lane.due) > now, theirs).values(due=now))


_ready = col(Lane.paused).is_(False)
_NEXT = select(col(Lane.due)).where(col(Lane.due).is_not(None), _ready).order_by(col(Lane.due)).limit(1)
_due = (
    select(col(Lane.key))
    .where(col(Lane.due) <= bindparam("now"), _ready)
    .order_by(col(Lane.due))
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
    .cte("ready")
)
_O = dict(synchronize_session=False)
_LEASE = (
    update(Lane.__table__)
    .where(col(Lane.key).in_(select(_due.c.key)))
    .values(claim=bindparam("token"), due=bindparam("until"))
    .returning(col(Lane.key))
)
_waiting = aliased(Delivery)
_first = (
    select(_waiting.id)
    .where(col(_waiting.lane) == col(Lane.key), col(_waiting.state) == _PENDING)
    .order_by(col(_waiting.id))
    .limit(1)
    .correlate(Lane)
    .scalar_subquery()
)
_BEGIN = (
    update(Delivery)
    .where(col(Delivery.id).in_(select(_first).where(col(Lane.key).in_(bindparam("lanes", expanding=True)))))
    .values(
        attempts=Delivery.attempts + 1,
        first_attempt_at=func.coalesce(col(Delivery.first_attempt_at), bindparam("now", type_=UtcDateTime)),
        last_attempt_at=bindparam("now", type_=UtcDateTime),
    )
    .returning(Delivery).execution_options(**_O)
)
_FREE = (
    update(Lane.__table__)
    .where(col(Lane.key) == bindparam("lane"), col(Lane.claim) == bindparam("token"))
    .values(claim=None, due=bindparam("again"), fails=case((bindparam("failed", type_=Boolean), Lane.fails + 1), else_=0))
    .returning(col(Lane.key))
)
_END = update(Attempt.__table__).where(col(Attempt.id) == bindparam("attempt")).values(
    ended_at=bindparam("now"), outcome=bindparam("ended"), status=bindparam("answer"), error=bindparam("words")
)
_SETTLE = update(Delivery.__table__).where(col(Delivery.id) == bindparam("delivery")).values(
    state=bindparam("now"), provider_ref=bindparam("ref"), leads=bindparam("lead"), ambiguous=bindparam("unclear"),
    last_error=bindparam("words"), done_at=bindparam("done"),
)
_more = select(col(Delivery.id)).where(col(Delivery.lane) == col(Lane.key), col(Delivery.state) == _PENDING)
_WAKE = update(Lane.__table__).where(col(Lane.key) == bindparam("lane"), _more.exists()).values(due=bindparam("now"))
_PARENT = (
    select(col(Delivery.provider_ref))
    .where(
        col(Delivery.lane) == bindparam("lane"),
        col(Delivery.conversation) == bindparam("conversation"),
        col(Delivery.leads).is_(True),
    )
    .order_by(col(Delivery.id).desc())
    .limit(1)
)


def _close_lost(session, again, now):
    if again:
        lost = (
            update(Attempt.__table__)
            .where(col(Attempt.delivery_id).in_(again), col(Attempt.ended_at).is_(None))
            .values(ended_at=now, outcome="lost", error="The worker stopped before the answer came.")
        )
        for delivery_id in session.execute(lost.returning(col(Attempt.delivery_id))).scalars():
            again[delivery_id].ambiguous = True


def _parent(session: Session, delivery: Delivery) -> str | None:
    if not delivery.conversation:
        return None
    return session.execute(_PARENT, {"lane": delivery.lane, "conversation": delivery.conversation}).scalar()
