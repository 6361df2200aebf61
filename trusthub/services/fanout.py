"""How far an update has got on its way to its subscribers, and how long the rest will take at the rate measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain.recipient import NOBODY, Tally
from trusthub.services.counts import COLUMNS, Counted, Counts
from trusthub.services.outgoing import moment_words
from trusthub.services.recipients import LANES
from trusthub.store.tables import Delivery, Incident, Lane, Update
from trusthub.store.which import has_state, paused

_WINDOW = timedelta(minutes=1)
"""The rate is that of the batches which were handed over in this time."""
_NEWS = timedelta(minutes=10)
"""How long after the last batch there is news worth waiting for."""
_EXACT = 90
"""Seconds below which an estimate is not given in minutes."""
_RECENT = 5
"""Updates to look at besides those that are on their way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One update on its way."""

    update: str
    """Public id."""
    moment: str
    incident: str
    """Public id."""
    name: str
    tally: Tally
    begun_at: datetime | None
    ended_at: datetime | None
    """When the last batch was handed over; None while some wait."""
    rate: float | None
    """Recipients handed over a second, as measured; None when there is nothing to measure."""
    held: bool
    """Some of it is on hold."""
    listening: bool
    """All is handed over, and the provider still tells what becomes of it."""

    @property
    def under_way(self) -> bool:
        """Whether the numbers will change soon."""
        return self.ended_at is None or self.listening

    @property
    def remaining(self) -> timedelta | None:
        """How long the rest takes at that rate: an estimate. None when there is none to make."""
        if not self.rate or self.held or self.ended_at:
            return None
        return timedelta(seconds=self.tally.waiting / self.rate)

    @property
    def seconds(self) -> int | None:
        """The same in steps of five seconds, when it is short; people then watch it."""
        if self.remaining is None or self.remaining.total_seconds() >= _EXACT:
            return None
        return max(5 * round(self.remaining.total_seconds() / 5), 5)


def under_way(session: Session, counts: Counts, now: datetime) -> tuple[Progress, ...]:
    """Return the updates that are on their way to subscribers, or have just arrived; newest first."""
    open_ = select(col(Delivery.update_id)).where(has_state("pending"), col(Delivery.lane).in_(LANES)).distinct()
    recent = select(col(Update.id)).order_by(col(Update.id).desc()).limit(_RECENT)
    recent = recent.where(col(Update.created_at) > now - _NEWS)
    chosen = {*session.execute(open_).scalars(), *session.execute(recent).scalars()} - {None}
    found = progress(session, counts, sorted(chosen), now)
    return tuple(each for each in found if each.under_way or (each.ended_at and each.ended_at > now - _NEWS))


def of_incident(session: Session, counts: Counts, incident: str, now: datetime) -> tuple[Progress, ...]:
    """Return all updates of an incident (public id) that went to subscribers; newest first."""
    mine = select(col(Update.id)).join(Incident, col(Incident.id) == col(Update.incident_id))
    mine = mine.where(col(Incident.public_id) == incident)
    return progress(session, counts, session.execute(mine).scalars().all(), now)


def progress(session: Session, counts: Counts, updates: Sequence[int], now: datetime) -> tuple[Progress, ...]:
    """Return how far updates have got, newest first; none of those that had no subscribers."""
    batches = select(*COLUMNS, col(Delivery.update_id)).order_by(col(Delivery.id))
    batches = batches.where(col(Delivery.update_id).in_(updates), col(Delivery.lane).in_(LANES))
    rows: dict[int, list[Any]] = {}
    for row in session.execute(batches):
        rows.setdefault(row.update_id, []).append(row)
    held = session.execute(select(col(Lane.key)).where(paused(), col(Lane.key).in_(LANES)).limit(1)).first() is not None
    about = select(Update, Incident).join(Incident, col(Incident.id) == col(Update.incident_id))
    told = session.execute(about.where(col(Update.id).in_(rows)).order_by(col(Update.id).desc())).all()
    return tuple(
        _progress(update, incident, rows[update.id], counts.of(session, rows[update.id], now), held=held, now=now)
        for update, incident in told
    )


def _progress(
    update: Update,
    incident: Incident,
    rows: Sequence[Any],
    counted: Mapping[int, Counted],
    *,
    held: bool,
    now: datetime,
) -> Progress:
    tally = sum((each.tally for each in counted.values()), NOBODY)
    begun = min((row.first_attempt_at for row in rows if row.first_attempt_at), default=None)
    waits = any(row.state == "pending" for row in rows)
    ended = None if waits else max(row.done_at or row.last_attempt_at or update.created_at for row in rows)
    heard = tally.delivered + tally.bounced > 0
    return Progress(
        update=update.public_id,
        moment=moment_words(update.moment),
        incident=incident.public_id,
        name=incident.name,
        tally=tally,
        begun_at=begun,
        ended_at=ended,
        rate=_rate(rows, counted, begun, ended or now),
        held=held and waits,
        listening=bool(ended and heard and tally.silent and ended > now - _NEWS),
    )


def _rate(rows: Sequence[Any], counted: Mapping[int, Counted], begun: datetime | None, until: datetime) -> float | None:
    """Return recipients a second: of the last minute, or since the beginning when no batch was finished in it."""
    if begun is None:
        return None
    handed = {row: counted[row.id].tally.handed for row in rows if row.id in counted}
    lately = sum(count for row, count in handed.items() if row.done_at and row.done_at > until - _WINDOW)
    seconds = (until - begun).total_seconds()
    if lately:
        return lately / max(min(seconds, _WINDOW.total_seconds()), 1.0)
    return sum(handed.values()) / max(seconds, 1.0) or None
