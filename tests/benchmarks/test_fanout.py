"""One update to a hundred thousand subscribers by mail, against bare posts of the same bodies to the same provider.

From the rollback's event over HTTP, through the decision and each recipient's row, to the record that the provider has
the mail to each. It fails only on what was promised.
"""

import subprocess
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
from tests.benchmarks.figures import kind_of, percentile, report
from tests.benchmarks.providers import Provider
from tests.benchmarks.test_receipt import _grow_old, _post
from tests.e2e.test_process import environ, until
from tests.processes import CHECKOUT
from trusthub.domain.recipient import Fate
from trusthub.services.hub import utc_now
from trusthub.store.session import Database
from trusthub.store.tables import Delivery, Page, Recipient, Subscriber

FEW, MANY, ROUNDS = 10_000, 100_000, 5
PROMISED, GROWTH = 0.3, 100.0
"""Of the rate of bare posts, and megabytes of memory."""


@dataclass(frozen=True)
class Sink:
    """A provider in a process of its own."""

    log: Path
    bodies: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.log.read_text().split()[0]}"

    @property
    def took(self) -> list[list[str]]:
        """The recipients of each request to several; a mail to one mailbox is not counted."""
        return [who for line in self.log.read_text().splitlines()[1:] if len(who := line.split()) > 1]


@dataclass(frozen=True)
class Round:
    seconds: float
    decided: float
    """Seconds until the event was answered: decision, recipients' rows and commit."""
    requests: int
    growth: float
    """Megabytes that the hub needed at most, above what it had before."""
    bare: float
    """Seconds of the same bodies as bare posts."""


def test_fanout(url: str, tmp_path: Path) -> None:
    with (
        Provider() as slack,
        _sink(tmp_path) as sink,
        _hub(url, tmp_path, slack, sink) as (port, pid),
        closing(Database(url)) as database,
        closing(HTTPConnection("127.0.0.1", port)) as hub,
    ):
        few = _rounds(hub, pid, database, sink, FEW, 2)[-1]
        many = _rounds(hub, pid, database, sink, MANY, ROUNDS)
    seconds, bare = (percentile([getattr(each, name) for each in many], 0.5) for name in ("seconds", "bare"))
    growth, share = max(each.growth for each in many), bare / seconds
    report(
        f"One update to {MANY:,} subscribers by SendGrid, {kind_of(url)}, medians of {ROUNDS}",
        f"recipients a second    {MANY / seconds:7.0f}   {share:5.2f} of the limit, in {many[0].requests} requests",
        f"limit                  {MANY / bare:7.0f}   bare posts of the same bodies to the same provider",
        f"in all                 {seconds:7.2f} s from the event to the record that the last one is handed over",
        f"decided and recorded   {percentile([each.decided for each in many], 0.5):7.2f} s of these, a row for each",
        f"memory                 {growth:7.1f} MB more at most; {few.growth:.1f} MB for {FEW:,} subscribers",
        f"{PROMISED} of the limit       {'PASS' if share >= PROMISED else 'FAIL'}",
        f"under {GROWTH:g} MB           {'PASS' if growth < GROWTH else 'FAIL'}",
    )
    assert growth < GROWTH
    assert share >= PROMISED


def _rounds(hub: HTTPConnection, pid: int, database: Database, sink: Sink, count: int, rounds: int) -> list[Round]:
    """Tell `count` subscribers, once to warm up and then `rounds` times."""
    _subscribe(database, count)
    sink.bodies.mkdir()
    _once(hub, pid, database, sink, count, f"4.{count}.0")
    kept = sink.bodies.rename(sink.bodies.with_name(f"bodies-{count}"))
    return [_once(hub, pid, database, sink, count, f"4.{count}.{number + 1}", kept) for number in range(rounds)]


def _once(
    hub: HTTPConnection, pid: int, database: Database, sink: Sink, count: int, version: str, bodies: Path | None = None
) -> Round:
    for event in ({"event": "rollout.started"}, {"event": "rollout.progressed", "exposure": 5}):
        _post(hub, version, **event)
    already, before = len(sink.took), _memory(pid, reset=True)
    begun = time.perf_counter()
    _post(hub, version, event="rollback.started", evidence="failed_analysis")
    decided = time.perf_counter() - begun
    until(lambda: _accepted(database) >= count, 120)
    seconds = time.perf_counter() - begun
    growth, took = _memory(pid) - before, sink.took[already:]
    assert sum(map(len, took)) == len({who for request in took for who in request}) == count
    _forget(database)
    bare = min(_bare(sink, bodies, connections) for connections in (1, 4)) if bodies else 0.0
    return Round(seconds, decided, len(took), growth, bare)


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


def _subscribe(database: Database, count: int) -> None:
    """Fill the list up to `count`."""
    with database.transaction() as session:
        page = session.execute(sa.select(col(Page.id))).scalar()
        known = session.execute(sa.select(sa.func.count()).select_from(Subscriber)).scalar() or 0
        fixed = {"page_id": page, "channel": "email", "locale": "en", "zone": "UTC", "link_version": 1}
        fixed |= {"confirmed_at": utc_now(), "created_at": utc_now()}
        rows = [
            {**fixed, "public_id": f"s{number:011}", "address": f"customer{number}@mail{number % 97}.example"}
            for number in range(known, count)
        ]
        session.connection().execute(sa.insert(Subscriber), rows)


def _bare(sink: Sink, bodies: Path, connections: int) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.bodies", sink.url, str(connections), str(bodies)]
    return float(subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True, text=True).stdout)


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


@contextmanager
def _sink(folder: Path) -> Iterator[Sink]:
    made = Sink(folder / "sink.log", folder / "bodies")
    with servers.running([sys.executable, "-m", "tests.benchmarks.sink", str(made.log), str(made.bodies)], None):
        until(lambda: made.log.exists() and made.log.read_text().endswith("\n"))
        yield made


@contextmanager
def _hub(url: str, folder: Path, slack: Provider, sink: Sink) -> Iterator[tuple[int, int]]:
    """Run `trusthub serve` on a free port; give the port and the process."""
    environment = environ(folder, url, slack) | {
        "TRUSTHUB_SENDGRID_API_KEY": "SG.bench",
        "TRUSTHUB_SENDGRID_API_URL": sink.url,
        "TRUSTHUB_BASE_URL": "https://hub.acme.example",
    }
    port = servers.free_port()
    command = [sys.executable, "-m", "trusthub", "serve", "--port", str(port)]
    with (folder / "serve.log").open("wb") as log, servers.running(command, environment, stderr=log) as process:
        until(lambda: servers.answers(port, "/readyz"))
        yield port, process.pid
