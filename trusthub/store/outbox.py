"""Lanes and deliveries: every message is a row before it is a request, and one lane sends one message at a time.

A lane is leased by a token of its own for each claim; whoever settles must still hold that token, so a worker that
was asleep too long cannot settle what another one has taken over. Works the same on SQLite and PostgreSQL.

The statements that every delivery needs stand at the end. They are built once: to build them takes longer than to run
them.
"""

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, exists, func, insert, literal, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from trusthub.store.tables import Delivery, Lane, Row
from trusthub.store.types import UtcDateTime

LEASE = timedelta(seconds=30)
"""How long a lane stays with a worker that gives no sign; three times a channel's timeout."""
NOTICE = "trusthub"
"""The name under which PostgreSQL tells those who listen that there is work."""


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


def channel_of(lane: str) -> str:
    """Return the channel of a lane, such as `slack` for `slack:#releases`."""
    return lane.partition(":")[0]


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
    rows = [{"key": lane, "channel": channel_of(lane), "due": now, "paused": False} for lane in lanes]
    wake = upsert(Lane).values(rows)
    idle = _lane.c.due.is_(None)  # else it is leased or backing off, and whoever settles it will look
    session.execute(wake.on_conflict_do_update(index_elements=["key"], set_={"due": now}, where=idle))
    session.add_all(ordered)
    session.flush()


def claim(session: Session, now: datetime, limit: int, *, owner: str = "", busy: Collection[str] = ()) -> list[Claimed]:
    """Lease up to `limit` lanes that have work to `owner`, and open an attempt for the first delivery of each.

    Lanes of channels that are `busy` are left for later.
    """
    token = f"{owner}.{secrets.token_hex(8)}"
    lease = {"now": now, "busy": list(busy), "most": limit, "token": token, "until": now + LEASE}
    lanes = session.execute(_LEASE, lease).scalars().all()
    if not lanes:
        return []
    begun = session.execute(_BEGIN, {"lanes": lanes, "now": now}).mappings()
    deliveries = [Delivery(**row) for row in begun]
    if again := [delivery.id for delivery in deliveries if delivery.attempts > 1]:
        session.execute(_LOSE, {"deliveries": again, "now": now})
    if empty := set(lanes) - {delivery.lane for delivery in deliveries}:
        session.execute(update(_lane).where(_lane.c.key.in_(empty)).values(claim=None, due=None))
    if not deliveries:
        return []
    attempts = [{"delivery_id": each.id, "n": each.attempts, "started_at": now, "error": ""} for each in deliveries]
    opened = session.execute(_OPEN, attempts).scalars().all()
    return [
        Claimed(each, token, attempt_id, now, _parent(session, each))
        for each, attempt_id in zip(deliveries, opened, strict=True)
    ]


def settle(session: Session, done: Claimed, now: datetime, outcome: Outcome) -> bool:
    """Record how an attempt ended and free the lane; return False when the lease was lost, and change nothing then."""
    delivery, again = done.delivery, outcome.retry_at
    free = {"lane": delivery.lane, "token": done.token, "again": again}
    if session.execute(_FREE, free).first() is None:
        return False
    end = {"attempt": done.attempt_id, "now": now, "how": "sent" if outcome.sent else "failed"}
    session.execute(_END, {**end, "answer": outcome.status, "words": outcome.words})
    became = {
        "standing": "done" if outcome.sent else "pending" if again else "dead",
        "ref": outcome.ref,
        "first": outcome.leads,
        "unclear": delivery.ambiguous or outcome.ambiguous,
        "words": outcome.words,
        "at": now if outcome.sent else None,
    }
    session.execute(_SETTLE, {"delivery": delivery.id, **became})
    if again is None:
        session.execute(_WAKE, {"lane": delivery.lane, "now": now})
    return True


def next_due(session: Session, *, busy: Collection[str] = ()) -> datetime | None:
    """Return when the next lane of a channel that is not `busy` has work, or None when nothing waits."""
    return session.execute(_NEXT, {"busy": list(busy)}).scalar()


def renew(session: Session, tokens: Collection[str], now: datetime) -> None:
    """Keep the lanes under these tokens leased: their messages are still being sent."""
    held = update(_lane).where(_lane.c.due > now, _lane.c.claim.in_(tokens))
    session.execute(held.values(due=now + LEASE))


def leases(session: Session, now: datetime) -> set[str]:
    """Return the tokens under which lanes are leased. `owner_of` tells whose they are."""
    leased = select(_lane.c.claim).where(_lane.c.due > now, _lane.c.claim.is_not(None))
    return set(session.execute(leased).scalars())


def owner_of(token: str) -> str:
    """Return who claimed under a token."""
    return token.partition(".")[0]


def release(session: Session, tokens: Collection[str], now: datetime) -> None:
    """End leases whose owner is gone. The attempts that are open tell the next worker what happened."""
    session.execute(update(_lane).where(_lane.c.due > now, _lane.c.claim.in_(tokens)).values(due=now))


def _parent(session: Session, delivery: Delivery) -> str | None:
    if not delivery.conversation:
        return None
    return session.execute(_PARENT, {"lane": delivery.lane, "conversation": delivery.conversation}).scalar()


# ------------------------------------------------------------------------------------------------ statements

_lane, _delivery, _attempt = (Row.metadata.tables[name] for name in ("lane", "delivery", "attempt"))
_now = bindparam("now", type_=UtcDateTime)
_ready = _lane.c.paused.is_(False) & _lane.c.channel.not_in(bindparam("busy", expanding=True))
_waits = _delivery.c.state == literal("pending", literal_execute=True)
"""Written out, not as a parameter: only then does PostgreSQL see that the partial index fits."""

_NEXT = select(_lane.c.due).where(_lane.c.due.is_not(None), _ready).order_by(_lane.c.due).limit(1)

_due = (
    select(_lane.c.key)
    .where(_lane.c.due <= _now, _ready)
    .order_by(_lane.c.due)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
    .cte("ready")
)
_LEASE = (
    update(_lane)
    .where(_lane.c.key.in_(select(_due.c.key)))
    .values(claim=bindparam("token"), due=bindparam("until"))
    .returning(_lane.c.key)
)

_first = (
    select(_delivery.c.id)
    .where(_delivery.c.lane == _lane.c.key, _waits)
    .order_by(_delivery.c.id)
    .limit(1)
    .correlate(_lane)
    .scalar_subquery()
)
_lost = (_attempt.c.delivery_id == _delivery.c.id) & _attempt.c.ended_at.is_(None)
_BEGIN = (
    update(_delivery)
    .where(_delivery.c.id.in_(select(_first).where(_lane.c.key.in_(bindparam("lanes", expanding=True)))))
    .values(
        attempts=_delivery.c.attempts + 1,
        first_attempt_at=func.coalesce(_delivery.c.first_attempt_at, _now),
        last_attempt_at=_now,
        ambiguous=or_(_delivery.c.ambiguous, exists().where(_lost)),
    )
    .returning(*_delivery.c)
)
_LOSE = (
    update(_attempt)
    .where(_attempt.c.delivery_id.in_(bindparam("deliveries", expanding=True)), _attempt.c.ended_at.is_(None))
    .values(ended_at=_now, outcome="lost", error="The worker stopped before the answer came.")
)
_OPEN = insert(_attempt).returning(_attempt.c.id, sort_by_parameter_order=True)
_PARENT = (
    select(_delivery.c.provider_ref)
    .where(
        _delivery.c.lane == bindparam("lane"),
        _delivery.c.conversation == bindparam("conversation"),
        _delivery.c.leads.is_(True),
    )
    .order_by(_delivery.c.id.desc())
    .limit(1)
)

_FREE = (
    update(_lane)
    .where(_lane.c.key == bindparam("lane"), _lane.c.claim == bindparam("token"))
    .values(claim=None, due=bindparam("again"))
    .returning(_lane.c.key)
)
_END = (
    update(_attempt)
    .where(_attempt.c.id == bindparam("attempt"))
    .values(ended_at=_now, outcome=bindparam("how"), status=bindparam("answer"), error=bindparam("words"))
)
_SETTLE = (
    update(_delivery)
    .where(_delivery.c.id == bindparam("delivery"))
    .values(
        state=bindparam("standing"),
        provider_ref=bindparam("ref"),
        leads=bindparam("first"),
        ambiguous=bindparam("unclear"),
        last_error=bindparam("words"),
        done_at=bindparam("at"),
    )
)
_more = exists().where(_delivery.c.lane == _lane.c.key, _waits)
_WAKE = update(_lane).where(_lane.c.key == bindparam("lane"), _more).values(due=_now)
"""After _FREE, not in it: PostgreSQL would look for more work as of before _FREE had the lane's lock, and what was
enqueued in between would never be woken."""
