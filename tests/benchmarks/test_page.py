"""How many readers a second the public page serves, against the same bytes from nothing at all on the same server."""

import json
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from tests.benchmarks import servers
from tests.benchmarks.figures import report
from tests.benchmarks.providers import Provider
from tests.e2e.house import TOKEN
from tests.e2e.test_process import environ, until

REQUESTS, CONNECTIONS, ROUNDS = 6000, 16, 3


def test_page(sqlite_url: str, tmp_path: Path) -> None:
    with Provider() as slack, servers.hub(sqlite_url, tmp_path, slack) as port:
        _go_wrong(port)
        page = tmp_path / "page.html"
        page.write_bytes(_get(port))
        with servers.bare("page", environ(tmp_path, sqlite_url, slack) | {"BENCH_PAGE": str(page)}) as bare:
            rounds = [(_rate(port), _rate(bare)) for _ in range(ROUNDS)]
    rate, limit = max(ours for ours, _ in rounds), max(theirs for _, theirs in rounds)
    report(
        f"The public page during an incident, {page.stat().st_size / 1000:.0f} kB, {CONNECTIONS} connections",
        f"requests a second      {rate:7.0f}   {rate / limit:5.2f} of the limit",
        f"limit                  {limit:7.0f}   the same bytes from a function on the same server",
    )


def _rate(port: int) -> float:
    return servers.load("get", f"http://127.0.0.1:{port}/", CONNECTIONS, REQUESTS)


def _get(port: int) -> bytes:
    with closing(HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("GET", "/")
        return connection.getresponse().read()


def _go_wrong(port: int) -> None:
    body = {"component": "checkout", "environment": "production", "strategy": "canary", "to_version": "2.8.0"}
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    with closing(HTTPConnection("127.0.0.1", port)) as connection:
        for event in (
            {"event": "rollout.started"},
            {"event": "rollout.progressed", "exposure": 5},
            {"event": "rollback.started", "evidence": "failed_analysis"},
        ):
            connection.request("POST", "/hooks/generic", json.dumps({**body, **event}), headers)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()
    until(lambda: b"rolling back" in _get(port))
