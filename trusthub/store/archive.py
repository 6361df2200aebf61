"""The file that a backup is: a zip with a part for each table and each kept file, and a manifest that names them all.

It is written and read as a stream, so that its size costs no memory. A zip and JSON lines, so that it can be looked
into without us. The manifest is written last: a file without one was not finished.
"""

import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from trusthub.errors import TrusthubError

FORMAT = 1
MANIFEST = "manifest.json"
_CHUNK = 1 << 16
_LEVEL = 3
"""Of deflate: half the time of the usual 6, for a file that is a few percent larger."""
_LONGEST_MANIFEST = 1 << 26


class ArchiveError(TrusthubError):
    """A backup that cannot be made or used. The text says why, names the part, and says what to do."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(_Frozen):
    """A file in the archive."""

    name: str
    sha256: str
    size: int
    """Bytes before they are packed."""


class Column(_Frozen):
    """A column, and how its values are written."""

    name: str
    kind: Literal["int", "float", "bool", "text", "json", "time", "bytes"]
    """`json` is the text of a document, `time` is ISO 8601 in UTC, `bytes` is base64; the others are JSON's own."""


class TablePart(Part):
    """A table: each line is a JSON array with a row's values in the order of the columns."""

    table: str
    columns: tuple[Column, ...]
    rows: int
    last_id: int | None = None
    """The highest id that was ever given, which no new row may get; None where ids do not count by themselves."""


class Manifest(_Frozen):
    """What an archive holds."""

    format: int
    version: str
    """Of trusthub."""
    taken_at: AwareDatetime
    revision: str
    """The newest migration of the database it was taken from."""
    key_id: str
    """Names the secret that signs private links without telling it."""
    secret: str | None = None
    tables: tuple[TablePart, ...]
    files: tuple[Part, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """Everything but the manifest itself."""
        return (*self.tables, *self.files)


class Writer:
    """Adds parts to an archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        """Use `writing`, which also puts the file in its place."""
        self._archive = archive

    def part(self, name: str, chunks: Iterable[bytes]) -> Part:
        """Add a part; return what the manifest says of it."""
        digest, size = hashlib.sha256(), 0
        with self._archive.open(name, "w", force_zip64=True) as out:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                out.write(chunk)
        return Part(name=name, sha256=digest.hexdigest(), size=size)

    def finish(self, manifest: Manifest) -> None:
        """Add the manifest."""
        self._archive.writestr(MANIFEST, manifest.model_dump_json(indent=1, exclude_none=True))


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """Give a writer of a new archive that only its owner can read; it is there under its name once it is whole.

    Raises ArchiveError when there is such a file, and OSError as the disk does.
    """
    if path.exists():
        raise ArchiveError(f"{path} is there already. Name another file.")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as raw:
            with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
                yield Writer(archive)
            raw.flush()
            os.fsync(raw.fileno())
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)


class Reader:
    """Reads an archive whose manifest is right. `verify` checks the rest."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        """Use `reading`."""
        self.path, self._archive = path, archive
        self.manifest = self._manifest()

    def _manifest(self) -> Manifest:
        try:
            with self._archive.open(MANIFEST) as part:
                return Manifest.model_validate_json(part.read(_LONGEST_MANIFEST))
        except KeyError as error:
            raise ArchiveError(f"{self.path} is no backup of trusthub's: it has no {MANIFEST}.") from error
        except (ValidationError, *_BROKEN) as error:
            newer = isinstance(error, ValidationError) and "format" not in str(error)
            cure = "Take another copy of it." if not newer else "Take another copy, or a newer trusthub."
            raise ArchiveError(f"{self.path}: {MANIFEST} is damaged, or of another format. {cure}") from error

    def verify(self) -> None:
        """Read everything once. Raises ArchiveError that names the first part that is not as it was written."""
        if self.manifest.format != FORMAT:
            raise ArchiveError(
                f"{self.path} has the format {self.manifest.format}; this version reads {FORMAT}. Use a newer trusthub."
            )
        for part in self.manifest.parts:
            digest = hashlib.sha256()
            for chunk in self.chunks(part):
                digest.update(chunk)
            if digest.hexdigest() != part.sha256:
                raise self._damaged(part)

    def chunks(self, part: Part) -> Iterator[bytes]:
        """Yield the bytes of a part."""
        try:
            with self._archive.open(part.name) as opened:
                while chunk := opened.read(_CHUNK):
                    yield chunk
        except _BROKEN as error:
            raise self._damaged(part) from error

    @contextmanager
    def lines(self, part: Part) -> Iterator[Iterable[bytes]]:
        """Give a part to be read line by line."""
        with self._archive.open(part.name) as opened, io.BufferedReader(opened, _CHUNK) as buffered:  # type: ignore[type-var] # it reads as raw files do
            yield buffered

    def _damaged(self, part: Part) -> ArchiveError:
        return ArchiveError(
            f"{self.path}: the part {part.name} is damaged or missing. Take another copy of the backup."
        )


_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError, ValueError)
"""What `zipfile` raises for bytes that are not what they were."""


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Give a reader of an archive. Raises ArchiveError when it is none, and OSError when it cannot be read."""
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ArchiveError(f"{path} is no backup, or its end is missing. Take another copy of it.") from error
    with archive:
        yield Reader(path, archive)
