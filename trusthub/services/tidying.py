"""Deleting what was kept long enough, a little at a time, so that no delivery waits for it.

Rows are looked at in the order of their ids, which is that of their times, from the oldest on: a look that finds
nothing old costs one row, whatever the size of the table. A worker looks once an hour, and then goes on in each of its
rounds until nothing old is left.
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Delete, delete, exists, func, or_, select, tuple_
from sqlmodel import Session, col

from trusthub.domain.incident import OVER
from trusthub.domain.retention import Retention
from trusthub.services.hub import Hub
from trusthub.store.tables import (
    Attempt,
    Delivery,
    Event,
    Incident,
    Recipient,
    Refusal,
    Sandbox,
    Seen,
)

BATCH = 500
"""Rows that one transaction deletes: some ten milliseconds."""
PAUSE = timedelta(hours=1)
_UNDERSTOOD = ("done", "ignored", "unknown", "rejected", "failed")

_HELD = col(Incident.legal_hold_by).is_not(None)
_BEFORE = timedelta(days=1)
"""What tools said so long before an incident on legal hold, or at any time since, stays with it."""

log = structlog.get_logger()


class Tidying:
    """Where the worker of one process is. Several may do this at once: each row is deleted by one of them."""

    def __init__(self, hub: Hub) -> None:
        """Begin at the oldest."""
        self._hub, self._next, self._count = hub, datetime.min.replace(tzinfo=hub.clock().tzinfo), 0
        self._after: dict[type[Any], int] = {}

    def watch(self, now: datetime) -> None:
        """Delete one batch of each kind; when there was none, look again in an hour."""
        if now < self._next:
            return
        keep, more = self._hub.configuration.site.retention, False
        for step in _STEPS:
            with self._hub.database.transaction(quiet=True) as session:
                more |= step(self, session, keep, now)
        if not more:
            if self._count:
                log.info("retention.deleted", rows=self._count)
            self._next, self._count = now + PAUSE, 0
            self._after.clear()

    def _delete(self, session: Session, statement: Delete) -> int:
        count: int = session.execute(statement.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined] # of a DELETE
        self._count += count
        return count

    def _old(self, session: Session, table: type[Any], at: Any, period: timedelta, now: datetime) -> list[int]:
        """Return the next ids that are old, whatever else speaks for keeping them."""
        first = select(table.id, at).where(table.id > self._after.get(table, 0)).order_by(table.id).limit(BATCH)
        rows = session.execute(first).all()
        since = _since(now, period)
        young = next((place for place, (_, when) in enumerate(rows) if since is None or when >= since), len(rows))
        return [number for number, _ in rows[:young]]

    def _by_id(
        self, session: Session, table: type[Any], at: Any, period: timedelta, now: datetime, *but: ColumnElement[bool]
    ) -> bool:
        """Delete the next old rows that fulfil all of `but`; return whether there may be more."""
        if not (old := self._old(session, table, at, period, now)):
            return False
        self._delete(session, delete(table).where(table.id.in_(old), *but))
        self._after[table] = old[-1]
        return True

    def events(self, session: Session, keep: Retention, now: datetime) -> bool:
        """Delete requests that were understood, or never will be, and old counts of refused ones."""
        if since := _since(now, keep.events):
            self._delete(session, delete(Refusal).where(col(Refusal.last_at) < since))
        settled = col(Event.state).in_(_UNDERSTOOD)
        held = session.execute(select(func.min(col(Incident.started_at))).where(_HELD)).scalar()
        free = [col(Event.received_at) < held - _BEFORE] if held else []
        return self._by_id(session, Event, col(Event.received_at), keep.events, now, settled, *free)

    def sandbox(self, session: Session, keep: Retention, now: datetime) -> bool:
        """Delete what was kept instead of sent."""
        return self._by_id(session, Sandbox, col(Sandbox.at), keep.sandbox, now)

    def deliveries(self, session: Session, keep: Retention, now: datetime) -> bool:
        """Delete messages that are settled and on no hold, after what refers to them; many recipients take rounds."""
        old = self._old(session, Delivery, col(Delivery.created_at), keep.deliveries, now)
        if not old:
            return False
        needed = or_(col(Incident.state).not_in(OVER), _HELD)
        open_ones = exists().where(col(Incident.id) == col(Delivery.incident_id), needed)
        settled = select(col(Delivery.id)).where(
            col(Delivery.id).in_(old),
            col(Delivery.state) != "pending",
            or_(col(Delivery.incident_id).is_(None), ~open_ones),
        )
        gone = session.execute(settled).scalars().all()
        if any(self._some(session, table, gone) for table in (Recipient, Attempt)):
            return True
        self._delete(session, delete(Delivery).where(col(Delivery.id).in_(gone)))
        self._after[Delivery] = old[-1]
        return True

    def _some(self, session: Session, table: type[Any], deliveries: Collection[int]) -> bool:
        """Delete a batch of what refers to deliveries; return whether it was a full one."""
        few = select(table.id).where(table.delivery_id.in_(deliveries)).limit(BATCH)
        return self._delete(session, delete(table).where(table.id.in_(few))) == BATCH

    def seen(self, session: Session, keep: Retention, now: datetime) -> bool:
        """Forget by what old requests would be known again."""
        if (since := _since(now, keep.seen)) is None:
            return False
        key = (col(Seen.connection), col(Seen.key))
        old = select(*key).where(col(Seen.at) < since).limit(BATCH)
        return self._delete(session, delete(Seen).where(tuple_(*key).in_(old))) == BATCH


_STEPS: tuple[Callable[[Tidying, Session, Retention, datetime], bool], ...] = (
    Tidying.events,
    Tidying.deliveries,
    Tidying.seen,
    Tidying.sandbox,
)


def _since(now: datetime, period: timedelta) -> datetime | None:
    """Return what is kept from when on; None for everything."""
    return None if period == timedelta.max else now - period
