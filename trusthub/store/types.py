"""Column types that behave the same on SQLite and PostgreSQL."""

import secrets
import string
from datetime import UTC, datetime

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, types

BigId = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts ids by itself only in an INTEGER column."""

_ALPHABET = string.ascii_lowercase + string.digits


def public_id() -> str:
    """Return 12 random [a-z0-9], the shape of Statuspage's ids."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(12))


class UtcDateTime(types.TypeDecorator[datetime]):
    """A time that is always aware and always UTC.

    `DateTime(timezone=True)` stores 12:00+05:00 as 12:00 on SQLite, and gives naive values back; so naive values are
    refused and offsets converted here.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[datetime]:
        """Use timestamptz where there is one."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"A time without a zone cannot be stored: {value!r}")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- the signature is SQLAlchemy's
        """Return UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
