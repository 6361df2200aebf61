"""`trusthub connect` beside a hub that runs, each in a process of its own."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.databases import database_url, sqlite_url
from tests.e2e.house import TOKEN
from tests.e2e.test_process import environ, serving
from tests.providers import Slack

__all__ = ["database_url", "sqlite_url"]
STARTED = {"event": "rollout.started", "component": "worker", "environment": "production", "to_version": "2.8.0"}


@pytest.fixture
def slack() -> Iterator[Slack]:
    with Slack() as provider:
        yield provider


HEARS_CTRL_C = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from trusthub.cli import main; main()"
)
"""Tests that run in the background ignore Ctrl-C, and so would what they start."""


@contextmanager
def waiting(folder: Path, url: str, slack: Slack, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run `trusthub connect generic` until it waits."""
    command = [sys.executable, "-c", HEARS_CTRL_C, "connect", "generic", "--wait", "60s", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environ(folder, url, slack), stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            assert any(line.startswith("Waiting 60 seconds") for line in process.stdout)
            yield process
        finally:
            process.kill()


def send(port: int, token: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/hooks/generic", json.dumps(STARTED), {"Authorization": f"Bearer {token}"})
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_wrong_secret_and_then_the_first_event_are_told(database_url: str, tmp_path: Path, slack: Slack) -> None:
    with serving(tmp_path, database_url, slack) as (_, port), waiting(tmp_path, database_url, slack) as command:
        assert send(port, "wrong") == 401
        assert command.stdout is not None
        refused = command.stdout.readline()
        assert refused == "Refused: Send `Authorization: Bearer <token>` with the token of this connection.\n"
        assert send(port, TOKEN) == 200
        said, errors = command.communicate(timeout=60)
    assert (command.returncode, errors) == (0, "")
    assert said.splitlines()[0] == "Event 1 came: rollout.started. It says: started to 2.8.0."
    assert "No component watches worker." in said
    assert "    - {id: worker, name: Worker, watches: [worker]}\n" in said


def test_ctrl_c_ends_it_in_peace(sqlite_url: str, tmp_path: Path, slack: Slack) -> None:
    with waiting(tmp_path, sqlite_url, slack) as command:
        command.send_signal(signal.SIGINT)
        said, errors = command.communicate(timeout=60)
    assert (command.returncode, errors) == (130, "")
    assert said == "\nNot waiting any longer. `trusthub connections` shows what comes.\n"
