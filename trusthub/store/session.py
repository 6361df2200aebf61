"""Engines and the only commit in the product.

SQLite: WAL, BEGIN IMMEDIATE and one lock around writers, which those of other processes take as well. A deferred BEGIN
gave 8,751 `database is locked` errors in 1,200 transactions; the lock cut p99 of a write from about 1,000 to about
100 ms. Readers use connections of their own that cannot write.
"""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlmodel import Session

from trusthub.errors import PlaybookError
from trusthub.store.gather import Gathering

_PRAGMAS = ("busy_timeout=5000", "synchronous=FULL", "foreign_keys=ON")
_LIVE = {"connect_timeout": "5", "keepalives_idle": "5", "keepalives_interval": "5", "keepalives_count": "3"}
"""PostgreSQL: a machine that is gone without a word is noticed within seconds, and its successor is asked instead."""
_PATIENCE = 60.0
"""Seconds to wait for another process that makes the tables of a new SQLite file."""


class Database:
    """The application's database: SQLite for one process, PostgreSQL for many."""

    def __init__(self, url: str, *, durable: bool = True) -> None:
        """Prepare engines for `url`; nothing connects yet. Raises PlaybookError for a URL that cannot work.

        A SQLite file that is thrown away need not be `durable`: nothing waits then until the disk has it.
        """
        self.url = _driver(url)
        self.sqlite = self.url.startswith("sqlite")
        self._write = _engine(self.url, begin="BEGIN IMMEDIATE", durable=durable)
        self._read = _engine(self.url, begin="BEGIN", read_only=True) if self.sqlite else _snapshots(self._write)
        self._turn = _Turn(make_url(self.url).database) if self.sqlite else None
        self._listeners: list[Callable[[], None]] = []
        self.gathering = Gathering(lambda: self.transaction(quiet=True))
        """Writes what no worker and no page waits for; many threads at once share a commit."""

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each commit of this process. It must be quick and must not raise."""
        self._listeners.append(listener)

    @contextmanager
    def transaction(self, *, quiet: bool = False) -> Iterator[Session]:
        """Give a session whose work is committed at the end of the block, and rolled back when it raises.

        A `quiet` one writes nothing that a worker or a page waits for, and wakes neither.
        """
        with self._turn or nullcontext(), Session(self._write, expire_on_commit=False) as session:
            yield session
            session.commit()
        for listener in () if quiet else self._listeners:
            listener()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session that sees one consistent state and cannot write."""
        with Session(self._read, expire_on_commit=False) as session:
            yield session

    def apart(self) -> Any:
        """Return a driver's connection outside of the pool, for locks and signals that live as long as it does."""
        arguments, named = self._write.dialect.create_connect_args(self._write.url)
        return self._write.dialect.connect(*arguments, **named)

    @contextmanager
    def translating(self) -> Iterator[None]:
        """Turn the driver's errors into SQLAlchemy's, around what is done with a connection of `apart`."""
        try:
            yield
        except self._write.dialect.loaded_dbapi.Error as error:
            raise OperationalError(None, None, error) from error

    def ping(self) -> None:
        """Raise when the database does not answer."""
        with self.reading() as session:
            session.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every connection."""
        self._read.dispose()
        self._write.dispose()
        if self._turn:
            self._turn.close()


class _Turn:
    """The writers of a SQLite file take turns by a file beside it. SQLite itself would let them sleep and try again.

    The kernel gives the turn up with the process that had it.
    """

    def __init__(self, database: str | None) -> None:
        self._path, self._mine = f"{database}-turn" if database else None, threading.Lock()
        self._file: int | None = None

    def __enter__(self) -> None:
        self._mine.acquire()
        try:
            if self._path and self._file is None:
                self._file = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
            if self._file is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX)
        except BaseException:
            self._mine.release()
            raise

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._mine.release()

    def close(self) -> None:
        """Give the file back."""
        with self._mine:
            if self._file is not None:
                os.close(self._file)
            self._file = None


def _driver(url: str) -> str:
    """Name the driver: psycopg 3 for PostgreSQL, whatever form of the URL was given."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _use_wal(connection: Any) -> None:
    """Switch the file to WAL. It has to be unused for that, and for once SQLite does not wait by itself."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _snapshots(engine: Engine) -> Engine:
    """Let each session see one state: by default PostgreSQL shows every statement what was committed before it."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _engine(url: str, *, begin: str, read_only: bool = False, durable: bool = True) -> Engine:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if backend == "sqlite":
            if parsed.database:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(parsed, hide_parameters=True, connect_args={"check_same_thread": False})
        elif backend == "postgresql":
            live = parsed.set(query={**_LIVE, **parsed.query})
            return create_engine(live, hide_parameters=True, pool_pre_ping=True, pool_size=10, max_overflow=10)
        else:
            raise PlaybookError(f"TRUSTHUB_DATABASE_URL: {backend} is not supported. Use sqlite:/// or postgresql://.")
    except (ArgumentError, ImportError) as error:
        raise PlaybookError(
            f"TRUSTHUB_DATABASE_URL cannot be used: {error}. For PostgreSQL install trusthub[postgres]."
        ) from error

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy must emit BEGIN itself; sqlite3 would only do so before a write
        _use_wal(connection)
        given = {"query_only=ON": read_only, "synchronous=OFF": not durable}
        for pragma in (*_PRAGMAS, *(pragma for pragma, wanted in given.items() if wanted)):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
