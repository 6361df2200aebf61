"""Services that send run on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import database_url, sqlite_url
from tests.services.office import Office, office

__all__ = ["database_url", "sqlite_url"]


@pytest.fixture
def post(sqlite_url: str, tmp_path: Path) -> Iterator[Office]:
    with office(sqlite_url, tmp_path) as made:
        yield made


@pytest.fixture
def either_post(database_url: str, tmp_path: Path) -> Iterator[Office]:
    with office(database_url, tmp_path) as made:
        yield made
