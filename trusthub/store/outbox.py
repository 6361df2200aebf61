"""Lanes and deliveries: every message is a row before it is a request, and one lane sends one message at a time.

A lane is leased by a token of its own for each claim; whoever settles must still hold that token, so a worker that
was asleep too long cannot settle what another one has taken over. Works the same on SQLite and PostgreSQL.

The statements that every delivery needs stand at the end. They are built once: to build them takes longer than to run
them.
"""

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, and_, bindparam, exists, func, insert, literal, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from trusthub.domain.pacing import Pace
from trusthub.domain.recipient import Became
from trusthub.store.leases import LEASE
from trusthub.store.tables import Delivery, Lane, Row
from trusthub.store.types import UtcDateTime

NOTICE = "trusthub"
"""The name under which PostgreSQL tells those who listen that there is work."""
_ANY = 1_000_000
"""More failures in a row than any lane has."""


@dataclass(slots=True, kw_only=True)
class Claimed:
    """One delivery to make now, under a lease."""

    delivery: Delivery
    token: str
    attempt_id: int
    until: datetime
    """When the lease ends, unless it is renewed."""
    fails: int = 0
    """How often in a row the lane failed."""
    full_at: datetime | None = None
    """When the lane takes a whole burst again."""
    parent: str | None = None
    """Receipt of the message that leads the conversation in this lane."""
    under: str | None = None
    """Receipt of the message below which the conversation begins, while it has not begun."""
    alone: bool = False
    """An earlier message of the conversation was given up, and nobody has said so yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended."""

    sent: bool
    how: str = ""
    """What the record calls it, when that is neither `sent` nor `failed`."""
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
    cleared: bool = False
    """What was unclear about earlier attempts was found out."""
    asked: bool = True
    """Whether the provider was asked to take it, which its limits count."""
    became: Became | None = None
    """What became of a mail's recipients, to be recorded with it."""
    hold: datetime | None = None
    """Until when the provider wants nothing at all from this channel."""


def channel_of(lane: str) -> str:
    """Return the channel of a lane, such as `slack` for `slack:#releases`."""
    return lane.partition(":")[0]


def enqueue(session: Session, deliveries: Iterable[Delivery], now: datetime) -> None:
    """Add deliveries and wake their lanes. A newer edit takes the place of one that was not sent yet.

    Each lane's row is locked before its deliveries are inserted: within a lane, id order is commit order.
    """
    ordered = sorted(deliveries, key=lambda delivery: delivery.lane)
    if not ordered:
        return
    take_turn(session)
    wake(session, dict.fromkeys(delivery.lane for delivery in ordered), now)
    edits = {(each.lane, each.conversation) for each in ordered if each.conversation and each.payload.get("edit")}
    for lane, conversation in sorted(edits):
        session.execute(_REPLACE, {"where": lane, "about": conversation})
    session.add_all(ordered)
    session.flush()


def take_turn(session: Session) -> None:
    """Let transactions that wake lanes take turns, on PostgreSQL as on SQLite, and tell the workers at its end.

    A transaction may wake lanes several times, in any order: without turns, two could wait for each other.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(7, 7)"))
        session.execute(text(f"NOTIFY {NOTICE}"))


def wake(session: Session, lanes: Iterable[str], now: datetime) -> None:
    """Make idle lanes due. The others are leased or backing off, and whoever settles them will look."""
    rows = [{"key": lane, "channel": channel_of(lane), "due": now, "paused": False, "fails": 0} for lane in lanes]
    if not rows:
        return
    upsert = sqlite.insert
    if session.get_bind().dialect.name == "postgresql":
        upsert = postgresql.insert  # type: ignore[assignment]  # the same methods, and no base that has them
    made, idle = upsert(Lane).values(rows), _lane.c.due.is_(None)
    session.execute(made.on_conflict_do_update(index_elements=["key"], set_={"due": now}, where=idle))


def claim(
    session: Session,
    now: datetime,
    limit: int,
    *,
    owner: str = "",
    busy: Collection[str] = (),
    wary: Collection[str] = (),
) -> list[Claimed]:
    """Lease up to `limit` lanes that have work to `owner`, and open an attempt for the first delivery of each.

    Lanes of channels that are `busy` are left for later, and of those that are `wary`, lanes that failed last.
    """
    token = f"{owner}.{secrets.token_hex(8)}"
    lease = {**_free(now, busy, wary), "most": limit, "token": token, "until": now + LEASE}
    lanes = {row.key: row for row in session.execute(_LEASE, lease)}
    if not lanes:
        return []
    begun = session.execute(_BEGIN, {"lanes": list(lanes), "now": now}).mappings()
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
        _claimed(session, each, lanes[each.lane], token, attempt_id, now + LEASE)
        for each, attempt_id in zip(deliveries, opened, strict=True)
    ]


def settle(session: Session, done: Claimed, now: datetime, outcome: Outcome, pace: Pace | None = None) -> bool:
    """Record how an attempt ended and free the lane; return False when the lease was lost, and change nothing then."""
    delivery, again = done.delivery, outcome.retry_at
    full_at, ready = pace.spend(done.full_at, now) if pace and outcome.asked else (done.full_at, now)
    fails = 0 if outcome.sent else done.fails + outcome.asked
    due = max(again, ready) if again else None
    free = {"lane": delivery.lane, "token": done.token, "again": due, "fails": fails, "full": full_at}
    if session.execute(_FREE, free).first() is None:
        return False
    end = {"attempt": done.attempt_id, "now": now, "how": outcome.how or ("sent" if outcome.sent else "failed")}
    session.execute(_END, {**end, "answer": outcome.status, "words": outcome.words})
    became = {
        "standing": "done" if outcome.sent else "pending" if again else "dead",
        "ref": outcome.ref,
        "first": outcome.leads,
        "unclear": outcome.ambiguous or (delivery.ambiguous and not outcome.cleared),
        "words": outcome.words,
        "at": now if outcome.sent else None,
    }
    session.execute(_SETTLE, {"delivery": delivery.id, **became})
    if again is None:
        session.execute(_WAKE, {"lane": delivery.lane, "now": ready})
    return True


def sent_late(session: Session, done: Claimed, now: datetime, ref: str | None) -> None:
    """Record that a message left after its lease was lost: whoever took it over may have sent it as well."""
    late = {"attempt": done.attempt_id, "now": now, "how": "late", "answer": None}
    session.execute(_END, {**late, "words": "It left after another worker had taken it over."})
    mine = update(_delivery).where(_delivery.c.id == done.delivery.id)
    session.execute(mine.where(_delivery.c.provider_ref.is_distinct_from(ref) | (ref is None)).values(ambiguous=True))


def next_due(
    session: Session, now: datetime, *, busy: Collection[str] = (), wary: Collection[str] = ()
) -> datetime | None:
    """Return when the next lane that `claim` would take has work, or None when nothing waits."""
    return session.execute(_NEXT, _free(now, busy, wary)).scalar()


def _free(now: datetime, busy: Collection[str], wary: Collection[str]) -> dict[str, object]:
    return {"now": now, "busy": list(busy), "wary": list(wary)}


def _claimed(session: Session, delivery: Delivery, lane: Any, token: str, attempt_id: int, until: datetime) -> Claimed:
    made = Claimed(
        delivery=delivery, token=token, attempt_id=attempt_id, until=until, fails=lane.fails, full_at=lane.full_at
    )
    if delivery.conversation:
        before = {"lane": delivery.lane, "conversation": delivery.conversation, "before": delivery.id}
        made.parent, made.alone = _conversation(session.execute(_EARLIER, before))
        if made.parent is None and (above := delivery.payload.get("under")):
            made.under, _ = _conversation(session.execute(_EARLIER, {**before, "conversation": above}))
    return made


def _conversation(earlier: Iterable[Any]) -> tuple[str | None, bool]:
    """Read a conversation backwards, as far as the message that leads it."""
    said = lost = False
    for row in earlier:
        lost |= row.state == "dead" and not row.edit and not said
        said |= row.state == "done" and (row.leads or not row.edit)
        if row.leads:
            return row.provider_ref, lost
    return None, lost


# ------------------------------------------------------------------------------------------------ statements

_lane, _delivery, _attempt, _hold = (Row.metadata.tables[name] for name in ("lane", "delivery", "attempt", "hold"))
_now = bindparam("now", type_=UtcDateTime)
_held = select(_hold.c.channel).where(_hold.c.paused.is_(True) | (_hold.c.until > _now))
_ready = and_(
    _lane.c.paused.is_(False),
    _lane.c.channel.not_in(bindparam("busy", expanding=True)),
    or_(_lane.c.fails == 0, _lane.c.channel.not_in(bindparam("wary", expanding=True))),
    _lane.c.channel.not_in(_held),
)
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
    .returning(_lane.c.key, _lane.c.fails, _lane.c.full_at)
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
_edit = func.coalesce(_delivery.c.payload["edit"].as_boolean(), False)
_EARLIER = (
    select(_delivery.c.state, _delivery.c.leads, _delivery.c.provider_ref, _edit.label("edit"))
    .where(
        _delivery.c.lane == bindparam("lane"),
        _delivery.c.conversation == bindparam("conversation"),
        _delivery.c.id < bindparam("before"),
        _delivery.c.state.in_(["done", "dead"]),
    )
    .order_by(_delivery.c.id.desc())
)
_open = exists().where(_attempt.c.delivery_id == _delivery.c.id, _attempt.c.ended_at.is_(None))
_REPLACE = (
    update(_delivery)
    .where(
        _delivery.c.lane == bindparam("where"),
        _delivery.c.conversation == bindparam("about"),
        _waits,
        _edit,
        _delivery.c.ambiguous.is_(False),
        ~_open,
    )
    .values(state="cancelled", last_error="Newer news took its place before it was sent.")
)

_FREE = (
    update(_lane)
    .where(_lane.c.key == bindparam("lane"), _lane.c.claim == bindparam("token"))
    .values(claim=None, due=bindparam("again"), fails=bindparam("fails"), full_at=bindparam("full"))
    .returning(_lane.c.key)
)
_END = (
    update(_attempt)
    .where(_attempt.c.id == bindparam("attempt"))
    .values(ended_at=_now, outcome=bindparam("how"), status=bindparam("answer"), error=bindparam("words"))
)
_late = (_attempt.c.delivery_id == _delivery.c.id) & (_attempt.c.outcome == "late")
_SETTLE = (
    update(_delivery)
    .where(_delivery.c.id == bindparam("delivery"))
    .values(
        state=bindparam("standing"),
        provider_ref=bindparam("ref"),
        leads=bindparam("first"),
        ambiguous=or_(bindparam("unclear", type_=Boolean), exists().where(_late)),
        last_error=bindparam("words"),
        done_at=bindparam("at"),
    )
)
_more = exists().where(_delivery.c.lane == _lane.c.key, _waits)
_WAKE = update(_lane).where(_lane.c.key == bindparam("lane"), _more).values(due=_now)
"""After _FREE, not in it: PostgreSQL would look for more work as of before _FREE had the lane's lock, and what was
enqueued in between would never be woken."""
