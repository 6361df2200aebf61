"""Workers among each other: whether one lives, and whether another process committed work.

A worker holds a lock as long as it lives. The kernel or the database gives that lock up with the process, even after
`kill -9`: so the lanes of a dead worker are free within seconds, while a slow one keeps its own.
"""

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import make_url, text

from trusthub.store import migrate
from trusthub.store.outbox import NOTICE
from trusthub.store.session import Database


class Presence:
    """One worker's place among the others. Its methods raise SQLAlchemyError when the database is gone."""

    def __init__(self, database: Database, place: "_Sqlite | _Postgres") -> None:
        """Use `join`, which also leaves."""
        self._database, self._place = database, place

    def changes(self) -> int:
        """Return a number that changes when another process has committed work."""
        with self._database.translating():
            return self._place.changes()

    def lives(self, name: str) -> bool:
        """Whether the worker of that name is there."""
        with self._database.translating():
            return self._place.lives(name)


def workers(database: Database) -> int:
    """Return how many workers are there now. Raises SQLAlchemyError when the database is gone."""
    if database.sqlite:
        file = Path(str(make_url(database.url).database))
        return sum(map(_locked, file.parent.glob(f"{file.name}-worker-*")))
    with database.reading() as session:
        return int(session.execute(text(_HELD), {"migrating": migrate.LOCK}).scalar_one())


def new_name() -> str:
    """Return a name that no other worker has."""
    return f"{secrets.randbits(63):016x}"


_HELD = """SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
WHERE datname = current_database() AND locktype = 'advisory' AND objsubid = 1 AND granted AND mode = 'ExclusiveLock'
AND ((classid::bigint << 32) | objid::bigint) <> :migrating"""
"""Locks with one 64-bit key: those of workers, and the one that migrations take."""


@contextmanager
def join(database: Database, name: str) -> Iterator[Presence]:
    """Be there under `name` until the end of the block. Raises SQLAlchemyError when the database is gone."""
    with database.translating():
        driver = database.apart()
    with closing(driver):
        with database.translating():
            place = _Sqlite(driver, database.url, name) if database.sqlite else _Postgres(driver, name)
        with closing(place):
            yield Presence(database, place)


def _locked(file: Path) -> bool:
    """Whether somebody who lives holds a file."""
    try:
        with file.open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


class _Sqlite:
    """A locked file for each worker, beside the database. SQLite itself counts the commits of others."""

    def __init__(self, driver: Any, url: str, name: str) -> None:
        self._driver, self._files = driver, f"{make_url(url).database}-worker-"
        self._mine = self._file(name)
        self._lock = self._mine.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def _file(self, name: str) -> Path:
        return Path(self._files + name)

    def changes(self) -> int:
        return int(self._driver.execute("PRAGMA data_version").fetchone()[0])

    def lives(self, name: str) -> bool:
        if _locked(self._file(name)):
            return True
        self._file(name).unlink(missing_ok=True)
        return False

    def close(self) -> None:
        self._mine.unlink(missing_ok=True)
        self._lock.close()


class _Postgres:
    """A session-level advisory lock for each worker. NOTIFY tells of deliveries that were enqueued."""

    def __init__(self, driver: Any, name: str) -> None:
        self._driver, self._name, self._heard = driver, name, 0
        driver.autocommit = True
        driver.execute(f"LISTEN {NOTICE}")
        self._held = self._take("pg_try_advisory_lock", name)

    def _take(self, how: str, name: str) -> bool:
        return bool(self._driver.execute(f"SELECT {how}(%s)", (int(name, 16),)).fetchone()[0])

    def changes(self) -> int:
        self._heard += sum(1 for _ in self._driver.notifies(timeout=0))
        return self._heard

    def lives(self, name: str) -> bool:
        # After a lost connection the server may keep our old session, and our lock, for a while.
        self._held = self._held or self._take("pg_try_advisory_lock", self._name)
        return not self._take("pg_try_advisory_xact_lock", name)

    def close(self) -> None:
        """The lock and LISTEN end with the connection."""
