"""Messages for the outbox, and the steps of a worker."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from trusthub.store import outbox
from trusthub.store.outbox import Claimed, Outcome
from trusthub.store.session import Database
from trusthub.store.tables import Delivery

AT = datetime(2026, 11, 22, 14, 2, tzinfo=UTC)
SENT = Outcome(sent=True, status=200, ref="C1:1.0", leads=True)
_numbers = itertools.count(1)


def message(lane: str, **more: Any) -> Delivery:
    """One delivery, with a key that no other has."""
    values = {"key": f"key-{next(_numbers)}", "moment": "rollback.started", "created_at": AT, "payload": {"to": lane}}
    return Delivery(lane=lane, **{**values, **more})


def enqueue(database: Database, *lanes: str, now: datetime = AT, **more: Any) -> list[int]:
    """Enqueue a message for each lane, in one transaction; return their ids."""
    made = [message(lane, **more) for lane in lanes]
    with database.transaction() as session:
        outbox.enqueue(session, made, now)
        return [delivery.id for delivery in made]


def claim(database: Database, now: datetime = AT, limit: int = 10, **more: Any) -> list[Claimed]:
    with database.transaction() as session:
        return outbox.claim(session, now, limit, **more)


def settle(database: Database, done: Claimed, outcome: Outcome = SENT, now: datetime = AT) -> bool:
    with database.transaction() as session:
        return outbox.settle(session, done, now, outcome)


@contextmanager
def undone(database: Database) -> Iterator[Session]:
    """A transaction that fails at its end."""
    with suppress(ZeroDivisionError), database.transaction() as session:
        yield session
        raise ZeroDivisionError
