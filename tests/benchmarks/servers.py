"""What is measured: the hub as it really runs, and beside it on the same server the least that could do its work."""

import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.benchmarks.providers import Provider
from tests.e2e.test_process import environ, until
from tests.processes import CHECKOUT
from tests.providers import SendGrid


@contextmanager
def hub(url: str, folder: Path, slack: Provider, sendgrid: SendGrid | None = None) -> Iterator[int]:
    """Run `trusthub serve` on a free port, and give the port."""
    environment = environ(folder, url, slack)
    if sendgrid is not None:
        environment |= {"TRUSTHUB_SENDGRID_API_KEY": "SG.bench", "TRUSTHUB_SENDGRID_API_URL": sendgrid.url}
    log = folder / "serve.log"
    command = [sys.executable, "-m", "trusthub", "serve", "--port", "0"]
    with log.open("wb") as output, running(command, environment, stderr=output):
        until(lambda: b" on http://127.0.0.1:" in log.read_bytes())
        port = int(log.read_bytes().rpartition(b" on http://127.0.0.1:")[2].split()[0])
        until(lambda: answers(port, "/readyz"))
        yield port


@contextmanager
def bare(application: str, environment: Mapping[str, str]) -> Iterator[int]:
    """Run an application of `tests.benchmarks.bare` on the hub's server, with the hub's settings of it."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--workers", "1"]
    command += ["--blocking-threads", "16", "--no-log", f"tests.benchmarks.bare:{application}"]
    with running(command, dict(environment)):
        until(lambda: answers(port, "/"))
        yield port


@contextmanager
def running(command: list[str], environment: dict[str, str] | None, **more: Any) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(command, cwd=CHECKOUT, env=environment, **more) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


def load(kind: str, url: str, connections: int, count: int, body: str = "") -> float:
    """Return calls a second, made by a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.load", kind, url, str(connections), str(count), body]
    return float(subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True, text=True).stdout)


def answers(port: int, path: str) -> bool:
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection, suppress(OSError):
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
