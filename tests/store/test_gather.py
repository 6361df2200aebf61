"""Many threads, few commits: what fails fails alone, and nobody is told yes before it is committed."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from trusthub.store.gather import MOST, Gathering
from trusthub.store.session import Database
from trusthub.store.tables import Seen

AT = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


class Counted:
    """Transactions of a database; the first one waits until `company` others have come."""

    def __init__(self, database: Database, company: int) -> None:
        self._database, self._company = database, company
        self.committed: list[int] = []
        self.gathering = Gathering(self.open)

    @contextmanager
    def open(self) -> Iterator[Session]:
        if not self.committed:
            for _ in range(1000):
                if len(self.gathering._waiting) >= self._company:
                    break
                threading.Event().wait(0.01)
        with self._database.transaction(quiet=True) as session:
            yield session
        self.committed.append(len(keys(self._database)))

    def all(self, *numbers: int) -> list[Future[int]]:
        """Write the first, and the others while it is being committed."""
        with ThreadPoolExecutor(len(numbers)) as pool:
            first = pool.submit(self.gathering.write, remember, numbers[0])
            while not self.gathering._door.locked():
                threading.Event().wait(0.001)
            return [first, *(pool.submit(self.gathering.write, remember, number) for number in numbers[1:])]


def remember(session: Session, numbers: Sequence[int]) -> list[int]:
    for number in numbers:
        row = {"connection": "generic", "key": f"key-{number}", "event_id": number, "at": AT}
        session.execute(insert(Seen).values(row))
    return [number * 10 for number in numbers]


def keys(database: Database) -> set[str]:
    with database.reading() as session:
        return set(session.execute(select(col(Seen.key))).scalars())


def test_those_who_come_meanwhile_share_one_commit(database: Database) -> None:
    counted = Counted(database, company=7)
    done = counted.all(*range(8))
    assert [each.result() for each in done] == [number * 10 for number in range(8)]
    assert counted.committed == [1, 8]


def test_a_crowd_is_written_in_portions(database: Database) -> None:
    counted = Counted(database, company=MOST + 6)
    done = counted.all(*range(MOST + 7))
    assert [each.result() for each in done] == [number * 10 for number in range(MOST + 7)]
    assert counted.committed == [1, MOST + 1, MOST + 7]


def test_what_fails_fails_alone(database: Database) -> None:
    counted = Counted(database, company=3)
    _, again, other, third = counted.all(1, 1, 2, 3)
    assert (other.result(), third.result()) == (20, 30)
    with pytest.raises(IntegrityError):
        again.result()
    assert keys(database) == {"key-1", "key-2", "key-3"}


def test_a_mistake_of_ours_is_raised_where_it_belongs(database: Database) -> None:
    def mistaken(_session: Session, _numbers: Sequence[int]) -> list[int]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.gathering.write(mistaken, 1)
    assert database.gathering.write(remember, 1) == 10
