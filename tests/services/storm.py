"""Workers in processes of their own that die by `kill -9` while messages leave, and what may come of that."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import col

from tests.e2e.test_process import environ
from tests.processes import CHECKOUT
from tests.providers import Slack
from tests.services.office import message
from trusthub.services.hub import utc_now
from trusthub.store import migrate, outbox
from trusthub.store.session import Database
from trusthub.store.tables import Attempt, Delivery


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the provider received, held against what was kept."""

    lost: set[str]
    out_of_order: list[str]
    """Lanes in which a message came before one that was enqueued earlier."""
    repeated: set[str]
    unmarked: set[str]
    """Messages that came more than once, though nothing says that they may have."""
    kills: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.kills} kills in {self.seconds:.0f} s: {len(self.lost)} lost, {len(self.repeated)} repeated "
            f"({len(self.unmarked)} of them unmarked), {len(self.out_of_order)} lanes out of order"
        )


def storm(url: str, folder: Path, *, kills: int, messages: int, lanes: int = 10, seed: int = 1) -> Report:
    """Let two workers drain `messages`, and kill one of them again and again, `kills` times in all."""
    database = Database(url)
    migrate.upgrade(database)
    keys = _enqueue(database, messages, lanes)
    chance = random.Random(seed)  # noqa: S311 -- which of two dies is no secret
    begun = time.monotonic()
    with Slack() as slack, _workers(environ(folder, url, slack), folder) as workers:
        for kill in range(kills):
            share = (kill + 1) * messages // (kills + 2)
            _wait(partial(lambda share: len(slack.messages) >= share, share))
            workers.replace(chance.randrange(2))
        _wait(lambda: not _open(database))
        seconds = time.monotonic() - begun
        received = [str(said.key).partition("@")[0] for said in slack.messages]
    report = _report(database, keys, received, kills=kills, seconds=seconds)
    database.close()
    return report


class _Workers:
    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment, self._log = environment, log.open("ab")
        self._running = [self._start(), self._start()]

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "trusthub", "worker"]
        return subprocess.Popen(command, cwd=CHECKOUT, env=self._environment, stderr=self._log)

    def replace(self, number: int) -> None:
        """Kill one at once, and start another in its place."""
        killed = self._running[number]
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        self._running[number] = self._start()

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(30)
        self._log.close()


@contextmanager
def _workers(environment: dict[str, str], folder: Path) -> Iterator[_Workers]:
    workers = _Workers(environment, folder / "workers.log")
    try:
        yield workers
    finally:
        workers.stop()


def _enqueue(database: Database, messages: int, lanes: int) -> list[str]:
    now = utc_now()
    made = [message(now, f"slack:#{number % lanes}", number) for number in range(messages)]
    with database.transaction() as session:
        outbox.enqueue(session, made, now)
        return [each.key for each in made]


def _wait(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"nothing moved for {seconds} s")
        time.sleep(0.005)


def _open(database: Database) -> bool:
    with database.reading() as session:
        return (
            session.execute(sa.select(col(Delivery.id)).where(col(Delivery.state) == "pending").limit(1)).first()
            is not None
        )


def _report(database: Database, keys: list[str], received: list[str], *, kills: int, seconds: float) -> Report:
    counts = Counter(received)
    place = {key: number for number, key in enumerate(keys)}
    lanes: dict[str, list[int]] = {}
    for key in received:
        lanes.setdefault(key.partition("/")[0], []).append(place[key])
    with database.reading() as session:
        marked = set(session.execute(sa.select(col(Delivery.key)).where(col(Delivery.ambiguous))).scalars())
        lost = sa.select(col(Delivery.key)).join(Attempt, col(Attempt.delivery_id) == Delivery.id)
        open_once = set(session.execute(lost.where(col(Attempt.outcome) == "lost")).scalars())
    repeated = {key for key, count in counts.items() if count > 1}
    return Report(
        lost=set(keys) - set(received),
        out_of_order=[lane for lane, order in lanes.items() if order != sorted(order)],
        repeated=repeated,
        unmarked=repeated - (marked & open_once),
        kills=kills,
        seconds=seconds,
    )
