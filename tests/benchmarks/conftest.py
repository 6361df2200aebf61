"""Benchmarks run one after the other, each on both databases. PostgreSQL writes as in production: to the disk."""

import psycopg
import pytest
from sqlalchemy import make_url

from tests.databases import sqlite_url

__all__ = ["sqlite_url"]


@pytest.fixture
def durable_postgres_url(postgres_url: str) -> str:
    """The server of the tests saves itself the disk; here that would be cheating."""
    address = make_url(postgres_url).set(drivername="postgresql").render_as_string()
    with psycopg.connect(address, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = on")
        connection.execute("SELECT pg_reload_conf()")
    return postgres_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "durable_postgres_url"))
