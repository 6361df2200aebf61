"""A backup of everything a hub keeps, taken while it runs, and a hub made from one.

It is taken in one read transaction, which sees one state on both databases: SQLite's WAL keeps it without stopping
writers, PostgreSQL reads it REPEATABLE READ. SQLite's own backup API would begin anew with each write of another
process, and its file, like one of `pg_dump`, would fit one database only; this one fits both.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

import sqlalchemy as sa

from trusthub import __version__
from trusthub.services import signing
from trusthub.services.tokens import Tokens
from trusthub.settings import Settings
from trusthub.store import migrate, rows
from trusthub.store.archive import FORMAT, ArchiveError, Manifest, Part, Reader, TablePart, Writer, reading, writing
from trusthub.store.session import Database
from trusthub.store.tables import Delivery, Lane

_INSIDE = "files"
"""Where an archive has what customers attached."""
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of a restore."""

    manifest: Manifest
    waiting: int
    """Messages that the hub will send when it starts."""
    oldest: datetime | None
    """When the oldest of them was asked for."""
    same_secret: bool
    """Whether private links that were sent before still work."""


def back_up(settings: Settings, path: Path, now: datetime, *, with_secret: bool = False) -> Manifest:
    """Write everything into a new archive at `path`; return what is in it. The hub may run meanwhile.

    The secret that signs links is in it only `with_secret`. Raises ArchiveError.
    """
    if settings.sqlite_file is not None and not settings.sqlite_file.exists():
        raise ArchiveError(f"There is no database {settings.sqlite_file}. Set TRUSTHUB_DATABASE_URL.")
    secret = signing.known(settings)
    if secret is None:
        raise ArchiveError("TRUSTHUB_SECRET_KEY is not set, so the backup cannot name it. Set it as the hub has it.")
    with closing(Database(settings.database_url)) as database, writing(path) as archive:
        revision, tables = _tables(database, archive)
        manifest = Manifest(
            format=FORMAT,
            version=__version__,
            taken_at=now,
            revision=revision,
            key_id=Tokens(secret).key_id,
            secret=secret if with_secret else None,
            tables=tables,
            files=tuple(_files(settings, archive)),
        )
        archive.finish(manifest)
    return manifest


def _tables(database: Database, archive: Writer) -> tuple[str, tuple[TablePart, ...]]:
    with database.reading() as session:
        connection = session.connection()
        revision = migrate.current(connection)
        if revision is None:
            raise ArchiveError("The database is empty: there is nothing to back up.")
        found = []
        for table in rows.tables(connection):
            counted = _Counted(rows.lines(connection, table))
            part = archive.part(f"tables/{table.name}.jsonl", counted)
            last = rows.last_id(connection, table)
            more = {"table": table.name, "columns": rows.columns(table), "rows": counted.count, "last_id": last}
            found.append(TablePart(**part.model_dump(), **more))
        return revision, tuple(found)


class _Counted:
    """Lines, and how many there were."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines, self.count = lines, 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.count += 1
            yield line


def _files(settings: Settings, archive: Writer) -> Iterator[Part]:
    """Add what customers attached. It is read after the tables: a row never lacks its file."""
    folder = settings.files
    for file in sorted(folder.rglob("*")) if folder else ():
        if folder and file.is_file() and not file.is_symlink():
            name = PurePosixPath(_INSIDE, *file.relative_to(folder).parts)
            yield archive.part(str(name), _chunks(file))


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            yield chunk


def check(path: Path) -> Manifest:
    """Read an archive from end to end; return what is in it. Raises ArchiveError."""
    with reading(path) as archive:
        archive.verify()
        return archive.manifest


def restore(settings: Settings, path: Path, now: datetime, *, stopped: bool = False) -> Restored:
    """Fill an empty database from an archive, and bring it to the newest shape.

    Messages that waited are asked for at their provider before they are sent, because the hub may have sent them after
    the backup; not so when it was `stopped` before. Raises ArchiveError, and leaves the database empty then.
    """
    with reading(path) as archive, closing(Database(settings.database_url)) as database:
        archive.verify()
        _refuse(settings, archive, database)
        migrate.anew(database, archive.manifest.revision)
        with database.transaction() as session:
            _fill(session.connection(), archive)
            _as_after_a_crash(session.connection(), now, stopped=stopped)
        migrate.upgrade(database)
        _put_files(settings, archive)
        with database.reading() as session:
            waits = sa.select(sa.func.count(), sa.func.min(Delivery.created_at)).where(Delivery.state == "pending")  # type: ignore[arg-type] # SQLModel's columns
            waiting, oldest = session.execute(waits).one()
        return Restored(archive.manifest, waiting, oldest, _keep_secret(settings, archive.manifest))


def _refuse(settings: Settings, archive: Reader, database: Database) -> None:
    manifest = archive.manifest
    if not migrate.knows(manifest.revision):
        raise ArchiveError(
            f"{archive.path} has revision {manifest.revision} of the database, which this version ({__version__}) does "
            f"not know. Restore it with trusthub {manifest.version} or newer."
        )
    with database.reading() as session:
        if not rows.is_empty(session.connection()):
            raise ArchiveError("The database is not empty, and a restore replaces nothing. Name a new one.")
    if manifest.files and settings.files is None:
        raise ArchiveError("The archive has files that customers attached. Say where they go: set TRUSTHUB_FILES_DIR.")
    if manifest.files and settings.files and any(settings.files.glob("*")):
        raise ArchiveError(f"{settings.files} is not empty. Move it away first.")
    for part in manifest.files:
        inside = PurePosixPath(part.name).parts
        if inside[0] != _INSIDE or len(inside) == 1 or ".." in inside:
            raise ArchiveError(f"{archive.path}: {part.name} does not belong in a backup. Take another copy of it.")


def _fill(connection: sa.Connection, archive: Reader) -> None:
    """Fill the tables in an order in which each row finds what it refers to."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")  # a row may refer to a later one of its own table
    parts = {part.table: part for part in archive.manifest.tables}
    for table in rows.tables(connection):
        if part := parts.pop(table.name, None):
            with archive.lines(part) as lines:
                rows.fill(connection, table, part, lines)
    if parts:
        raise ArchiveError(f"{archive.path}: there is no table {min(parts)} at {archive.manifest.revision}.")


def _as_after_a_crash(connection: sa.Connection, now: datetime, *, stopped: bool) -> None:
    """Free the lanes of workers that are gone. Attempts stay open: who takes the lane next says that they were lost."""
    lane, delivery = (table.metadata.tables[str(table.__tablename__)] for table in (Lane, Delivery))
    free = sa.update(lane).where(lane.c.claim.is_not(None))
    until = sa.case((lane.c.due > now, now), else_=lane.c.due)
    connection.execute(free.values(claim=None, due=sa.type_coerce(until, lane.c.due.type)))
    if not stopped:
        connection.execute(sa.update(delivery).where(delivery.c.state == "pending").values(ambiguous=True))


def _put_files(settings: Settings, archive: Reader) -> None:
    if settings.files is None:
        return
    for part in archive.manifest.files:
        file = settings.files.joinpath(*PurePosixPath(part.name).parts[1:])
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            for chunk in archive.chunks(part):
                out.write(chunk)


def _keep_secret(settings: Settings, manifest: Manifest) -> bool:
    """Put a secret of the archive beside a SQLite database that has none; return whether old links work."""
    known, file = signing.known(settings), signing.beside(settings)
    if known is None and manifest.secret is not None and file is not None:
        known = signing.put(file, manifest.secret)
    return known is not None and Tokens(known).key_id == manifest.key_id
