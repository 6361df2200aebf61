"""How fast messages are recorded, how fast workers send what has piled up, and how soon a single one leaves.

Medians of five rounds. Beside them, from the same rounds: one thread that commits a row to the disk, again and again.
"""

import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TypeVar

import pytest

from tests.benchmarks import bare, servers
from tests.benchmarks.figures import kind_of, percentile, report
from tests.benchmarks.providers import Provider
from tests.e2e.test_process import environ
from tests.services.office import message
from trusthub.channels.slack import Slack
from trusthub.services.delivery import SHARE
from trusthub.services.hub import utc_now
from trusthub.store import holds, migrate, outbox
from trusthub.store.session import Database

ROUNDS = 5
MESSAGES = 1000
LANES = MESSAGES // Slack.pace.burst
"""New ones in each round: so many take a burst each, and no pace is measured."""
EVENTS, EACH = 200, 4
"""Transactions to measure recording by, and messages in each."""
ALONE = 100
"""Messages to measure the way of a single one by."""
T = TypeVar("T")
DRAIN_FLOOR = 0.025
"""Messages drained for each durable commit by one thread: half of what the first measured build reached."""
P50, P99 = 0.025, 0.250
"""Seconds from the commit to the provider: what was promised."""


@dataclass
class Bench:
    """A database, a Slack, and as many workers as were asked for."""

    url: str
    folder: Path
    database: Database
    slack: Provider
    stack: ExitStack
    names: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def work(self, count: int) -> None:
        """Start more workers, and wait until each has shown that it works."""
        for _ in range(count):
            command = [sys.executable, "-m", "trusthub", "worker"]
            log = self.stack.enter_context((self.folder / f"worker-{next(self.names)}.log").open("wb"))
            self.stack.enter_context(servers.running(command, environ(self.folder, self.url, self.slack), stderr=log))
            deadline = time.monotonic() + 60
            while b"Delivering" not in Path(log.name).read_bytes():
                assert time.monotonic() < deadline, "a worker did not start"
                time.sleep(0.05)
        time.sleep(1)

    def enqueue(self, lanes: list[str]) -> None:
        now = utc_now()
        made = [message(now, lane, number, conversation="") for number, lane in enumerate(lanes)]
        with self.database.transaction() as session:
            outbox.enqueue(session, made, now)

    def lanes(self, count: int) -> list[str]:
        return [f"slack:#{next(self.names)}" for _ in range(count)]

    def commits(self) -> float:
        """Commits a second by one thread with one connection, as durable as ours."""
        connection = bare._connect(self.url)
        begun = time.perf_counter()
        for _ in range(EVENTS):
            connection.execute(bare._HERE.insert, (b"x" * 500,))
        rate = EVENTS / (time.perf_counter() - begun)
        connection.close()
        return rate

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nothing leave inside of the block."""
        with self.database.transaction() as session:
            holds.pause_channel(session, "slack", paused=True)
        yield
        with self.database.transaction() as session:
            holds.pause_channel(session, "slack", paused=False)

    def recorded(self) -> float:
        """Transactions a second that record messages while the workers are held; they are sent afterwards."""
        lanes, came = self.lanes(EACH), len(self.slack.came)
        with self.held():
            begun = time.perf_counter()
            for number in range(EVENTS):
                self.enqueue(lanes if number % Slack.pace.burst else (lanes := self.lanes(EACH)))
            rate = EVENTS / (time.perf_counter() - begun)
        self.slack.wait_until(came + EVENTS * EACH, 300)
        return rate

    def drained(self) -> float:
        """Messages a second, from the first to the last, out of a pile."""
        came = len(self.slack.came)
        with self.held():
            self.enqueue(self.lanes(LANES) * Slack.pace.burst)
        self.slack.wait_until(came + MESSAGES, 300)
        return (MESSAGES - 1) / (self.slack.came[-1][0] - self.slack.came[came][0])

    def woken(self) -> list[float]:
        """Seconds from the commit of a message to its arrival, while nothing else is to be done."""
        took = []
        for lane in self.lanes(ALONE):
            came = len(self.slack.came)
            self.enqueue([lane])
            committed = time.perf_counter()
            self.slack.wait_until(came + 1)
            took.append(self.slack.came[came][0] - committed)
            time.sleep(0.02)
        return took


@pytest.fixture
def bench(url: str, tmp_path: Path) -> Iterator[Bench]:
    with Provider() as slack, closing(Database(url)) as database, ExitStack() as stack:
        migrate.upgrade(database)
        yield Bench(url, tmp_path, database, slack, stack)


def five(measure: Callable[[], T]) -> list[T]:
    return [measure() for _ in range(ROUNDS)]


def test_drain(bench: Bench) -> None:
    posts = five(lambda: servers.load("post", f"{bench.slack.url}chat.postMessage", SHARE, MESSAGES))
    bench.slack.came.clear()
    commits = five(bench.commits)
    bench.work(1)
    recorded, single, woken = five(bench.recorded), five(bench.drained), five(bench.woken)
    bench.work(3)
    four = five(bench.drained)
    commits += five(bench.commits)
    p50, p99 = (median(percentile(each, share) for each in woken) for share in (0.5, 0.99))
    kept, drained = p50 < P50 and p99 < P99, median(single) / median(commits)
    report(
        f"The outbox, {kind_of(bench.url)}, {os.cpu_count()} processors, medians of {ROUNDS} (lowest to highest)",
        _line("durable commits", commits, "a second by one thread"),
        _line("bare posts", posts, f"a second to the same provider, {SHARE} at a time"),
        _line("recorded", recorded, f"transactions a second with {EACH} messages each", commits),
        _line("drained, 1 worker", single, f"messages a second, {MESSAGES} in {LANES} lanes", commits),
        _line("drained, 4 workers", four, "messages a second", commits),
        f"{'commit to provider':20} p50 {p50 * 1000:.1f} ms   p99 {p99 * 1000:.1f} ms   "
        f"under {P50 * 1000:.0f} and {P99 * 1000:.0f} ms: {'PASS' if kept else 'FAIL'}",
        f"{'drained, floor':20} {DRAIN_FLOOR} for each commit: {'PASS' if drained >= DRAIN_FLOOR else 'FAIL'}",
    )
    assert kept
    assert drained >= DRAIN_FLOOR


def _line(name: str, rates: list[float], what: str, commits: list[float] | None = None) -> str:
    spread = f"({min(rates):.0f} to {max(rates):.0f})"
    ratio = f", {median(rates) / median(commits):.2f} for each commit" if commits else ""
    return f"{name:20} {median(rates):7.0f} {spread:16} {what}{ratio}"
