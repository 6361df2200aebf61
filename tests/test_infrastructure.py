"""The ground the other tests stand on: a real database of their own, and no way out of this machine."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from pytest_socket import SocketConnectBlockedError

CHECKOUT = Path(__file__).parents[1]


def test_postgres_is_version_18(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SHOW server_version")).startswith("18.")
    engine.dispose()


@pytest.mark.parametrize("table", ["left_behind_by_a", "left_behind_by_b"])
def test_each_test_gets_an_empty_database(empty_postgres_url: str, table: str) -> None:
    engine = sa.create_engine(empty_postgres_url)
    assert sa.inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateTable(sa.Table(table, sa.MetaData(), sa.Column("id", sa.Integer))))
    engine.dispose()


def test_the_network_ends_at_this_machine() -> None:
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 443), timeout=1)  # an address for documentation, never anybody's


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_postgres_does_not_outlive_a_killed_run() -> None:
    script = "from tests.postgres import Run, server; run = Run.begin(); server(run.folder); print(run.folder); input()"
    command, pipe = [sys.executable, "-uc", script], subprocess.PIPE
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=pipe, stdout=pipe, text=True) as run:
        assert run.stdout is not None
        folder = Path(run.stdout.readline().strip())
        assert (folder / "data" / "postmaster.pid").exists()
        run.kill()
    deadline = time.monotonic() + 10
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not folder.exists()  # the keeper removes it after the server has ended
