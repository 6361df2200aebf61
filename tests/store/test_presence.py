"""Workers among each other: each sees whether the others live, and hears when somebody enqueues."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from tests.processes import CHECKOUT
from tests.store.deliveries import AT, message, undone
from trusthub.store import outbox, presence
from trusthub.store.session import Database

ANOTHER = """
import sys, time
from trusthub.store import presence
from trusthub.store.session import Database
with presence.join(Database(sys.argv[1]), sys.argv[2]):
    print("here", flush=True)
    time.sleep(60)
"""


def test_names_are_not_given_twice() -> None:
    assert len({presence.new_name() for _ in range(1000)}) == 1000


def test_who_joined_lives_until_the_end_of_its_block(database: Database) -> None:
    mine, other = presence.new_name(), presence.new_name()
    with presence.join(database, mine) as here:
        assert not here.lives(other)
        with presence.join(database, other) as there:
            assert here.lives(other)
            assert there.lives(mine)
            assert here.lives(other)  # looking does not change it
        until(lambda: not here.lives(other))  # PostgreSQL needs a moment to end a session


def test_who_is_killed_lives_no_more(database: Database) -> None:
    name = presence.new_name()
    with subprocess.Popen([sys.executable, "-c", ANOTHER, database.url, name], cwd=CHECKOUT, stdout=-1) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with presence.join(database, presence.new_name()) as here:
            assert here.lives(name)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            until(lambda: not here.lives(name))


def test_no_file_is_left_behind(sqlite_url: str, tmp_path: Path) -> None:
    database = Database(sqlite_url)
    killed = presence.new_name()
    with ExitStack() as stack:
        for _ in range(3):
            here = stack.enter_context(presence.join(database, presence.new_name()))
        (tmp_path / f"hub.db-worker-{killed}").touch()  # as its owner leaves it when it is killed
        assert len(list(tmp_path.glob("*-worker-*"))) == 4
        assert not here.lives(killed)
    assert list(tmp_path.glob("*-worker-*")) == []
    database.close()


def test_others_commits_are_heard(database: Database) -> None:
    other = Database(database.url)
    with presence.join(database, presence.new_name()) as here:
        before = here.changes()
        assert here.changes() == before
        with other.transaction() as session:
            outbox.enqueue(session, [message("slack:#releases")], AT)
        until(lambda: here.changes() != before)
        after = here.changes()
        assert here.changes() == after
    other.close()


def test_what_is_rolled_back_is_not_heard(database: Database) -> None:
    database.ping()  # the first connection switches a new SQLite file to WAL, which is a change
    with presence.join(database, presence.new_name()) as here:
        before = here.changes()
        with undone(database) as session:
            outbox.enqueue(session, [message("slack:#releases")], AT)
        assert here.changes() == before


def test_a_lost_connection_is_an_error_and_one_can_join_again(postgres_url: str) -> None:
    database, name = Database(postgres_url), presence.new_name()

    def listen() -> None:
        with presence.join(database, name) as here:
            disconnect(database)
            until(lambda: here.changes() < 0)

    with pytest.raises(SQLAlchemyError):
        listen()
    with presence.join(database, name), presence.join(database, presence.new_name()) as other:
        until(lambda: other.lives(name))
    database.close()


def test_while_the_server_keeps_our_old_session_the_lock_is_taken_as_soon_as_it_can_be(postgres_url: str) -> None:
    database, name = Database(postgres_url), presence.new_name()
    with presence.join(database, presence.new_name()) as other:
        old = presence.join(database, name)
        old.__enter__()
        with presence.join(database, name) as here:
            old.__exit__(None, None, None)
            until(lambda: not here.lives("0") and other.lives(name))
    database.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def disconnect(database: Database) -> None:
    """End every connection to this database but one's own, as a restart of the server does."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with database.transaction() as session:
        session.execute(sa.text(f"{others} AND datname = current_database()"))
