"""A hub for each test: on SQLite, and where it matters on PostgreSQL as well."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import database_url, sqlite_url
from tests.e2e.house import House, house

__all__ = ["database_url", "sqlite_url"]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[House]:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    kind = request.param
    url = f"sqlite:///{tmp_path}/hub.db" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    with house(url, tmp_path) as made:
        yield made
