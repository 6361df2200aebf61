"""`kill -9` loses nothing. `make storm` runs the long form: 25 kills, 2000 messages."""

import os
from pathlib import Path

import pytest

from tests.services.storm import storm

LONG = os.environ.get("STORM") == "long"
KILLS, MESSAGES = (25, 2000) if LONG else (4, 150)


def test_killed_workers_lose_nothing_and_keep_the_order(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = storm(database_url, tmp_path, kills=KILLS, messages=MESSAGES)
    with capsys.disabled():
        if LONG:
            print(f"\n{database_url.partition(':')[0]}, {MESSAGES} messages, {report}")  # noqa: T201 -- the figures
    assert report.lost == set()
    assert report.out_of_order == []
    assert report.unmarked == set()
