"""Which deliveries are meant: by what they are about, where they go, when they were asked for, and how they stand."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, exists, literal, or_, select
from sqlmodel import col

from trusthub.domain.recipient import ARRIVED, OPEN, RETURNED, Fate
from trusthub.store.tables import Attempt, Delivery, Hold, Lane, Recipient


class Standing(StrEnum):
    """How a delivery stands, for a person who looks for it. Of several that fit, the page shows one."""

    WAITING = "waiting"
    """Its turn has not come, or the last try failed and there will be another."""
    SENDING = "sending"
    """A try has begun, and nobody has said yet how it ended."""
    HELD = "held"
    """Its lane or its channel is paused."""
    ACCEPTED = "accepted"
    """A provider has it, and has not said yet whether it arrived."""
    DELIVERED = "delivered"
    """It is where it should go."""
    RETURNED = "returned"
    """It came back from at least one of its recipients, or a provider did not take one of them."""
    DOUBTFUL = "doubtful"
    """It may have been delivered twice."""
    FAILED = "failed"
    """It was given up."""
    CANCELLED = "cancelled"
    """It was not sent, because newer news made it pointless."""


FORWARDED = ("email", "apprise")
"""Channels whose receipt says only that a service took the message. All others hand it over themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which deliveries are meant. What is left out does not matter."""

    ids: Collection[int] = ()
    lane: str | None = None
    to: str | None = None
    """Part of a lane's name, in capital or small letters."""
    channel: str | None = None
    incident_id: int | None = None
    update_id: int | None = None
    moment: str | None = None
    audience: str | None = None
    since: datetime | None = None
    """Asked for at this time, or later."""
    until: datetime | None = None
    """Asked for before this time."""
    states: Collection[str] = ()
    standing: Standing | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a row must fulfil."""
        found: list[ColumnElement[bool] | None] = [
            col(Delivery.id).in_(self.ids) if self.ids else None,
            col(Delivery.lane) == self.lane if self.lane else None,
            _in_lanes(col(Lane.key).icontains(self.to, autoescape=True)) if self.to else None,
            _through(self.channel) if self.channel else None,
            col(Delivery.incident_id) == self.incident_id if self.incident_id else None,
            col(Delivery.update_id) == self.update_id if self.update_id else None,
            col(Delivery.moment) == self.moment if self.moment else None,
            col(Delivery.audience) == self.audience if self.audience else None,
            col(Delivery.created_at) >= self.since if self.since else None,
            col(Delivery.created_at) < self.until if self.until else None,
            col(Delivery.state).in_(self.states) if self.states else None,
            stands(self.standing) if self.standing else None,
        ]
        return [condition for condition in found if condition is not None]


def has_state(state: str) -> ColumnElement[bool]:
    """Return the condition that a delivery is in a state. Written out: only then is a partial index seen to fit."""
    return col(Delivery.state) == literal(state, literal_execute=True)


def stands(standing: Standing) -> ColumnElement[bool]:
    """Return the condition that a delivery stands like this."""
    waits, done, held, begun = has_state("pending"), has_state("done"), _in_lanes(paused()), _begun()
    forwarded = _through(*FORWARDED)
    return {
        Standing.WAITING: waits & ~held & ~begun,
        Standing.SENDING: waits & begun,
        Standing.HELD: waits & held & ~begun,
        Standing.ACCEPTED: done & forwarded & (_any(OPEN) | ~_any(ARRIVED | RETURNED)),
        Standing.DELIVERED: done & (~forwarded | (_any(ARRIVED) & ~_any(OPEN))),
        Standing.RETURNED: forwarded & _any(RETURNED),
        Standing.DOUBTFUL: and_(col(Delivery.ambiguous)),
        Standing.FAILED: has_state("dead"),
        Standing.CANCELLED: has_state("cancelled"),
    }[standing]


def paused() -> ColumnElement[bool]:
    """Return the condition that a lane sends nothing because a person said so."""
    return or_(col(Lane.paused), col(Lane.channel).in_(select(col(Hold.channel)).where(col(Hold.paused))))


def _in_lanes(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return col(Delivery.lane).in_(select(col(Lane.key)).where(condition))


def _through(*channels: str) -> ColumnElement[bool]:
    """By the lane's name: cheap for each row, where the lanes of a channel may be as many as the rows."""
    return or_(*(col(Delivery.lane).startswith(f"{channel}:", autoescape=True) for channel in channels))


def _begun() -> ColumnElement[bool]:
    return exists().where(col(Attempt.delivery_id) == col(Delivery.id), col(Attempt.ended_at).is_(None))


def _any(fates: Collection[Fate]) -> ColumnElement[bool]:
    return exists().where(col(Recipient.delivery_id) == col(Delivery.id), col(Recipient.state).in_(fates))
