"""How far the recipients of mails got, counted anew only where something can have changed.

To count the hundred thousand recipients of one update takes 50 ms. Somebody who watches it asks every two seconds, and
meanwhile only the few batches that are being sent change; news of the others thins out with their age.
"""

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from trusthub.domain.recipient import ARRIVED, RETURNED, Tally
from trusthub.store.tables import Delivery, Recipient

COLUMNS = (
    col(Delivery.id),
    col(Delivery.state),
    col(Delivery.attempts),
    col(Delivery.first_attempt_at),
    col(Delivery.last_attempt_at),
    col(Delivery.done_at),
)
"""What must be known of a delivery to count its recipients."""
_FRESH = timedelta(seconds=10)
"""How long a count of what was handed over is good, at least."""
_SHARE = 60
"""Of the time since then, one part in so many."""
_MOST = 20_000
"""Deliveries to remember."""
_EXAMPLES = 5
"""Deliveries to look for reasons in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The recipients of one delivery, at a time."""

    tally: Tally
    delivered_at: datetime | None
    """When the last of them had it."""
    mark: tuple[str, int]
    at: datetime


class Counts:
    """Counts, and remembers."""

    def __init__(self) -> None:
        self._known: dict[int, Counted] = {}
        self._turn = threading.Lock()

    def of(self, session: Session, rows: Sequence[Any], now: datetime) -> Mapping[int, Counted]:
        """Return how far the recipients of deliveries (rows with at least COLUMNS) got, for those that have some."""
        with self._turn:  # who asks at the same time gets the same answer for one count
            if len(self._known) > _MOST:
                self._known.clear()
            stale = [row for row in rows if self._stale(row, now)]
            found = _count(session, [row.id for row in stale])
            for row in stale:
                counts = found[row.id]
                self._known[row.id] = Counted(
                    tally=Tally.of(
                        {state: count for state, (count, _) in counts.items()}, given_up=row.state == "dead"
                    ),
                    delivered_at=max((at for state, (_, at) in counts.items() if state in ARRIVED), default=None),
                    mark=(row.state, row.attempts),
                    at=now,
                )
            return {row.id: counted for row in rows if (counted := self._known[row.id]).tally.frozen}

    def _stale(self, row: Any, now: datetime) -> bool:
        known = self._known.get(row.id)
        if known is None or known.mark != (row.state, row.attempts):
            return True
        if row.attempts == 0:
            return False
        return row.state == "pending" or now - known.at >= max(_FRESH, (now - (row.done_at or now)) / _SHARE)


def reasons(session: Session, deliveries: Sequence[int]) -> tuple[str, ...]:
    """Return examples of why mails of these deliveries came back, the most frequent first."""
    here = (col(Recipient.delivery_id).in_(deliveries[:_EXAMPLES]), col(Recipient.state).in_(RETURNED))
    query = select(col(Recipient.reason)).where(*here, col(Recipient.reason) != "").group_by(col(Recipient.reason))
    return tuple(session.execute(query.order_by(func.count().desc()).limit(3)).scalars())


def _count(session: Session, deliveries: Sequence[int]) -> Mapping[int, Mapping[str, tuple[int, datetime]]]:
    found: dict[int, dict[str, tuple[int, datetime]]] = defaultdict(dict)
    place = (col(Recipient.delivery_id), col(Recipient.state))
    query = select(*place, func.count(), func.max(col(Recipient.at))).group_by(*place)
    if deliveries:
        for delivery, state, count, at in session.execute(query.where(place[0].in_(deliveries))):
            found[delivery][state] = (count, at)
    return found
