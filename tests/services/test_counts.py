"""Recipients are counted anew only where something can have changed, and the rate is that of the last minute."""

from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import col

from tests.services.office import Office
from trusthub.services import fanout
from trusthub.services.counts import COLUMNS, Counts
from trusthub.store.session import Database
from trusthub.store.tables import Delivery, Recipient


def batch(post: Office, state: str, attempts: int, recipients: int = 10) -> int:
    """Put a batch into the outbox that stands like this, and give it recipients."""
    (number,) = post.enqueue("email:subscribers/1", state=state, attempts=attempts)
    with post.database.transaction() as session:
        session.add_all(Recipient(delivery_id=number, address=f"{n}@customer.example") for n in range(recipients))
    return number


def move(database: Database, number: int, state: str) -> None:
    with database.transaction() as session:
        session.execute(sa.update(Recipient).where(col(Recipient.delivery_id) == number).values(state=state))


def handed(post: Office, counts: Counts) -> dict[int, int]:
    with post.database.reading() as session:
        rows = session.execute(sa.select(*COLUMNS)).all()
        return {number: each.tally.handed for number, each in counts.of(session, rows, post.clock()).items()}


def test_only_what_is_being_sent_is_counted_each_time(either_post: Office) -> None:
    post, counts = either_post, Counts()
    untouched, sending, done = batch(post, "pending", 0), batch(post, "pending", 1), batch(post, "done", 1)
    assert handed(post, counts) == {untouched: 0, sending: 0, done: 0}
    for number in (untouched, sending, done):
        move(post.database, number, "accepted")
    assert handed(post, counts) == {untouched: 0, sending: 10, done: 0}
    post.clock.forward(seconds=10)  # news of what was handed over may have come
    assert handed(post, counts) == {untouched: 0, sending: 10, done: 10}
    with post.database.transaction() as session:
        session.execute(sa.update(Delivery).where(col(Delivery.id) == untouched).values(attempts=1))
    assert handed(post, counts)[untouched] == 10


def test_the_rate_is_that_of_the_last_minute(post: Office) -> None:
    now = post.clock()
    early, late = batch(post, "done", 1, recipients=3), batch(post, "done", 1, recipients=120)
    for number, ago in ((early, 600), (late, 30)):
        move(post.database, number, "accepted")
        with post.database.transaction() as session:
            at = {"first_attempt_at": now - timedelta(seconds=ago), "done_at": now - timedelta(seconds=ago)}
            session.execute(sa.update(Delivery).where(col(Delivery.id) == number).values(**at))
    with post.database.reading() as session:
        rows = session.execute(sa.select(*COLUMNS)).all()
        counted = Counts().of(session, rows, now)
    begun = now - timedelta(seconds=600)
    assert fanout._rate(rows, counted, begun, now) == 120 / 60
    assert fanout._rate(rows, counted, begun, now + timedelta(minutes=2)) == 123 / 720
    assert fanout._rate(rows, counted, None, now) is None
