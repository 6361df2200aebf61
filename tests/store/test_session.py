"""Transactions: what is promised about them on each database, also with several threads and processes."""

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, InternalError, OperationalError, StatementError
from sqlmodel import Session, col

from tests.databases import migrated
from tests.processes import CHECKOUT, together
from tests.store.deliveries import undone
from trusthub.errors import PlaybookError
from trusthub.store.session import Database
from trusthub.store.tables import Audit, Suppression

AT = datetime(2026, 11, 22, 14, 2, tzinfo=UTC)


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Database]:
    migrated(sqlite_url)
    database = Database(sqlite_url)
    yield database
    database.close()


def suppress(session: Session, address: str, at: datetime = AT) -> None:
    session.add(Suppression(address=address, reason="asked", at=at))
    session.flush()


def addresses(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.execute(sa.select(col(Suppression.address)).order_by(col(Suppression.address))).scalars())


# ------------------------------------------------------------------------------------------------ SQLite's settings


def pragmas(session: Session) -> dict[str, object]:
    names = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys", "query_only")
    return {name: session.execute(sa.text(f"PRAGMA {name}")).scalar() for name in names}


def test_sqlite_is_set_up_to_lose_nothing(sqlite: Database) -> None:
    full = 2
    expected = {"journal_mode": "wal", "synchronous": full, "busy_timeout": 5000, "foreign_keys": 1}
    with sqlite.transaction() as session:
        assert pragmas(session) == {**expected, "query_only": 0}
    with sqlite.reading() as session:
        assert pragmas(session) == {**expected, "query_only": 1}


def test_a_transaction_takes_the_write_lock_at_its_beginning(sqlite: Database, sqlite_url: str) -> None:
    other = sa.create_engine(sqlite_url, connect_args={"timeout": 0})
    with sqlite.transaction() as session:
        session.connection()
        with other.connect() as connection, pytest.raises(OperationalError, match="locked"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
    other.dispose()


def test_wal_is_waited_for_while_another_process_uses_the_new_file(tmp_path: Path) -> None:
    file = tmp_path / "hub.db"
    other = sqlite3.connect(file, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    later = threading.Timer(0.2, other.rollback)
    later.start()
    database = Database(f"sqlite:///{file}")
    with database.reading() as session:
        assert pragmas(session)["journal_mode"] == "wal"
    later.join()
    other.close()
    database.close()


def test_a_file_that_is_no_database_is_an_error_at_once(tmp_path: Path) -> None:
    file = tmp_path / "hub.db"
    file.write_text("A letter to Ana. " * 100)
    database = Database(f"sqlite:///{file}")
    with pytest.raises(DatabaseError, match="not a database"):
        database.ping()
    database.close()


# ------------------------------------------------------------------------------------------------ both databases


def test_an_error_passes_through(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction():
        raise ZeroDivisionError


def test_a_block_that_ends_is_kept_and_one_that_raises_is_not(database: Database) -> None:
    with database.transaction() as session:
        suppress(session, "ana@customer.example")
    with undone(database) as session:
        suppress(session, "bob@customer.example")
    assert addresses(database) == ["ana@customer.example"]


def test_after_an_error_the_next_one_may_write(database: Database) -> None:
    for _ in range(30):  # more than there are connections
        with undone(database) as session:
            suppress(session, "bob@customer.example")
    with database.transaction() as session:
        suppress(session, "bob@customer.example")


def test_readers_cannot_write(database: Database) -> None:
    with database.reading() as session, pytest.raises((OperationalError, InternalError), match=r"read-?only"):
        suppress(session, "ana@customer.example")


def test_a_reader_sees_one_state(database: Database) -> None:
    with database.reading() as session:
        count = sa.select(sa.func.count()).select_from(Suppression)
        before = session.execute(count).scalar()
        with database.transaction() as writer:
            suppress(writer, "ana@customer.example")
        assert session.execute(count).scalar() == before
    assert addresses(database) == ["ana@customer.example"]


def test_rows_stay_readable_after_their_transaction(database: Database) -> None:
    with database.transaction() as session:
        row = Suppression(address="ana@customer.example", reason="asked", at=AT)
        session.add(row)
    assert row.address == "ana@customer.example"


def test_times_without_a_zone_are_refused(database: Database) -> None:
    naive = AT.replace(tzinfo=None)
    with pytest.raises(StatementError, match="without a zone"), database.transaction() as session:
        suppress(session, "ana@customer.example", naive)
    with pytest.raises(StatementError, match="without a zone"), database.reading() as session:
        session.execute(sa.select(Suppression).where(col(Suppression.at) > naive))


def test_times_come_back_as_the_same_moment_in_utc(database: Database) -> None:
    local = datetime(2026, 11, 22, 19, 2, 0, 123456, tzinfo=timezone(timedelta(hours=5)))
    with database.transaction() as session:
        suppress(session, "ana@customer.example", local)
    with database.reading() as session:
        (found,) = session.execute(sa.select(Suppression)).scalars()
        earlier = sa.select(Suppression).where(col(Suppression.at) < local + timedelta(microseconds=1))
        assert session.execute(earlier).scalars().all() == [found]
    assert (found.at, found.at.tzinfo) == (local, UTC)


def test_listeners_hear_of_commits_only(database: Database) -> None:
    heard: list[list[str]] = []
    database.on_commit(lambda: heard.append(addresses(database)))
    with undone(database):
        pass
    assert heard == []
    with database.transaction() as session:
        suppress(session, "ana@customer.example")
    assert heard == [["ana@customer.example"]]  # and they see what was committed


def test_the_database_can_be_asked_whether_it_is_there(database: Database) -> None:
    database.ping()


def test_a_database_that_is_not_there_is_an_error() -> None:
    missing = Database("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(OperationalError):
        missing.ping()
    missing.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [("mysql://x/y", "mysql is not supported"), ("nonsense", "cannot be used"), ("", "cannot be used")],
)
def test_a_url_that_cannot_work_is_refused_at_start(url: str, words: str) -> None:
    with pytest.raises(PlaybookError, match=f"TRUSTHUB_DATABASE_URL.*{words}"):
        Database(url)


def test_the_folder_of_a_new_sqlite_file_is_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/a/b/hub.db")
    database.ping()
    database.close()


# ------------------------------------------------------------------------------------------------ many at once

COUNT = """
from trusthub.store.session import Database
from trusthub.store.tables import Audit
from datetime import UTC, datetime
import sys

def write(database, actor, times):
    for number in range(times):
        with database.transaction() as session:
            session.add(Audit(at=datetime.now(UTC), actor=actor, action="wrote", subject=str(number)))
        with database.reading() as session:
            session.get(Audit, 1)

database = Database(sys.argv[2])
"""


def test_threads_that_write_at_once_all_succeed(database: Database) -> None:
    begin = threading.Barrier(8)

    def write(actor: int) -> None:
        begin.wait()
        for number in range(25):
            with database.transaction() as session:
                session.add(Audit(at=AT, actor=str(actor), action="wrote", subject=str(number)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert written(database) == {str(actor): 25 for actor in range(8)}


def test_processes_that_write_at_once_all_succeed(database: Database) -> None:
    together(COUNT, "write(database, sys.argv[1], 60)", database.url, count=3)
    assert written(database) == {str(actor): 60 for actor in range(3)}


def written(database: Database) -> dict[str, int]:
    with database.reading() as session:
        counts = sa.select(col(Audit.actor), sa.func.count()).group_by(col(Audit.actor))
        return dict(map(tuple, session.execute(counts)))


# ------------------------------------------------------------------------------------------------ the code itself


def test_one_place_commits() -> None:
    found = [
        f"{file.name}:{number}"
        for file in sorted((CHECKOUT / "trusthub").rglob("*.py"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if ".commit(" in line
    ]
    assert len(found) == 1, found
    assert found[0].startswith("session.py:")


def test_a_server_that_is_gone_without_a_word_is_noticed(postgres_database: Database) -> None:
    driver = postgres_database.apart()
    asked = driver.info.get_parameters()
    driver.close()
    assert (asked["connect_timeout"], asked["keepalives_idle"], asked["keepalives_count"]) == ("5", "5", "3")


def test_what_the_owner_set_about_connections_counts(postgres_url: str) -> None:
    database = Database(f"{postgres_url}{'&' if '?' in postgres_url else '?'}connect_timeout=9")
    driver = database.apart()
    assert driver.info.get_parameters()["connect_timeout"] == "9"
    driver.close()
    database.close()
