"""Workers in processes of their own, what befalls them while messages leave, and what may come of that."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import col

from tests.databases import migrated
from tests.e2e.test_process import environ
from tests.processes import CHECKOUT
from tests.providers import Fault, Slack, accept_then_drop, accept_then_fail, accept_then_hang, broken, rate_limited
from tests.providers.http import Answer
from tests.services.office import message
from trusthub.channels.slack import Slack as SlackChannel
from trusthub.services.hub import utc_now
from trusthub.store import outbox
from trusthub.store.leases import LEASE
from trusthub.store.session import Database
from trusthub.store.tables import Attempt, Delivery

FAULTS: Mapping[str, tuple[float, Callable[[], Fault]]] = {
    "429": (0.05, rate_limited),
    "500": (0.05, broken),
    "accept, then 500": (0.04, accept_then_fail),
    "accept, then drop": (0.02, accept_then_drop),
}
HANG = {"accept, then hang": (0.01, accept_then_hang)}
"""Each costs a lane the ten seconds that a provider has to answer."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the provider received, held against what was kept."""

    lost: set[str]
    out_of_order: list[str]
    """Lanes in which a message came before one that was enqueued earlier."""
    overtaken: set[str]
    """Messages that came once more after a newer one, though no worker that slept is on record as having sent them."""
    repeated: set[str]
    unmarked: set[str]
    """Messages that came more than once, though nothing says that they may have."""
    unfounded: set[str]
    """Messages that came more than once, or are said to may have, though each of their attempts had a clear end."""
    found: int
    """Attempts that did not send, because the provider had the message already."""
    marked: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.seconds:.0f} s: {len(self.lost)} lost, {len(self.out_of_order)} lanes out of order, "
            f"{len(self.overtaken)} repeated after newer ones without a sleeper, "
            f"{len(self.repeated)} repeated ({len(self.unmarked)} of them unmarked), {self.marked} marked as perhaps "
            f"repeated ({len(self.unfounded)} of them without cause), {self.found} repeats avoided by asking"
        )


class Stormy(Slack):
    """A Slack that fails by chance, as it is told to."""

    def __init__(self, faults: Mapping[str, tuple[float, Callable[[], Fault]]], seed: int) -> None:
        super().__init__(first_ts=int(time.time()))
        self._chances, self._random = faults, random.Random(seed)  # noqa: S311 -- weather

    def _serve(self, path: str, headers: Mapping[str, str], raw: bytes) -> Answer | None:
        number = self._random.random()
        for share, fault in self._chances.values():
            if (number := number - share) < 0:
                self.fail(fault())
                break
        return super()._serve(path, headers, raw)


@dataclass
class Storm:
    """What is going on. A trouble moves it about while messages leave."""

    database: Database
    slack: Slack
    workers: "Workers"
    messages: int
    chance: random.Random

    def wait_for(self, share: float) -> None:
        """Wait until this share of the messages has arrived, and for a moment that nobody chose."""
        wait(lambda: len(self.slack.messages) >= share * self.messages)
        time.sleep(self.chance.random() * 0.05)


Trouble = Callable[[Storm], None]


def kills(count: int) -> Trouble:
    """Kill workers at once, `count` times, and start another in the place of each."""

    def trouble(storm: Storm) -> None:
        for number in range(count):
            storm.wait_for((number + 1) / (count + 2))
            storm.workers.replace(storm.chance.randrange(len(storm.workers)))

    return trouble


def sleeps(count: int) -> Trouble:
    """Stop workers for longer than their lease, one after the other; each is replaced, and then wakes up.

    One that is stopped inside a transaction holds SQLite's file, and everybody waits until it wakes.
    """

    def trouble(storm: Storm) -> None:
        for number in range(count):
            storm.wait_for((number + 1) / (count + 2))
            storm.workers.put_to_sleep(storm.chance.randrange(len(storm.workers)))
            time.sleep(LEASE.total_seconds() + 2)
            storm.workers.wake_up()

    return trouble


def restarts(restart: Callable[[str], None]) -> Trouble:
    """Restart the database twice: once it says good-bye, once it crashes."""

    def trouble(storm: Storm) -> None:
        for share, mode in ((0.3, "fast"), (0.6, "immediate")):
            storm.wait_for(share)
            restart(mode)

    return trouble


def none(storm: Storm) -> None:
    """Leave the workers alone."""


def storm(
    url: str,
    folder: Path,
    trouble: Trouble,
    *,
    messages: int,
    workers: int,
    faults: Mapping[str, tuple[float, Callable[[], Fault]]] | None = None,
    seed: int = 1,
) -> Report:
    """Let `workers` drain `messages` while a trouble comes over them, and say what came of it."""
    migrated(url)
    with closing(Database(url)) as database:
        return _storm(database, folder, trouble, messages, workers, faults or {}, seed)


def _storm(
    database: Database,
    folder: Path,
    trouble: Trouble,
    messages: int,
    workers: int,
    faults: Mapping[str, tuple[float, Callable[[], Fault]]],
    seed: int,
) -> Report:
    keys = _enqueue(database, messages, lanes=max(10, messages // SlackChannel.pace.burst))
    begun = time.monotonic()
    with (
        Stormy(faults, seed) as slack,
        _workers(environ(folder, database.url, slack), folder, workers) as running,
    ):
        trouble(Storm(database, slack, running, messages, random.Random(seed)))  # noqa: S311 -- as above
        wait(partial(_nothing_open, database), 600)  # a message that fails five times in a row waits for minutes
        running.stop()
        seconds = time.monotonic() - begun
        received = [str(said.key).partition("@")[0] for said in slack.messages]
    return _report(database, keys, received, seconds)


class Workers:
    """Processes of `trusthub worker`. None may end by itself."""

    def __init__(self, environment: dict[str, str], log: Path, count: int) -> None:
        self._environment, self._log = environment, log.open("ab")
        self._running = [self._start() for _ in range(count)]
        self._asleep: list[subprocess.Popen[bytes]] = []

    def __len__(self) -> int:
        return len(self._running)

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "trusthub", "worker"]
        return subprocess.Popen(command, cwd=CHECKOUT, env=self._environment, stderr=self._log)

    def replace(self, number: int) -> None:
        """Kill one at once, and start another in its place."""
        killed = self._running[number]
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        self._running[number] = self._start()

    def put_to_sleep(self, number: int) -> None:
        """Stop one in the middle of what it does, and start another in its place."""
        self._running[number].send_signal(signal.SIGSTOP)
        self._asleep.append(self._running[number])
        self._running[number] = self._start()

    def wake_up(self) -> None:
        for process in self._asleep:
            process.send_signal(signal.SIGCONT)
        self._running += self._asleep
        self._asleep = []

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
        for process in (*self._running, *self._asleep):
            process.kill()
            process.wait()
        self._log.close()

    def stop(self) -> None:
        """Ask each to end, which must be the first that makes it."""
        self.wake_up()
        ended = [process.pid for process in self._running if process.poll() is not None]
        for process in self._running:
            process.terminate()
        codes = [process.wait(30) for process in self._running]
        self._running = []
        self._log.close()
        assert ended == []
        assert set(codes) <= {0, -signal.SIGTERM}  # the latter while it was still starting


@contextmanager
def _workers(environment: dict[str, str], folder: Path, count: int) -> Iterator[Workers]:
    workers = Workers(environment, folder / "workers.log", count)
    try:
        yield workers
    finally:
        workers.end()


def _enqueue(database: Database, messages: int, lanes: int) -> list[str]:
    now = utc_now()
    made = [message(now, f"slack:#{number % lanes}", number) for number in range(messages)]
    with database.transaction() as session:
        outbox.enqueue(session, made, now)
        return [each.key for each in made]


def wait(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"nothing moved for {seconds} s")
        time.sleep(0.005)


def _nothing_open(database: Database) -> bool:
    waits = sa.select(col(Delivery.id)).where(col(Delivery.state) == "pending").limit(1)
    with database.reading() as session:
        return session.execute(waits).first() is None


def _report(database: Database, keys: list[str], received: list[str], seconds: float) -> Report:
    counts = Counter(received)
    place = {key: number for number, key in enumerate(keys)}
    lanes: dict[str, list[int]] = {}
    late: set[str] = set()
    for key in received:
        order = lanes.setdefault(key.partition("/")[0], [])
        if place[key] not in order:
            order.append(place[key])
        elif order[-1] != place[key]:
            late.add(key)
    cut_off = col(Attempt.outcome).in_(["lost", "late"])
    no_answer = (col(Attempt.outcome) == "failed") & (
        col(Attempt.status).is_(None) | (col(Attempt.status) >= sa.literal(500))
    )
    unclear = sa.select(col(Delivery.key)).join(Attempt, col(Attempt.delivery_id) == Delivery.id)
    with database.reading() as session:
        marked = set(session.execute(sa.select(col(Delivery.key)).where(col(Delivery.ambiguous))).scalars())
        doubtful = set(session.execute(unclear.where(cut_off | no_answer)).scalars())
        slept = set(session.execute(unclear.where(col(Attempt.outcome) == "late")).scalars())
        found = session.execute(sa.select(sa.func.count()).where(col(Attempt.outcome) == "found")).scalar_one()
    repeated = {key for key, count in counts.items() if count > 1}
    return Report(
        lost=set(keys) - set(received),
        out_of_order=[lane for lane, order in lanes.items() if order != sorted(order)],
        overtaken=late - slept,
        repeated=repeated,
        unmarked=repeated - marked,
        unfounded=(repeated | marked) - doubtful,
        found=found,
        marked=len(marked),
        seconds=seconds,
    )
