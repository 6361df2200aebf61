"""Rows that follow site.yaml, when several processes start at once on an empty database."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from tests.e2e.house import START, house
from trusthub.services import sync
from trusthub.store.session import Database
from trusthub.store.tables import Component, Page


def test_processes_that_start_at_once_add_each_row_once(sqlite_url: str, postgres_url: str, tmp_path: Path) -> None:
    database, starters = Database(postgres_url), 6
    begin = threading.Barrier(starters)
    with house(sqlite_url, tmp_path) as built, ThreadPoolExecutor(starters) as pool:
        hub = replace(built.parts.hub, database=database)

        def start() -> None:
            begin.wait()
            sync.sync(hub, START)

        for started in [pool.submit(start) for _ in range(starters)]:
            started.result(timeout=60)
        expected = len(hub.configuration.site.components)
    with database.reading() as session:
        assert len(session.execute(sa.select(Page)).all()) == 1
        assert len(session.execute(sa.select(Component).where(~Component.is_group)).all()) == expected  # type: ignore[arg-type] # a column
    database.close()
