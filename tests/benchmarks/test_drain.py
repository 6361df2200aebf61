"""How fast a worker sends what has piled up, when the provider answers at once."""

import sys
import time
from contextlib import closing
from pathlib import Path

from tests.benchmarks import servers
from tests.benchmarks.figures import kind_of, report
from tests.benchmarks.providers import Provider
from tests.e2e.test_process import environ
from tests.services.office import message
from trusthub.services.delivery import SHARE
from trusthub.services.hub import utc_now
from trusthub.store import migrate, outbox
from trusthub.store.session import Database

MESSAGES, LANES = 1000, 50


def test_drain(url: str, tmp_path: Path) -> None:
    with Provider() as slack:
        limit = servers.load("post", f"{slack.url}chat.postMessage", SHARE, MESSAGES)
        slack.came.clear()
        with closing(Database(url)) as database:
            migrate.upgrade(database)
            now = utc_now()
            piled = [message(now, f"slack:#{number % LANES}", number, conversation="") for number in range(MESSAGES)]
            with database.transaction() as session:
                outbox.enqueue(session, piled, now)
        begun = time.perf_counter()
        with servers.running([sys.executable, "-m", "trusthub", "worker"], environ(tmp_path, url, slack), stderr=-3):
            slack.wait_until(MESSAGES, 100)
        rate = (MESSAGES - 1) / (slack.came[-1][0] - slack.came[0][0])
    report(
        f"Draining {MESSAGES} messages in {LANES} lanes to Slack, {kind_of(url)}",
        f"messages a second      {rate:7.0f}   {rate / limit:5.2f} of the limit",
        f"limit                  {limit:7.0f}   bare posts to the same provider, {SHARE} at a time",
        f"first message after    {slack.came[0][0] - begun:7.1f} s of starting the worker's process",
    )
