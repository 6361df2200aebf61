"""The two databases the hub runs on. A test that asks for `database_url` or `database` runs once on each."""

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from trusthub.store import migrate
from trusthub.store.session import Database


@cache
def _migrated() -> Path:
    """Make a file with all tables once for this process: each test that wants them gets a copy."""
    folder = Path(tempfile.mkdtemp(prefix="trusthub-migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Database(f"sqlite:///{folder}/hub.db")
    migrate.upgrade(made)
    made.close()
    return folder / "hub.db"


def migrated(url: str) -> None:
    """Make the tables where there is no SQLite file yet, in a tenth of the time that the migrations take."""
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not path.exists():
        shutil.copyfile(_migrated(), path)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/hub.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, sqlite_url: str) -> str:
    """URL of a database with no rows. There are no tables either, if it is SQLite: `migrated` makes them."""
    return sqlite_url if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, sqlite_url: str) -> str:
    """URL of an empty database."""
    return sqlite_url if request.param == "sqlite" else str(request.getfixturevalue("empty_postgres_url"))


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    database = Database(empty_url)
    yield database
    database.close()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with all tables, and nothing in them."""
    migrated(database_url)
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[Database]:
    """For what only PostgreSQL allows: two transactions that write at the same time."""
    database = Database(postgres_url)
    yield database
    database.close()
