"""Engines and the only commit in the product.

SQLite: WAL, BEGIN IMMEDIATE and one process-wide lock around writers. A deferred BEGIN gave 8,751 `database is locked`
errors in 1,200 transactions; the lock cut p99 of a write from about 1,000 to about 100 ms. Readers use connections of
their own that cannot write.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlmodel import Session

from trusthub.errors import PlaybookError

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON")


class Database:
    """The application's database: SQLite for one process, PostgreSQL for many."""

    def __init__(self, url: str) -> None:
        """Prepare engines for `url`; nothing connects yet. Raises PlaybookError for a URL that cannot work."""
        self.url = _driver(url)
        self.sqlite = self.url.startswith("sqlite")
        self._write = _engine(self.url, begin="BEGIN IMMEDIATE")
        self._read = _engine(self.url, begin="BEGIN", read_only=True) if self.sqlite else _snapshots(self._write)
        self._turn: AbstractContextManager[Any] = threading.Lock() if self.sqlite else nullcontext()
        self._listeners: list[Callable[[], None]] = []

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each commit of this process. It must be quick and must not raise."""
        self._listeners.append(listener)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Give a session whose work is committed at the end of the block, and rolled back when it raises."""
        with self._turn, Session(self._write, expire_on_commit=False) as session:
            yield session
            session.commit()
        for listener in self._listeners:
            listener()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session that sees one consistent state and cannot write."""
        with Session(self._read, expire_on_commit=False) as session:
            yield session

    def apart(self) -> Connection:
        """Give a connection outside of the pool, which ends with its block: for locks that end with it too."""
        connection = self._write.connect()
        connection.detach()
        return connection

    def ping(self) -> None:
        """Raise when the database does not answer."""
        with self.reading() as session:
            session.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every connection."""
        self._read.dispose()
        self._write.dispose()


def _driver(url: str) -> str:
    """Name the driver: psycopg 3 for PostgreSQL, whatever form of the URL was given."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _snapshots(engine: Engine) -> Engine:
    """Let each session see one state: by default PostgreSQL shows every statement what was committed before it."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _engine(url: str, *, begin: str, read_only: bool = False) -> Engine:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if backend == "sqlite":
            if parsed.database:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(parsed, connect_args={"check_same_thread": False})
        elif backend == "postgresql":
            return create_engine(parsed, pool_pre_ping=True, pool_size=10, max_overflow=10)
        else:
            raise PlaybookError(f"TRUSTHUB_DATABASE_URL: {backend} is not supported. Use sqlite:/// or postgresql://.")
    except (ArgumentError, ImportError) as error:
        raise PlaybookError(
            f"TRUSTHUB_DATABASE_URL cannot be used: {error}. For PostgreSQL install trusthub[postgres]."
        ) from error

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy must emit BEGIN itself; sqlite3 would only do so before a write
        for pragma in (*_PRAGMAS, *(("query_only=ON",) if read_only else ())):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
