"""Half an hour in which everybody uses the hub at once and something breaks each minute: `make soak`, and a short form.

Nothing that the hub took on is lost, nothing is repeated without saying so, and in the long form its memory and the
page's p99 stay what they were.
"""

import os
import statistics
from pathlib import Path

import pytest

from tests.e2e.soak import Length, soak
from tests.e2e.soak_report import Report
from tests.postgres import own_server

MINUTES = float(os.environ.get("SOAK", "0"))
FLAT, STABLE, NOISE = 1.1, 1.5, 10.0
"""Growth of a process between the first and the last quarter; of the page's p99, and milliseconds that say nothing."""
_LONG = Length(seconds=MINUTES * 60, every=60, pace=3, read=0.05, times=3)
_SHORT = Length(seconds=16, every=2, pace=1, read=0.2, times=1)


def test_soak_on_postgresql(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with own_server() as server:
        _check(soak(server.url, tmp_path, server.restart, _LONG if MINUTES else _SHORT), capsys)


@pytest.mark.skipif(not MINUTES, reason="the storms drive SQLite already: make soak")
def test_soak_on_sqlite(sqlite_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _check(soak(sqlite_url, tmp_path, None, _LONG if MINUTES else _SHORT), capsys)


def _check(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    if MINUTES:
        with capsys.disabled():
            print(f"\n{MINUTES:g} minutes: {report}\n  p99 by minute: {[round(each) for each in report.p99]}")  # noqa: T201 -- the figures
    assert report.lost == []
    assert report.given_up == 0
    assert report.unmarked == set()
    assert report.refused == []
    assert min(report.counts.values()) > 0
    if MINUTES:
        assert {name: sizes for name, sizes in report.memory.items() if sizes[1] > FLAT * sizes[0]} == {}
        third = len(report.p99) // 3
        first, last = statistics.median(report.p99[:third]), statistics.median(report.p99[-third:])
        assert last < first * STABLE + NOISE
