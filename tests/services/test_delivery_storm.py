"""Whatever happens to workers, database and provider: nothing is lost, order is kept, and a repeat is called one.

`make test-storm` runs the long form, and prints its figures.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Server, own_server
from tests.services.storm import FAULTS, HANG, Report, Trouble, kills, none, restarts, sleeps, storm

LONG = os.environ.get("STORM") == "long"
MESSAGES = 2000 if LONG else 100
CREWS = [pytest.param(1, id="1-worker"), pytest.param(4, id="4-workers")] if LONG else [pytest.param(2, id="2-workers")]
only_long = pytest.mark.skipif(not LONG, reason="it takes minutes: make test-storm")


@pytest.fixture(params=CREWS)
def crew(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def weather(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[list[Report]]:
    """Reports that are to be shown and checked."""
    reports: list[Report] = []
    yield reports
    for report in reports:
        with capsys.disabled():
            if LONG:
                print(f"\n{request.node.name}: {MESSAGES} messages in {report}")  # noqa: T201 -- the figures
        assert report.lost == set()
        assert report.out_of_order == []
        assert report.overtaken == set()
        assert report.unmarked == set()
        assert report.unfounded == set()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    with own_server() as server:
        yield server


def test_killed_workers(database_url: str, tmp_path: Path, weather: list[Report], crew: int) -> None:
    weather.append(storm(database_url, tmp_path, kills(25 if LONG else 2), messages=MESSAGES, workers=crew))


def test_a_provider_that_fails(database_url: str, tmp_path: Path, weather: list[Report], crew: int) -> None:
    faults = {**FAULTS, **HANG} if LONG else {name: (share / 2, fault) for name, (share, fault) in FAULTS.items()}
    weather.append(storm(database_url, tmp_path, none, messages=MESSAGES, workers=crew, faults=faults))


@only_long
def test_killed_workers_and_a_provider_that_fails(
    database_url: str, tmp_path: Path, weather: list[Report], crew: int
) -> None:
    weather.append(storm(database_url, tmp_path, kills(10), messages=MESSAGES, workers=crew, faults=FAULTS, seed=2))


@only_long
def test_workers_that_sleep_past_their_leases(
    database_url: str, tmp_path: Path, weather: list[Report], crew: int
) -> None:
    weather.append(storm(database_url, tmp_path, sleeps(2), messages=MESSAGES, workers=crew))


@only_long
def test_a_database_that_restarts(own: Server, tmp_path: Path, weather: list[Report], crew: int) -> None:
    trouble: Trouble = restarts(own.restart)
    weather.append(storm(own.url, tmp_path, trouble, messages=MESSAGES, workers=crew))
