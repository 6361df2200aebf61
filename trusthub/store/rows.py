"""Rows out of one database and into another, whichever of the two kinds each is.

Tables are taken as the database has them, not as the code does: a backup of an older hub is still one.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from trusthub.store.archive import ArchiveError, Column, TablePart
from trusthub.store.tables import Row

_BATCH = 1000
"""Rows that are in memory at once."""
_KINDS: tuple[tuple[type[sa.types.TypeEngine[Any]], str], ...] = (
    (sa.JSON, "json"),
    (sa.DateTime, "time"),
    (sa.Boolean, "bool"),
    (sa.LargeBinary, "bytes"),
    (sa.Integer, "int"),
    (sa.Numeric, "float"),
    (sa.String, "text"),
)


def tables(connection: sa.Connection) -> list[sa.Table]:
    """Return our tables as a database has them, each after those that it refers to."""
    found = sa.MetaData()
    found.reflect(connection, only=lambda name, _: name in Row.metadata.tables)
    return found.sorted_tables


def columns(table: sa.Table) -> tuple[Column, ...]:
    """Return the columns of a table."""
    return tuple(Column(name=each.name, kind=_kind(each)) for each in table.columns)


def _kind(column: sa.Column[Any]) -> str:
    return next(kind for sort, kind in _KINDS if isinstance(column.type, sort))


def lines(connection: sa.Connection, table: sa.Table) -> Iterator[bytes]:
    """Yield a JSON array with a newline for each row, as the transaction of `connection` sees the table."""
    kinds = [column.kind for column in columns(table)]
    chosen = [sa.cast(each, sa.Text) if _kind(each) == "json" else each for each in table.columns]
    query = sa.select(*chosen).order_by(*table.primary_key)
    writers = [_WRITE.get(kind) for kind in kinds]
    for row in connection.execution_options(yield_per=_BATCH).execute(query):
        values = [
            write(value) if write and value is not None else value for write, value in zip(writers, row, strict=True)
        ]
        yield json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _time(at: datetime) -> str:
    return (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)).isoformat()


_WRITE: Mapping[str, Callable[[Any], Any]] = {"time": _time, "bytes": lambda raw: base64.b64encode(raw).decode()}
_READ: Mapping[str, Callable[[Any], Any]] = {"time": datetime.fromisoformat, "bytes": base64.b64decode}


def last_id(connection: sa.Connection, table: sa.Table) -> int | None:
    """Return the highest id that a table ever gave out; None for one whose ids do not count by themselves."""
    if "id" not in table.columns:
        return None
    if connection.dialect.name == "sqlite":
        given = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        return int(connection.execute(given, {"name": table.name}).scalar() or 0)
    sequence = _sequence(connection, table)
    given = sa.text(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}")  # noqa: S608 -- its own name
    return int(connection.execute(given).scalar_one()) if sequence else None


def fill(connection: sa.Connection, table: sa.Table, part: TablePart, rows: Iterable[bytes]) -> None:
    """Put the lines of a part into an empty table. Raises ArchiveError when the database does not take them."""
    names = [column.name for column in part.columns]
    if unknown := set(names) - set(table.columns.keys()):
        raise ArchiveError(f"{part.name}: the table {part.table} has no column {min(unknown)}.")
    put = _insert if connection.dialect.name == "sqlite" else _copy
    try:
        put(connection, table, names, _values(part, rows))
    except (sa.exc.DBAPIError, ValueError, connection.dialect.loaded_dbapi.Error) as error:
        why = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        raise ArchiveError(f"{part.name} cannot be put into this database: {why}") from error
    _count_on(connection, table, part.last_id)


def _values(part: TablePart, rows: Iterable[bytes]) -> Iterator[list[Any]]:
    readers = [_READ.get(column.kind) for column in part.columns]
    for line in rows:
        values = zip(readers, json.loads(line), strict=True)
        yield [read(value) if read and value is not None else value for read, value in values]


def _insert(connection: sa.Connection, table: sa.Table, names: list[str], rows: Iterator[list[Any]]) -> None:
    """SQLite: documents go in as the text that they are."""
    plain = [
        sa.Column(name, sa.Text() if isinstance(table.c[name].type, sa.JSON) else table.c[name].type) for name in names
    ]
    statement = sa.Table(table.name, sa.MetaData(), *plain).insert()
    while batch := list(islice(rows, _BATCH)):
        bare = [[_naive(value) for value in row] for row in batch]
        connection.execute(statement, [dict(zip(names, row, strict=True)) for row in bare])


def _naive(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def _copy(connection: sa.Connection, table: sa.Table, names: list[str], rows: Iterator[list[Any]]) -> None:
    """PostgreSQL: COPY reads every value as text, which each type understands."""
    quote = connection.dialect.identifier_preparer.quote
    statement = f"COPY {quote(table.name)} ({', '.join(map(quote, names))}) FROM STDIN"
    driver: Any = connection.connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _count_on(connection: sa.Connection, table: sa.Table, given: int | None) -> None:
    """Let new ids come after all that were ever given: what was deleted must not come back as something else."""
    if given is None:
        return
    there = connection.execute(sa.select(sa.func.max(table.c.id))).scalar()
    if not (last := max(given, there or 0)):
        return
    if connection.dialect.name == "sqlite":
        where = {"name": table.name, "last": last}
        if not connection.execute(sa.text("UPDATE sqlite_sequence SET seq = :last WHERE name = :name"), where).rowcount:
            connection.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), where)
    elif sequence := _sequence(connection, table):
        connection.execute(sa.text("SELECT setval(:sequence, :last)"), {"sequence": sequence, "last": last})


def _sequence(connection: sa.Connection, table: sa.Table) -> str | None:
    named = connection.dialect.identifier_preparer.quote(table.name)
    found = connection.execute(sa.text("SELECT pg_get_serial_sequence(:table, 'id')"), {"table": named}).scalar()
    return str(found) if found else None


def is_empty(connection: sa.Connection) -> bool:
    """Whether none of our tables has a row."""
    return all(
        connection.execute(sa.select(sa.literal(1)).select_from(each).limit(1)).first() is None
        for each in tables(connection)
    )
