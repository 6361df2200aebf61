"""Every test of the store may ask for both databases."""

from tests.databases import database, database_url, empty, postgres_database, sqlite_url

__all__ = ["database", "database_url", "empty", "postgres_database", "sqlite_url"]
