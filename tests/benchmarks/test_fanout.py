"""One update to a hundred thousand subscribers by mail, against bare posts of the same bodies to the same provider.

From the rollback's event over HTTP, through the decision and each recipient's row, to the record that the provider has
the mail to each. By SMTP it is held against Postfix's smtp-source, where there is one. It fails only on what was
promised.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.benchmarks import fanout, servers
from tests.benchmarks.fanout import Told
from tests.benchmarks.figures import kind_of, percentile, report
from tests.e2e.test_process import until
from tests.processes import CHECKOUT

FEW, MANY, READERS, ROUNDS = 10_000, 100_000, 5_000, 5
PROMISED, GROWTH = 0.3, 100.0
"""Of the rate of bare posts, and megabytes of memory."""
BY_SMTP, SESSIONS, LENGTH = 0.1, 10, 12_000
"""Promised of smtp-source's rate; how many connections it has at a time; bytes of a mail, about those of an update."""
_PLACES = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
_PLAIN_USER = ["-u", "nobody"] if os.geteuid() == 0 else []
"""smtp-sink takes no mail as root."""
SOURCE, SINK = (shutil.which(f"smtp-{name}", path=f"{os.environ['PATH']}:{_PLACES}") for name in ("source", "sink"))


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


def test_fanout(url: str, tmp_path: Path) -> None:
    with (
        _sink(tmp_path) as sink,
        fanout.running(url, tmp_path, TRUSTHUB_SENDGRID_API_KEY="SG.bench", TRUSTHUB_SENDGRID_API_URL=sink.url) as hub,
    ):
        few = _rounds(hub, sink, FEW, 2)[-1][0]
        many = _rounds(hub, sink, MANY, ROUNDS)
    told, bare, requests = [told for told, *_ in many], percentile([bare for _, bare, _ in many], 0.5), many[0][2]
    seconds, decided = (percentile([getattr(each, name) for each in told], 0.5) for name in ("seconds", "decided"))
    growth, share = max(each.growth for each in told), bare / seconds
    report(
        f"One update to {MANY:,} subscribers by SendGrid, {kind_of(url)}, medians of {ROUNDS}",
        f"recipients a second    {MANY / seconds:7.0f}   {share:5.2f} of the limit, in {requests} requests",
        f"limit                  {MANY / bare:7.0f}   bare posts of the same bodies to the same provider",
        f"in all                 {seconds:7.2f} s from the event to the record that the last one is handed over",
        f"decided and recorded   {decided:7.2f} s of these, a row for each",
        f"memory                 {growth:7.1f} MB more at most; {few.growth:.1f} MB for {FEW:,} subscribers",
        f"{PROMISED} of the limit       {'PASS' if share >= PROMISED else 'FAIL'}",
        f"under {GROWTH:g} MB           {'PASS' if growth < GROWTH else 'FAIL'}",
    )
    assert growth < GROWTH
    assert share >= PROMISED


@pytest.mark.skipif(not (SOURCE and SINK), reason="Postfix's smtp-source and smtp-sink are not on this machine")
def test_fanout_by_smtp(url: str, tmp_path: Path) -> None:
    port = servers.free_port()
    where = f"127.0.0.1:{port}"
    with (
        servers.running([str(SINK), *_PLAIN_USER, where, "1000"], None),
        fanout.running(url, tmp_path, TRUSTHUB_SMTP_URL=f"smtp://{where}") as hub,
    ):
        hub.subscribe(READERS)
        hub.tell(READERS, "5.0.0")
        rounds = [(hub.tell(READERS, f"5.0.{number + 1}").seconds, _source(where)) for number in range(ROUNDS)]
    seconds, limit = (percentile([each[side] for each in rounds], 0.5) for side in (0, 1))
    share = limit / seconds
    report(
        f"One update to {READERS:,} subscribers by SMTP, {kind_of(url)}, medians of {ROUNDS}",
        f"mails a second         {READERS / seconds:7.0f}   {share:5.2f} of the limit",
        f"limit                  {READERS / limit:7.0f}   smtp-source into the same smtp-sink, {SESSIONS} connections",
        f"{BY_SMTP} of the limit       {'PASS' if share >= BY_SMTP else 'FAIL'}",
    )
    assert share >= BY_SMTP


def _rounds(hub: fanout.Hub, sink: Sink, count: int, rounds: int) -> list[tuple[Told, float, int]]:
    """Tell `count` subscribers, once to warm up and then `rounds` times; beside each, bare seconds and requests."""
    hub.subscribe(count)
    sink.bodies.mkdir()
    hub.tell(count, f"4.{count}.0")
    kept = sink.bodies.rename(sink.bodies.with_name(f"bodies-{count}"))
    found = []
    for number in range(rounds):
        already = len(sink.took)
        told = hub.tell(count, f"4.{count}.{number + 1}")
        took = sink.took[already:]
        assert sum(map(len, took)) == len({who for request in took for who in request}) == count
        found.append((told, min(_bare(sink, kept, connections) for connections in (1, 4)), len(took)))
    return found


def _source(where: str) -> float:
    """Return the seconds that smtp-source takes for as many mails of that size."""
    begun = time.perf_counter()
    command = [str(SOURCE), "-s", str(SESSIONS), "-m", str(READERS), "-l", str(LENGTH), where]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begun


def _bare(sink: Sink, bodies: Path, connections: int) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.bodies", sink.url, str(connections), str(bodies)]
    return float(subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True, text=True).stdout)


@contextmanager
def _sink(folder: Path) -> Iterator[Sink]:
    made = Sink(folder / "sink.log", folder / "bodies")
    with servers.running([sys.executable, "-m", "tests.benchmarks.sink", str(made.log), str(made.bodies)], None):
        until(lambda: made.log.exists() and made.log.read_text().endswith("\n"))
        yield made
