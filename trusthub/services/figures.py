"""What the hub counts of itself, for a monitoring system, read from the database: every process says the same.

Totals grow with what is new since they were last asked for, so asking costs little however long the history is.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session, col

from trusthub.services import stuck
from trusthub.services.cases import the_page
from trusthub.services.hub import Hub
from trusthub.store import presence
from trusthub.store.tables import Attempt, Delivery, Event, Hold, Incident, Lane, Promise, Thread

_UNDER_WAY = timedelta(minutes=10)
"""What was begun longer ago and has no end will not get one: its worker died."""


class Figures:
    """Reads them. Totals begin at what the database has when they are first asked for."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._turn = hub, threading.Lock()
        self._attempts = _Total(
            select(col(Lane.channel), col(Attempt.outcome), func.count())
            .select_from(Attempt)
            .join(Delivery, col(Delivery.id) == col(Attempt.delivery_id))
            .join(Lane, col(Lane.key) == col(Delivery.lane))
            .where(col(Attempt.ended_at).is_not(None))
            .group_by(col(Lane.channel), col(Attempt.outcome)),
            col(Attempt.id),
        )
        self._events = _Total(
            select(col(Event.connection), col(Event.state), func.count()).group_by(
                col(Event.connection), col(Event.state)
            ),
            col(Event.id),
        )

    def collect(self) -> Iterator[Metric]:
        """Return each figure with its help. Ages are in seconds."""
        now = self._hub.clock()
        with self._turn, self._hub.database.reading() as session:
            yield from self._totals(session, now)
            yield from _outbox(session, now)
            yield from _promised(session)
            yield from _page(session, now)
        yield _gauge("trusthub_workers", "Workers that are there now.", presence.workers(self._hub.database))

    def _totals(self, session: Session, now: datetime) -> Iterator[Metric]:
        since = now - _UNDER_WAY
        open_attempts = (col(Attempt.ended_at).is_(None), col(Attempt.started_at) > since)
        open_events = (col(Event.state) == "received", col(Event.received_at) > since)
        yield _family(
            CounterMetricFamily("trusthub_attempts", "Attempts to deliver.", labels=["channel", "outcome"]),
            self._attempts.grown(session, *open_attempts),
        )
        yield _family(
            CounterMetricFamily("trusthub_events", "Events from tools.", labels=["connection", "state"]),
            self._events.grown(session, *open_events),
        )


class _Total:
    """Counts rows by labels, and each row once."""

    def __init__(self, query: Any, number: Any) -> None:
        """`query` selects the labels and a count, `number` is the id that only grows."""
        self._query, self._number = query, number
        self._through = 0
        self._found: Counter[tuple[str, ...]] = Counter()

    def grown(self, session: Session, *under_way: ColumnElement[bool]) -> Counter[tuple[str, ...]]:
        """Count what is new, up to the first row that is `under_way`: it has no label yet."""
        first = session.execute(select(func.min(self._number)).where(self._number > self._through, *under_way)).scalar()
        newest = session.execute(select(func.max(self._number))).scalar() or 0
        until = max(self._through, first - 1 if first else newest)
        for *labels, count in session.execute(self._query.where(self._number.between(self._through + 1, until))):
            self._found[tuple(map(str, labels))] += count
        self._through = until
        return self._found


def _outbox(session: Session, now: datetime) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("trusthub_deliveries_waiting", "Messages not sent yet.", labels=["channel"])
    oldest = GaugeMetricFamily(
        "trusthub_delivery_oldest_seconds",
        "How long the oldest message waits whose destination nobody holds.",
        labels=["channel"],
    )
    held = GaugeMetricFamily("trusthub_channel_held", "1 where a person holds a channel.", labels=["channel"])
    for channel, count in stuck.waiting(session).items():
        waiting.add_metric([channel], count)
    for channel, since in stuck.oldest(session).items():
        oldest.add_metric([channel], (now - since).total_seconds())
    for channel in session.execute(select(col(Hold.channel)).where(col(Hold.paused))).scalars():
        held.add_metric([channel], 1)
    yield from (waiting, oldest, held)
    dead = session.execute(select(func.count()).where(col(Delivery.state) == "dead")).scalar_one()
    yield _gauge("trusthub_deliveries_given_up", "Messages that were given up and not sent again.", dead)


def _promised(session: Session) -> Iterator[Metric]:
    promises = GaugeMetricFamily("trusthub_promises", "Times that we gave in public.", labels=["kind", "standing"])
    place = (col(Promise.kind), col(Promise.standing))
    yield _family(promises, {(kind, stands): n for kind, stands, n in _counted(session, *place)})
    incidents = GaugeMetricFamily("trusthub_incidents_open", "Incidents that are not over.", labels=["public"])
    found = _counted(session, col(Incident.public), where=col(Incident.state).not_in(["resolved", "postmortem"]))
    counts = {bool(public): n for public, n in found}
    yield _family(incidents, {(str(public).lower(),): counts.get(public, 0) for public in (True, False)})
    threads = GaugeMetricFamily("trusthub_threads", "Customers' threads.", labels=["state"])
    yield _family(threads, {(state,): n for state, n in _counted(session, col(Thread.state))})


def _page(session: Session, now: datetime) -> Iterator[Metric]:
    age = (now - the_page(session).updated_at).total_seconds()
    yield _gauge("trusthub_page_age_seconds", "Time since the public page was rendered.", age)


def _counted(session: Session, *labels: Any, where: Any = True) -> list[Any]:
    query = select(*labels, func.count()).group_by(*labels)
    return list(session.execute(query if where is True else query.where(where)))


def _family(family: Any, found: Any) -> Metric:
    for labels, value in sorted(found.items()):
        family.add_metric(list(labels), value)
    return family  # type: ignore[no-any-return]  # counters and gauges have no base that has add_metric


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
