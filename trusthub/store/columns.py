"""The kinds of columns that tables are made of, so that each is spelled out once."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Text
from sqlmodel import Field

from trusthub.store.types import BigId, UtcDateTime, public_id


def row_id() -> Any:
    """Return a primary key that counts by itself."""
    return Field(default=None, primary_key=True, sa_type=BigId)


def link(target: str, *, null: bool = False) -> Any:
    """Return a foreign key, indexed."""
    return Field(default=None, foreign_key=target, index=True, nullable=null, sa_type=BigId)


def time(*, null: bool = False, index: bool = False) -> Any:
    """Return a moment: aware, and UTC."""
    return Field(default=None, sa_type=UtcDateTime, nullable=null, index=index)


def public_name() -> Any:
    """Return an id that an address may show."""
    return Field(default_factory=public_id, unique=True, max_length=12)


def json(default: Any, *, before: str | None = None) -> Any:
    """Return a JSON document; `default` makes an empty one. Rows older than the column have `before`."""
    given = {} if before is None else {"server_default": before}
    return Field(default_factory=default, sa_type=JSON, nullable=False, sa_column_kwargs=given)


def words() -> Any:
    """Return text of any length, empty in rows that are older than it."""
    return Field(default="", sa_type=Text, nullable=False, sa_column_kwargs={"server_default": ""})


def long(default: str = "") -> Any:
    """Return text of any length."""
    return Field(default=default, sa_type=Text, nullable=False)


def counted() -> Any:
    """Return a number that may grow large, zero in rows that are older than it."""
    return Field(default=0, sa_type=BigInteger, nullable=False, sa_column_kwargs={"server_default": "0"})
