"""Webhooks and apprise's services that keep failing: they are switched off, until a person switches them on again.

A lane is switched off when SPAN lies between the first and the last of at least FEWEST messages in a row that were
given up. Five days are what Svix waits: longer than a weekend with a holiday, so that nobody comes back to a receiver
that was only down over it. Three messages, because one that nobody could read says nothing of the next. Who answers 410
asked for it, and is switched off at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from sqlalchemy import func, select
from sqlmodel import Session, col

from trusthub.domain.message import Moment
from trusthub.services.announce import Telling, tell
from trusthub.services.facts import page_facts
from trusthub.services.hub import Hub
from trusthub.services.seldom import Seldom
from trusthub.services.shapes import PLAIN
from trusthub.store import holds
from trusthub.store.outbox import channel_of
from trusthub.store.tables import Attempt, Delivery, Disabled, Lane

SPAN = timedelta(days=5)
FEWEST = 3
LOOK = timedelta(minutes=1)
"""Time between looks. A message is given up after an hour at least, so this is often enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Messages to one lane that were given up since the last that arrived."""

    lane: str
    count: int
    first: datetime
    last: datetime
    error: str
    gone: bool
    """The last answer was 410."""

    @property
    def hopeless(self) -> bool:
        """Whether it is time to stop."""
        return self.gone or (self.count >= FEWEST and self.last - self.first >= SPAN)


class Failing:
    """Looks for destinations that keep failing, once in a while."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._seldom = hub, Seldom(LOOK)

    def watch(self, now: datetime) -> None:
        """Switch off what is hopeless, and tell stakeholders. One worker of several does."""
        if not self._seldom.due(now):
            return
        lanes = [lane for lane in self._hub.configuration.site.destinations if channel_of(lane) in PLAIN]
        with self._hub.database.reading() as session:
            found = [series for lane in lanes if (series := _series(session, lane)) and series.hopeless]
            gone = _gone(session, lanes)
        for series in found:
            _disable(self._hub, series, now)
        if gone:
            with self._hub.database.transaction() as session:
                holds.forget(session, gone, now)


def _gone(session: Session, lanes: Sequence[str]) -> Sequence[str]:
    """Return paused lanes whose destinations are in site.yaml no more; only there do they have an address."""
    off = (col(Lane.paused), col(Lane.channel).in_(PLAIN), col(Lane.key).not_in(lanes))
    return session.execute(select(col(Lane.key)).where(*off)).scalars().all()


def _series(session: Session, lane: str) -> Series | None:
    """Return the failures of a lane that count: after its last success, and after it was last switched on."""
    state = session.get(Disabled, lane)
    if state and state.enabled_at is None:
        return None
    here = col(Delivery.lane) == lane
    arrived = select(func.coalesce(func.max(col(Delivery.id)), 0)).where(here, col(Delivery.state) == "done")
    dead = [here, col(Delivery.state) == "dead", col(Delivery.id) > arrived.scalar_subquery()]
    if state and state.enabled_at:
        dead.append(col(Delivery.last_attempt_at) > state.enabled_at)
    at, error = col(Delivery.last_attempt_at), col(Delivery.last_error)
    count, first = session.execute(select(func.count(), func.min(at)).where(*dead)).one()
    if not count:
        return None
    newest = select(col(Delivery.id), at, error).where(*dead).order_by(col(Delivery.id).desc()).limit(1)
    delivery_id, last, words = session.execute(newest).one()
    status = select(col(Attempt.status)).where(col(Attempt.delivery_id) == delivery_id).order_by(col(Attempt.id).desc())
    gone = session.execute(status.limit(1)).scalar() == HTTPStatus.GONE
    return Series(lane=lane, count=count, first=first, last=last, error=words, gone=gone)


def _disable(hub: Hub, series: Series, now: datetime) -> None:
    with hub.database.transaction() as session:
        if holds.switch_off(session, series.lane, series.error, now):
            _tell(session, hub, series, now)


def _tell(session: Session, hub: Hub, series: Series, now: datetime) -> None:
    playbook = hub.configuration.everyday
    facts = page_facts(hub) | {
        "destination": series.lane.replace(":", " ", 1),
        "failing_since": series.first,
        "undelivered": series.count,
        "reason": series.error,
    }
    cause = f"destination:{series.lane}:{now:%Y-%m-%dT%H:%M:%S}"
    moment = Moment.DESTINATION_DISABLED
    tell(
        session,
        hub,
        Telling(moment=moment, playbook=playbook, facts=facts, conversation=cause, cause=cause, now=now),
    )
