"""What a person or a provider does to the outbox: pause a lane or a channel, let it go on, send the dead once more."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, select, update
from sqlmodel import Session, col

from trusthub.store import outbox
from trusthub.store.tables import Delivery, Hold, Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which deliveries are meant. What is left out does not matter."""

    ids: Collection[int] = ()
    lane: str | None = None
    channel: str | None = None
    incident_id: int | None = None
    since: datetime | None = None
    """Asked for at this time, or later."""
    states: Collection[str] = ()

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a row must fulfil."""
        found: list[ColumnElement[bool] | None] = [
            col(Delivery.id).in_(self.ids) if self.ids else None,
            col(Delivery.lane) == self.lane if self.lane else None,
            col(Delivery.lane).startswith(f"{self.channel}:", autoescape=True) if self.channel else None,
            col(Delivery.incident_id) == self.incident_id if self.incident_id else None,
            col(Delivery.created_at) >= self.since if self.since else None,
            col(Delivery.state).in_(self.states) if self.states else None,
        ]
        return [condition for condition in found if condition is not None]


def listed(session: Session, which: Which, limit: int) -> list[Delivery]:
    """Return the newest deliveries that are meant, oldest first."""
    query = select(Delivery).where(*which.conditions()).order_by(col(Delivery.id).desc()).limit(limit)
    return list(session.execute(query).scalars())[::-1]


def requeue(session: Session, which: Which, now: datetime) -> list[int]:
    """Send dead deliveries once more, each at its old place in its lane; return their ids.

    An edit whose message has newer words stays dead: it would put the old ones back.
    """
    outbox.take_turn(session)
    dead = (*which.conditions(), col(Delivery.state) == "dead")
    lanes = select(col(Delivery.lane)).where(*dead).distinct().order_by(col(Delivery.lane))
    outbox.wake(session, session.execute(lanes).scalars().all(), now)
    again = (
        update(Delivery)
        .where(*dead, ~_overtaken())
        .values(state="pending", requeued_at=now, first_attempt_at=None)
        .returning(col(Delivery.id))
        .execution_options(synchronize_session=False)
    )
    return sorted(session.execute(again).scalars())


def pause_lane(session: Session, lane: str, *, paused: bool, now: datetime) -> None:
    """Let a lane send nothing more, or let it go on."""
    outbox.take_turn(session)
    outbox.wake(session, [lane], now)
    session.execute(update(Lane).where(col(Lane.key) == lane).values(paused=paused))
    if not paused:
        _afresh(session, col(Delivery.lane) == lane)


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


def _overtaken() -> ColumnElement[bool]:
    newer = Delivery.__table__.alias("newer")  # type: ignore[attr-defined] # SQLModel does not declare it
    same = (newer.c.lane == col(Delivery.lane)) & (newer.c.conversation == col(Delivery.conversation))
    later = same & (newer.c.id > col(Delivery.id)) & newer.c.state.in_(["pending", "done"])
    return and_(col(Delivery.payload)["edit"].as_boolean().is_(True), exists().where(later))
