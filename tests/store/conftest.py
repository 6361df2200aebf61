"""Every test of the store may ask for both databases."""

from tests.databases import database, database_url, empty, empty_url, postgres_database, sqlite_url

__all__ = ["database", "database_url", "empty", "empty_url", "postgres_database", "sqlite_url"]
