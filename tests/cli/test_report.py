"""`trusthub report` as a pipeline calls it, against a hub that really serves, and against none."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.e2e.house import TOKEN
from tests.e2e.test_process import serving
from tests.providers import Slack

ABOUT = ["--component", "checkout", "--environment", "production"]


def report(*arguments: str, hub: str, piped: str = "", **variables: str) -> "subprocess.CompletedProcess[str]":
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRUSTHUB_")}
    return subprocess.run(
        [sys.executable, "-m", "trusthub", "report", *arguments],
        env={**inherited, "TRUSTHUB_BASE_URL": hub, **variables},
        input=piped,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("hub")
    with Slack() as slack, serving(folder, f"sqlite:///{folder}/hub.db", slack) as (_, port):
        yield f"http://127.0.0.1:{port}"


CANARY = "--exposure 5 --step 1 --steps 4 --strategy canary --link https://ci.acme.example/9 --actor nora --reason why"


@pytest.mark.parametrize(
    ("typed", "event"),
    [
        ("rollout --phase started", "rollout.started"),
        (f"rollout --phase progressed --from-version 2.7.4 {CANARY}", "rollout.progressed"),
        ("rollback --metric latency --metric error-rate", "rollback.started"),
        ("rollback --phase finished", "rollback.finished"),
    ],
    ids=["started", "progressed", "back", "gone"],
)
def test_a_pipeline_reports(hub: str, typed: str, event: str) -> None:
    arguments = [*typed.split(), "--to-version", "2.8.0"]
    done = report(*arguments, *ABOUT, hub=hub, TRUSTHUB_HOOK_TOKEN=f"{TOKEN} the-old-one")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Reported {event} of checkout 2.8.0: event ")
    assert done.stdout.endswith(", done.\n")


def test_a_migration_is_reported_from_what_is_piped_in(hub: str, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n", encoding="utf-8")
    printed = {"operation": "migrate", "success": True, "migrationsExecuted": 1, "targetSchemaVersion": "43"}
    arguments = ["migration", "--tool", "flyway", *ABOUT, "--token-file", str(token)]
    done = report(*arguments, hub=hub, piped=json.dumps(printed))
    assert done.stdout.startswith("Reported rollout.completed of checkout 43: event ")
    file = tmp_path / "flyway.json"
    file.write_text(json.dumps({**printed, "targetSchemaVersion": None, "migrationsExecuted": 0}), encoding="utf-8")
    done = report(*arguments, str(file), hub=hub)
    assert (done.returncode, done.stdout) == (0, "No migration ran: there is nothing to report.\n")


def test_the_same_id_counts_once(hub: str) -> None:
    arguments = ["rollout", "--phase", "planned", "--to-version", "3.0.0", "--id", "run-9", *ABOUT]
    states = [report(*arguments, hub=hub, TRUSTHUB_HOOK_TOKEN=TOKEN).stdout.split()[-1] for _ in range(2)]
    assert states == ["done.", "repeated."]


def nowhere() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(
    ("address", "token", "words"),
    [
        (None, TOKEN, "cannot be reached: [Errno 111] Connection refused."),
        ("hub", "wrong", "answered 401. Send `Authorization: Bearer <token>` with the token of this connection."),
        ("hub", "", "There is no token. Set TRUSTHUB_HOOK_TOKEN, or name a file with --token-file."),
        ("ftp://x", TOKEN, "'ftp://x' is not the address of a hub. Write https:// and a host."),
    ],
    ids=["nobody", "wrong", "none", "ftp"],
)
def test_a_pipeline_goes_on_when_nothing_can_be_reported(hub: str, address: str | None, token: str, words: str) -> None:
    there = {"hub": hub, None: nowhere()}.get(address, str(address))
    arguments = ["rollback", "--to-version", "2.8.0", *ABOUT]
    for strict, code, word in (([], 0, "Warning"), (["--strict"], 1, "Error")):
        done = report(*arguments, *strict, hub=there, TRUSTHUB_HOOK_TOKEN=token)
        assert (done.returncode, done.stdout) == (code, "")
        assert done.stderr.startswith(f"{word}: nothing was reported. ")
        assert done.stderr.endswith(f"{words}\n")
        assert TOKEN not in done.stderr


@pytest.mark.parametrize("file", ["-", "nowhere.json"])
def test_a_tool_that_died_before_it_wrote_stops_nothing(hub: str, file: str) -> None:
    done = report("migration", "--tool", "flyway", file, *ABOUT, hub=hub, TRUSTHUB_HOOK_TOKEN=TOKEN)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("Warning: nothing was reported. ")


class Flaky(BaseHTTPRequestHandler):
    """Is busy twice, then takes the event."""

    heard: list[Any]

    def do_POST(self) -> None:
        self.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        body = b'{"ok": true, "event": 7, "state": "done"}'
        self.send_response(503 if len(self.heard) < 3 else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_it_is_tried_again_with_the_same_id() -> None:
    handler = type("Handler", (Flaky,), {"heard": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        arguments = ["rollback", "--to-version", "2.8.0", "--metric", "latency", *ABOUT]
        done = report(*arguments, hub=address, TRUSTHUB_HOOK_TOKEN=TOKEN)
        server.shutdown()
    assert done.stdout == "Reported rollback.started of checkout 2.8.0: event 7, done.\n"
    first, second, third = handler.heard  # type: ignore[attr-defined] # the test adds it
    assert first == second == third
    assert set(first) == {"event", "component", "environment", "to_version", "metrics", "id", "occurred_at"}
    assert first["metrics"] == ["latency"]
