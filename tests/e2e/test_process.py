"""The hub as it really runs: granian, a worker beside it, signals, and deaths."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import col

from tests.e2e.house import TOKEN
from tests.providers import Slack
from tests.services.office import message
from trusthub.services.hub import utc_now
from trusthub.settings import packaged
from trusthub.store import leases, migrate, outbox
from trusthub.store.session import Database
from trusthub.store.tables import Attempt, Delivery

TRUSTHUB = (sys.executable, "-m", "trusthub")
PLANNED = {"event": "rollout.planned", "component": "checkout", "environment": "production", "to_version": "2.8.0"}


@contextmanager
def serving(folder: Path, url: str, slack: Slack, *arguments: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """Run `trusthub serve` on a free port until the end of the block."""
    environment = environ(folder, url, slack)
    log = folder / "serve.log"
    command = [sys.executable, "-m", "trusthub", "serve", "--port", "0", *arguments]
    with log.open("wb") as output, subprocess.Popen(command, env=environment, stderr=output) as process:
        try:
            until(lambda: b" on http://127.0.0.1:" in log.read_bytes() or process.poll() is not None)
            port = int(log.read_bytes().rpartition(b" on http://127.0.0.1:")[2].split()[0])
            until(lambda: call(port, "GET", "/readyz")[0] == 200)
            yield process, port
        finally:
            process.terminate()
            process.wait(15)


@contextmanager
def working(environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `trusthub worker`; whatever happens, it ends with the block."""
    with subprocess.Popen([*TRUSTHUB, "worker"], env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def environ(folder: Path, url: str, slack: Slack) -> dict[str, str]:
    """Return the environment of a hub that speaks to a loopback Slack."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRUSTHUB_")}
    return inherited | {
        "TRUSTHUB_DATABASE_URL": url,
        "TRUSTHUB_SECRET_KEY": "test-secret",
        "TRUSTHUB_SITE": str(packaged("playbooks") / "site.yaml"),
        "TRUSTHUB_HOOK_TOKEN": TOKEN,
        "TRUSTHUB_SLACK_BOT_TOKEN": "xoxb-test",
        "TRUSTHUB_SLACK_API_URL": slack.url,
    }


def call(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Send one request; status 0 when nobody answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    with closing(connection), suppress(OSError, HTTPException):
        connection.request(method, path, body, {"Authorization": f"Bearer {TOKEN}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    return 0, b""


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for other processes."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """Return the processes that a process started."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in listed.stdout.split()]


def runs(pid: int) -> bool:
    """Whether a process runs; one that waits to be collected does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


@pytest.fixture
def slack() -> Iterator[Slack]:
    with Slack() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, as on the first start of all."""
    sqlite = request.param == "sqlite"
    return f"sqlite:///{tmp_path}/hub.db" if sqlite else str(request.getfixturevalue("empty_postgres_url"))


def test_it_hears_and_speaks(tmp_path: Path, url: str, slack: Slack) -> None:
    with serving(tmp_path, url, slack) as (process, port):
        status, body = call(port, "POST", "/hooks/generic", json.dumps(PLANNED).encode())
        assert (status, json.loads(body)["state"]) == (200, "done")
        slack.wait_for(1)
        assert call(port, "GET", "/")[0] == 200
        assert call(port, "GET", "/static/page.css")[0] == 200
    assert process.returncode == 0


def test_a_worker_of_its_own_delivers_what_the_hub_hears(tmp_path: Path, postgres_url: str, slack: Slack) -> None:
    with (
        serving(tmp_path, postgres_url, slack, "--no-worker", "--workers", "2") as (_, port),
        working(environ(tmp_path, postgres_url, slack)) as worker,
    ):
        for number in range(5):
            body = {**PLANNED, "to_version": f"2.8.{number}"}
            assert call(port, "POST", "/hooks/generic", json.dumps(body).encode())[0] == 200
        slack.wait_for(5)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(15) == 0


def test_several_servers_and_workers_share_the_work_and_one_may_die(
    tmp_path: Path, postgres_url: str, slack: Slack
) -> None:
    with (
        serving(tmp_path, postgres_url, slack, "--workers", "2") as (_, port),
        working(environ(tmp_path, postgres_url, slack)) as worker,
    ):
        for number in range(12):
            body = {**PLANNED, "to_version": f"2.9.{number}"}
            assert call(port, "POST", "/hooks/generic", json.dumps(body).encode())[0] == 200
            if number == 6:
                worker.kill()
        until(lambda: len(texts(slack)) == 12)
        time.sleep(0.5)  # one that came twice would come now
        assert len(texts(slack)) == 12


def texts(slack: Slack) -> list[str]:
    return [message.text for message in slack.messages if message.name == "#releases"]


def test_a_worker_that_is_asked_to_stop_leaves_nothing_half_done(tmp_path: Path, url: str, slack: Slack) -> None:
    with closing(Database(url)) as database:
        migrate.upgrade(database)
        piled = [message(utc_now(), f"slack:#{number % 30}", number) for number in range(600)]
        with database.transaction() as session:
            outbox.enqueue(session, piled, utc_now())
        environment = environ(tmp_path, url, slack)
        with working(environment) as worker:
            slack.wait_for(40, 60)
            worker.terminate()
            assert worker.wait(15) == 0
        sent = len(slack.messages)
        with database.reading() as session:
            states = session.execute(sa.select(col(Delivery.state))).scalars().all()
            open_ones = session.execute(sa.select(Attempt).where(col(Attempt.ended_at).is_(None))).all()
            held = leases.leases(session, utc_now())
    assert 40 <= sent < 600
    assert (states.count("done"), states.count("pending")) == (sent, 600 - sent)
    assert (open_ones, held) == ([], set())


def test_nothing_is_left_running_when_the_server_is_killed(tmp_path: Path, url: str, slack: Slack) -> None:
    with serving(tmp_path, url, slack) as (process, _):
        started = children(process.pid)
        assert len(started) > 1  # a server, and who delivers
        process.kill()
        process.wait(5)
        until(lambda: not any(map(runs, started)), 10)


def test_workers_beside_the_server_are_begun_anew_when_they_die(tmp_path: Path, url: str, slack: Slack) -> None:
    with serving(tmp_path, url, slack) as (process, port):
        *workers, _ = children(process.pid)  # who serves is started last
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        until(lambda: not any(map(runs, workers)))
        assert call(port, "POST", "/hooks/generic", json.dumps(PLANNED).encode())[0] == 200
        slack.wait_for(1)
    assert process.returncode == 0


def test_what_was_heard_is_delivered_after_a_kill(tmp_path: Path, url: str, slack: Slack) -> None:
    with serving(tmp_path, url, slack, "--no-worker") as (process, port):
        assert call(port, "POST", "/hooks/generic", json.dumps(PLANNED).encode())[0] == 200
        (*_, child) = children(process.pid)
        process.kill()
        process.wait(5)
        until(lambda: not runs(child), 10)
    assert slack.calls == []
    with serving(tmp_path, url, slack):
        slack.wait_for(1)


def test_two_servers_do_not_share_one_file(tmp_path: Path, slack: Slack) -> None:
    url = f"sqlite:///{tmp_path}/hub.db"
    with serving(tmp_path, url, slack):
        command = [sys.executable, "-m", "trusthub", "serve", "--port", "0"]
        second = subprocess.run(
            command, env=environ(tmp_path, url, slack), capture_output=True, text=True, timeout=30, check=False
        )
    assert second.returncode == 1
    assert f"Another `trusthub serve` uses {tmp_path}/hub.db." in second.stderr
    assert "Traceback" not in second.stderr
