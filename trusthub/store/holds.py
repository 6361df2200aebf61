"""What a person or a provider does to the outbox: pause a lane or a channel, let it go on, send the dead once more."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, select, update
from sqlmodel import Session, col

from trusthub.store import outbox
from trusthub.store.tables import Delivery, Disabled, Hold, Lane
from trusthub.store.which import Which, has_state

_GONE = "Its destination was taken out of site.yaml before it was sent."


def listed(session: Session, which: Which, limit: int) -> list[Delivery]:
    """Return the newest deliveries that are meant, oldest first."""
    return page(session, which, limit)[::-1]


def page(session: Session, which: Which, limit: int, *, before: int | None = None, after: int = 0) -> list[Delivery]:
    """Return deliveries that are meant, newest first: the newest with a number below `before`, or next above `after`.

    Their numbers are found first, alone: what is sorted would otherwise carry every payload along.
    """
    number = col(Delivery.id)
    cursor = [number < before] if before is not None else [number > after] if after else []
    order = number.asc() if after and before is None else number.desc()
    found = select(number).where(*which.conditions(), *cursor).order_by(order).limit(limit)
    query = select(Delivery).where(number.in_(found.scalar_subquery())).order_by(number.desc())
    return list(session.execute(query).scalars())


def dead(session: Session, which: Which, limit: int) -> list[Delivery]:
    """Return the newest that `requeue` would send, newest first."""
    query = select(Delivery).where(*_hopeful(which)).order_by(col(Delivery.id).desc()).limit(limit)
    return list(session.execute(query).scalars())


def count_dead(session: Session, which: Which) -> int:
    """Return how many `requeue` would send."""
    query = select(func.count()).select_from(Delivery).where(*_hopeful(which))
    return int(session.execute(query).scalar_one())


def requeue(session: Session, which: Which, now: datetime) -> list[int]:
    """Send dead deliveries once more, each at its old place in its lane; return their ids.

    An edit whose message has newer words stays dead: it would put the old ones back.
    """
    outbox.take_turn(session)
    given_up = _hopeful(which)
    lanes = select(col(Delivery.lane)).where(*given_up).distinct().order_by(col(Delivery.lane))
    outbox.wake(session, session.execute(lanes).scalars().all(), now)
    again = (
        update(Delivery)
        .where(*given_up)
        .values(state="pending", requeued_at=now, first_attempt_at=None)
        .returning(col(Delivery.id))
        .execution_options(synchronize_session=False)
    )
    return sorted(session.execute(again).scalars())


def pause_lane(session: Session, lane: str, *, paused: bool, now: datetime) -> None:
    """Let a lane send nothing more, or let it go on, even if it was switched off because it kept failing."""
    outbox.take_turn(session)
    outbox.wake(session, [lane], now)
    session.execute(update(Lane).where(col(Lane.key) == lane).values(paused=paused))
    if not paused:
        _enable(session, [lane], now)
        _afresh(session, col(Delivery.lane) == lane)


def switch_off(session: Session, lane: str, reason: str, now: datetime) -> bool:
    """Pause a lane because messages to it keep failing. Return False when that was done already."""
    outbox.take_turn(session)  # so that of two workers one is second, and sees what the first did
    known = session.get(Disabled, lane)
    if known and known.enabled_at is None:
        return False
    session.merge(Disabled(lane=lane, at=now, reason=reason, enabled_at=None))
    pause_lane(session, lane, paused=True, now=now)
    return True


def forget(session: Session, lanes: Collection[str], now: datetime) -> None:
    """Pause lanes no more whose destinations are gone, and cancel what waits for them."""
    outbox.take_turn(session)
    here = col(Delivery.lane).in_(lanes) & (col(Delivery.state) == "pending")
    gone = update(Delivery).where(here).values(state="cancelled", last_error=_GONE)
    session.execute(gone.execution_options(synchronize_session=False))
    session.execute(update(Lane).where(col(Lane.key).in_(lanes)).values(paused=False))
    _enable(session, lanes, now)


def pause_channel(session: Session, channel: str, *, paused: bool) -> None:
    """Let a channel send nothing more, or let it go on, whatever its provider asked for."""
    outbox.take_turn(session)
    session.merge(Hold(channel=channel, paused=paused, until=None))
    if not paused:
        _afresh(session, *Which(channel=channel).conditions())


def wait(session: Session, channel: str, until: datetime) -> None:
    """Hold a whole channel until a time: its provider asked for that."""
    held = session.get(Hold, channel) or Hold(channel=channel)
    held.until = max(held.until or until, until)
    session.add(held)


def paused(session: Session) -> list[str]:
    """Return the lanes and channels that a person paused."""
    lanes = session.execute(select(col(Lane.key)).where(col(Lane.paused))).scalars()
    channels = session.execute(select(col(Hold.channel)).where(col(Hold.paused))).scalars()
    return sorted([*lanes, *channels])


def _afresh(session: Session, *where: ColumnElement[bool]) -> None:
    """Count from now how long messages fail: they were not tried while they were held."""
    waits = update(Delivery).where(col(Delivery.state) == "pending", *where)
    session.execute(waits.values(first_attempt_at=None).execution_options(synchronize_session=False))


def _enable(session: Session, lanes: Collection[str], now: datetime) -> None:
    off = update(Disabled).where(col(Disabled.lane).in_(lanes), col(Disabled.enabled_at).is_(None))
    session.execute(off.values(enabled_at=now))


def _hopeful(which: Which) -> tuple[ColumnElement[bool], ...]:
    return (*which.conditions(), has_state("dead"), ~_overtaken())


def _overtaken() -> ColumnElement[bool]:
    newer = Delivery.__table__.alias("newer")  # type: ignore[attr-defined] # SQLModel does not declare it
    same = (newer.c.lane == col(Delivery.lane)) & (newer.c.conversation == col(Delivery.conversation))
    later = same & (newer.c.id > col(Delivery.id)) & newer.c.state.in_(["pending", "done"])
    return and_(col(Delivery.payload)["edit"].as_boolean().is_(True), exists().where(later))
