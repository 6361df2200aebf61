"""Migrations: one line of them, on both databases, there and back with rows in the tables."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy.exc import IntegrityError

from tests.databases import migrated
from tests.processes import together
from tests.store import data
from trusthub.store import migrate
from trusthub.store.session import Database
from trusthub.store.tables import Row

SCRIPTS = ScriptDirectory.from_config(migrate.config())
REVISIONS = [script.revision for script in SCRIPTS.walk_revisions()][::-1]


@contextmanager
def connected(database: Database) -> Iterator[sa.Connection]:
    engine = sa.create_engine(database.url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def before(revision: str) -> str:
    return str(SCRIPTS.get_revision(revision).down_revision or "base")


def test_there_is_one_newest_migration() -> None:
    assert SCRIPTS.get_heads() == REVISIONS[-1:]


def test_migrations_make_what_the_code_describes(database: Database) -> None:
    assert migrate.differs(database) is None


def test_a_database_that_lacks_something_says_so(empty: Database) -> None:
    assert migrate.pending(empty) == REVISIONS
    assert f"lacks the migrations {', '.join(REVISIONS)}" in str(migrate.differs(empty))
    migrate.upgrade(empty)
    assert migrate.pending(empty) == []
    with connected(empty) as connection:
        connection.execute(sa.text("DROP INDEX ix_lane_due"))
    assert "ix_lane_due" in str(migrate.differs(empty))


def test_every_migration_has_rows_to_carry() -> None:
    assert list(data.ADDED) == REVISIONS


def test_every_table_has_rows_to_carry(empty: Database) -> None:
    for revision in REVISIONS:
        migrate.upgrade(empty, revision)
        with connected(empty) as connection:
            data.load(connection, revision)
    with connected(empty) as connection:
        rows = data.contents(connection)
    assert set(rows) == set(Row.metadata.tables)
    assert [table for table, found in rows.items() if not found] == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_up_down_and_up_again_keep_the_rows(empty: Database, revision: str) -> None:
    for earlier in REVISIONS[: REVISIONS.index(revision)]:
        migrate.upgrade(empty, earlier)
        with connected(empty) as connection:
            data.load(connection, earlier)
    with connected(empty) as connection:
        rows_before = data.contents(connection)
    migrate.upgrade(empty, revision)
    with connected(empty) as connection:
        assert kept(rows_before, connection)
        data.load(connection, revision)

    migrate.downgrade(empty, before(revision))
    with connected(empty) as connection:
        assert kept(rows_before, connection)
        assert set(data.contents(connection)) == set(rows_before)

    migrate.upgrade(empty)
    assert migrate.differs(empty) is None
    with connected(empty) as connection:
        assert kept(rows_before, connection)


def kept(before: dict[str, list[dict[str, object]]], connection: sa.Connection) -> bool:
    """Whether every row is still there; a column may have come or gone."""
    now = data.contents(connection)
    return all(len(now.get(table, [])) >= len(rows) for table, rows in before.items())


def test_a_table_that_is_built_anew_keeps_the_rows_that_point_at_it(sqlite_url: str) -> None:
    migrated(sqlite_url)
    database = Database(sqlite_url)
    with connected(database) as connection:
        data.load(connection, "0001")
        rows = data.contents(connection)

    def rebuild(made: Config) -> None:
        operations = Operations(MigrationContext.configure(made.attributes["connection"]))
        with operations.batch_alter_table("incident", recreate="always") as table:
            table.alter_column("name", existing_type=sa.String(), type_=sa.Text())

    migrate._move(database, rebuild)
    with connected(database) as connection:
        assert data.contents(connection) == rows
    database.close()


def test_a_migration_that_breaks_a_link_changes_nothing(sqlite_url: str) -> None:
    migrated(sqlite_url)
    database = Database(sqlite_url)
    with connected(database) as connection:
        data.load(connection, "0001")

    def lose(made: Config) -> None:
        made.attributes["connection"].execute(sa.text("DELETE FROM incident"))

    with pytest.raises(RuntimeError, match=r"broke \d+ links"):
        migrate._move(database, lose)
    with connected(database) as connection:
        assert data.contents(connection)["incident"]
    with pytest.raises(IntegrityError), database.transaction() as session:  # and the hub itself cannot do it either
        session.execute(sa.text("DELETE FROM incident"))
    database.close()


def test_the_first_look_happens_under_the_lock(empty: Database) -> None:
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        migrate.upgrade(empty)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    assert statements[0].startswith("BEGIN IMMEDIATE" if empty.sqlite else "SELECT pg_advisory_xact_lock")


def test_processes_that_start_at_once_take_turns(empty_url: str) -> None:
    printed = together(
        "import sys\nfrom trusthub.store import migrate\nfrom trusthub.store.session import Database",
        "database = Database(sys.argv[2])\nmigrate.upgrade(database)\nprint(migrate.pending(database))",
        empty_url,
        count=4,
    )
    assert printed == ["[]\n"] * 4
