"""A hub of any earlier version, with rows in every table it had, becomes one of today: it starts and shows its page."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.e2e.house import house
from tests.e2e.test_process import environ
from tests.providers import Slack
from tests.store import data
from tests.store.test_migrations import REVISIONS, connected, kept
from trusthub import __version__
from trusthub.store import migrate
from trusthub.store.session import Database


def grow(url: str, until: str) -> dict[str, list[dict[str, object]]]:
    """Bring a database up to a revision, step by step, with rows in each table; return them."""
    database = Database(url)
    for revision in REVISIONS[: REVISIONS.index(until) + 1]:
        if migrate.pending(database)[:1] == [revision]:
            migrate.upgrade(database, revision)
            with connected(database) as connection:
                data.load(connection, revision)
    with connected(database) as connection:
        rows = data.contents(connection)
    database.close()
    assert [table for table, found in rows.items() if not found] == []
    return rows


@pytest.fixture(scope="module")
def growing(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One file that grows from test to test; each takes a copy."""
    return f"sqlite:///{tmp_path_factory.mktemp('growing')}/hub.db"


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_hub_of_any_age_starts(growing: str, tmp_path: Path, revision: str) -> None:
    rows, file = grow(growing, revision), Path(growing.removeprefix("sqlite:///"))
    shutil.copyfile(file, tmp_path / "hub.db")
    starts(f"sqlite:///{tmp_path}/hub.db", tmp_path, rows)


@pytest.mark.parametrize("revision", [REVISIONS[0], REVISIONS[-2]])
def test_a_hub_of_any_age_starts_on_postgresql(empty_postgres_url: str, tmp_path: Path, revision: str) -> None:
    rows = grow(empty_postgres_url, revision)
    database = Database(empty_postgres_url)
    with database.transaction() as session:  # the rows brought their ids along
        for table in data.contents(session.connection()):
            if "id" in rows.get(table, [{}])[0]:
                count = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM \"{table}\"))"  # noqa: S608 -- a table's name
                session.execute(sa.text(count))
    database.close()
    starts(empty_postgres_url, tmp_path, rows)


def starts(url: str, folder: Path, rows: dict[str, list[dict[str, object]]]) -> None:
    with house(url, folder) as hub:
        assert migrate.differs(hub.parts.hub.database) is None
        with connected(hub.parts.hub.database) as connection:
            assert kept({name: found for name, found in rows.items() if name != "snapshot"}, connection)
        assert "Checkout: going back" in hub.page()
        assert "Grüße, <em>Ana</em>." in hub.page("/incidents/k3v9x0q2m7ab")  # what was said then
        assert "k3v9x0q2m7ab" in {each["id"] for each in hub.summary()["incidents"]}
        hub.event("rollout.planned", to_version="3.0.0")
        hub.keep_house()


@pytest.fixture
def newer(database_url: str) -> str:
    database = Database(database_url)
    migrate.upgrade(database)
    with connected(database) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    return database_url


@pytest.mark.parametrize("words", [("db", "check"), ("db", "upgrade"), ("serve", "--port", "0"), ("worker",)])
def test_a_database_that_is_newer_is_not_touched(newer: str, tmp_path: Path, words: tuple[str, ...]) -> None:
    with Slack() as slack:
        done = subprocess.run(
            [sys.executable, "-m", "trusthub", *words],
            env={**os.environ, **environ(tmp_path, newer, slack)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert (
        f"The database is at revision 9999, which trusthub {__version__} does not know: its newest is {REVISIONS[-1]}."
        in (done.stderr)
    )
    assert f"`trusthub db downgrade {REVISIONS[-1]}`" in done.stderr
