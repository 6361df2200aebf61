"""The hub as it really runs, with subscribers, told of a rollback."""

import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import col

from tests.benchmarks import servers
from tests.benchmarks.providers import Provider
from tests.benchmarks.test_receipt import _grow_old, _post
from tests.e2e.test_process import environ, until
from trusthub.domain.recipient import Fate
from trusthub.services.hub import utc_now
from trusthub.store.session import Database
from trusthub.store.tables import Delivery, Page, Recipient, Subscriber


@dataclass(frozen=True)
class Told:
    seconds: float
    """From the event to the record that the last subscriber's mail is handed over."""
    decided: float
    """Seconds until the event was answered: decision, recipients' rows and commit."""
    growth: float
    """Megabytes that the hub needed at most, above what it had before."""


@dataclass(frozen=True)
class Hub:
    web: HTTPConnection
    pid: int
    database: Database

    def tell(self, count: int, version: str) -> Told:
        """Roll a version back, and wait until `count` subscribers have the mail."""
        for event in ({"event": "rollout.started"}, {"event": "rollout.progressed", "exposure": 5}):
            _post(self.web, version, **event)
        before, begun = _memory(self.pid, reset=True), time.perf_counter()
        _post(self.web, version, event="rollback.started", evidence="failed_analysis")
        decided = time.perf_counter() - begun
        until(lambda: _accepted(self.database) >= count, 120)
        told = Told(time.perf_counter() - begun, decided, _memory(self.pid) - before)
        _forget(self.database)
        return told

    def subscribe(self, count: int) -> None:
        """Fill the list up to `count`."""
        with self.database.transaction() as session:
            page = session.execute(sa.select(col(Page.id))).scalar()
            known = session.execute(sa.select(sa.func.count()).select_from(Subscriber)).scalar() or 0
            fixed = {"page_id": page, "channel": "email", "locale": "en", "zone": "UTC", "link_version": 1}
            fixed |= {"confirmed_at": utc_now(), "created_at": utc_now()}
            rows = [
                {**fixed, "public_id": f"s{number:011}", "address": f"customer{number}@mail{number % 97}.example"}
                for number in range(known, count)
            ]
            session.connection().execute(sa.insert(Subscriber), rows)


@contextmanager
def running(url: str, folder: Path, **settings: str) -> Iterator[Hub]:
    """Run `trusthub serve` on a free port."""
    port = servers.free_port()
    command = [sys.executable, "-m", "trusthub", "serve", "--port", str(port)]
    with Provider() as slack, (folder / "serve.log").open("wb") as log, closing(Database(url)) as database:
        environment = environ(folder, url, slack) | {"TRUSTHUB_BASE_URL": "https://hub.acme.example", **settings}
        with servers.running(command, environment, stderr=log) as process:
            until(lambda: servers.answers(port, "/readyz"), 60)
            with closing(HTTPConnection("127.0.0.1", port)) as web:
                yield Hub(web, process.pid, database)


def _accepted(database: Database) -> int:
    """Return how many subscribers are known to have it; 0 while batches are under way, which is quicker to say."""
    waits = sa.select(col(Delivery.id)).where(col(Delivery.state) == "pending").limit(1)
    mine = sa.select(sa.func.count()).where(
        col(Recipient.state) == Fate.ACCEPTED, col(Recipient.subscriber_id).is_not(None)
    )
    with database.reading() as session:
        return 0 if session.execute(waits).first() else int(session.execute(mine).scalar() or 0)


def _forget(database: Database) -> None:
    """Let the incident be old news, so that the next one is one of its own and counts from zero."""
    _grow_old(database)
    with database.transaction() as session:
        session.execute(sa.delete(Recipient))


def _memory(pid: int, *, reset: bool = False) -> float:
    """Return the megabytes that a process and its children had at most since the last reset."""
    total = 0.0
    for each in (pid, *_children(pid)):
        if reset:
            Path(f"/proc/{each}/clear_refs").write_text("5")
        status = Path(f"/proc/{each}/status").read_text().split("VmHWM:")[1]
        total += int(status.split()[0]) / 1024
    return total


def _children(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for each in lists for child in each.read_text().split()]
