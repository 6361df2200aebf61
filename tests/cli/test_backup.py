"""Everything a hub keeps, into a file and out of it again, through the real command."""

import atexit
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from sqlmodel import Session

from tests.databases import database_url, sqlite_url
from tests.store import data
from tests.store.test_migrations import REVISIONS, connected
from trusthub.cli import main
from trusthub.store import migrate
from trusthub.store.session import Database
from trusthub.store.tables import Row, Sandbox

__all__ = ["database_url", "sqlite_url"]
Contents = dict[str, list[dict[str, object]]]
Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("TRUSTHUB_SECRET_KEY", "the secret")

    def command(url: str, *arguments: object, **environment: str) -> Result:
        variables = {"TRUSTHUB_DATABASE_URL": url, **environment}
        return CliRunner().invoke(main, [str(each) for each in arguments], env=variables)

    return command


def filled(url: str) -> Contents:
    """Make a database with rows in every table; return them."""
    if url.startswith("sqlite"):
        shutil.copyfile(_once(), url.removeprefix("sqlite:///"))
    else:
        assert (
            CliRunner()
            .invoke(main, ["restore", str(_packed()), "--hub-was-stopped"], env={"TRUSTHUB_DATABASE_URL": url})
            .exit_code
            == 0
        )
    return read(url)


@cache
def _once() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="trusthub-filled-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    fill(f"sqlite:///{folder}/hub.db", REVISIONS[-1])
    return folder / "hub.db"


@cache
def _packed() -> Path:
    file = _once().with_suffix(".zip")
    made = CliRunner().invoke(main, ["backup", str(file)], env={"TRUSTHUB_DATABASE_URL": f"sqlite:///{_once()}"})
    assert made.exit_code == 0, made.output
    return file


def fill(url: str, until: str) -> None:
    """Make a database at a revision, with rows in every table."""
    database = Database(url)
    for revision in REVISIONS[: REVISIONS.index(until) + 1]:
        migrate.upgrade(database, revision)
        with connected(database) as connection:
            data.load(connection, revision)
    database.close()


def read(url: str) -> Contents:
    """Return every row, read with the code's own types, so that both databases give the same."""
    database = Database(url)
    with database.reading() as session:
        found = {
            table.name: [dict(row) for row in session.execute(table.select().order_by(*table.primary_key)).mappings()]
            for table in Row.metadata.sorted_tables
        }
    database.close()
    return found


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    kind = request.param
    return f"sqlite:///{tmp_path}/new/hub.db" if kind == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.mark.parametrize("elsewhere", ["sqlite", "postgresql"], indirect=True)
def test_it_moves_from_sqlite(tmp_path: Path, run: Run, elsewhere: str) -> None:
    check_move(tmp_path, run, f"sqlite:///{tmp_path}/hub.db", elsewhere)


def test_it_moves_from_postgresql_to_sqlite(tmp_path: Path, run: Run, postgres_url: str) -> None:
    check_move(tmp_path, run, postgres_url, f"sqlite:///{tmp_path}/new/hub.db")


def check_move(folder: Path, run: Run, here: str, there: str) -> None:
    before = filled(here)
    done = run(here, "backup", folder)
    assert done.exit_code == 0, done.output
    (file,) = folder.glob("trusthub-*.zip")
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(folder.glob(".*")) == []
    assert run(here, "restore", file, "--check").output.startswith(f"{file} is whole: ")

    done = run(there, "restore", file, "--hub-was-stopped")
    assert done.exit_code == 0, done.output
    after = read(there)
    assert after == before
    assert "will not work" not in done.output
    database = Database(there)
    assert migrate.differs(database) is None
    database.close()


@pytest.mark.parametrize("revision", [REVISIONS[0], REVISIONS[-2]])
def test_a_backup_of_an_older_hub_is_brought_up_to_date(
    tmp_path: Path, run: Run, database_url: str, revision: str
) -> None:
    old = f"sqlite:///{tmp_path}/old.db"
    fill(old, revision)
    assert run(old, "backup", tmp_path / "old.zip").exit_code == 0
    done = run(database_url, "restore", tmp_path / "old.zip")
    assert done.exit_code == 0, done.output
    assert f"revision {revision}" in done.output
    database = Database(database_url)
    assert migrate.differs(database) is None
    database.close()
    assert [row["name"] for row in read(database_url)["person"]] == ["Ana"]


def test_leases_are_returned_and_what_waits_is_doubted(tmp_path: Path, run: Run, database_url: str) -> None:
    filled(database_url)
    database = Database(database_url)
    with database.transaction() as session:
        session.execute(sa.text("UPDATE lane SET claim = 'dead.1', due = '2999-01-01 00:00:00+00:00'"))
    database.close()
    assert run(database_url, "backup", tmp_path / "b.zip").exit_code == 0
    target = f"sqlite:///{tmp_path}/new.db"
    done = run(target, "restore", tmp_path / "b.zip")
    assert "1 messages wait, the oldest since 2026-11-22 14:02:00 UTC." in done.output
    now = read(target)
    assert {row["claim"] for row in now["lane"]} == {None}
    assert max(str(row["due"]) for row in now["lane"]) < "2999"
    assert {(row["state"], row["ambiguous"]) for row in now["delivery"]} == {("pending", True), ("done", False)}


def test_what_was_deleted_does_not_come_back_as_something_else(tmp_path: Path, run: Run, database_url: str) -> None:
    filled(database_url)
    database, target = Database(database_url), Database(f"sqlite:///{tmp_path}/new.db")
    with database.transaction() as session:
        numbers = [add(session, "kept") for _ in range(3)]
        session.execute(sa.delete(Sandbox).where(sa.column("id") > 0))
    assert run(database_url, "backup", tmp_path / "b.zip").exit_code == 0
    assert run(target.url, "restore", tmp_path / "b.zip").exit_code == 0
    with target.transaction() as session:
        assert add(session, "new") == numbers[-1] + 1
    database.close()
    target.close()


def add(session: Session, kind: str) -> int:
    row = Sandbox(kind=kind, at=data.AT)
    session.add(row)
    session.flush()
    return row.id


def test_attachments_go_along(tmp_path: Path, run: Run, sqlite_url: str) -> None:
    filled(sqlite_url)
    (tmp_path / "files" / "12").mkdir(parents=True)
    (tmp_path / "files" / "12" / "screen.png").write_bytes(b"\x89PNG" * 50_000)
    assert "1 files" in run(sqlite_url, "backup", tmp_path / "b.zip").output
    target = f"sqlite:///{tmp_path}/new/hub.db"
    assert run(target, "restore", tmp_path / "b.zip").exit_code == 0
    assert (tmp_path / "new" / "files" / "12" / "screen.png").read_bytes() == b"\x89PNG" * 50_000


def test_the_secret_stays_out_unless_it_is_asked_for(tmp_path: Path, run: Run, sqlite_url: str) -> None:
    filled(sqlite_url)
    without = run(sqlite_url, "backup", tmp_path / "without.zip")
    assert "is not in it" in without.output
    with_it = run(sqlite_url, "backup", tmp_path / "with.zip", "--with-secret")
    assert "is in it. Keep the file as you keep the secret." in with_it.output
    for name, there in (("without", False), ("with", True)):
        with zipfile.ZipFile(tmp_path / f"{name}.zip") as archive:
            assert any(b"the secret" in archive.read(each) for each in archive.namelist()) is there

    other = run(f"sqlite:///{tmp_path}/1.db", "restore", tmp_path / "with.zip", TRUSTHUB_SECRET_KEY="another")
    assert other.exit_code == 0
    assert "links that people have will not work. Set the old one" in other.output
    none = run(f"sqlite:///{tmp_path}/2.db", "restore", tmp_path / "without.zip", TRUSTHUB_SECRET_KEY="")
    assert "will not work" in none.output
    assert not (tmp_path / "2.secret").exists()
    kept = run(f"sqlite:///{tmp_path}/3.db", "restore", tmp_path / "with.zip", TRUSTHUB_SECRET_KEY="")
    assert "will not work" not in kept.output
    assert (tmp_path / "3.secret").read_text() == "the secret"
    assert (tmp_path / "3.secret").stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_backed_up(tmp_path: Path, run: Run, sqlite_url: str) -> None:
    assert "There is no database" in run(sqlite_url, "backup", tmp_path / "b.zip").output
    assert not (tmp_path / "hub.db").exists()
    Database(sqlite_url).ping()
    assert "The database is empty" in run(sqlite_url, "backup", tmp_path / "b.zip").output
    assert not (tmp_path / "b.zip").exists()
    filled(sqlite_url)
    assert "TRUSTHUB_SECRET_KEY" in run(sqlite_url, "backup", tmp_path / "b.zip", TRUSTHUB_SECRET_KEY="").output
    (tmp_path / "b.zip").write_text("mine")
    assert "b.zip is there already. Name another file." in run(sqlite_url, "backup", tmp_path / "b.zip").output
    assert (tmp_path / "b.zip").read_text() == "mine"


def test_a_database_with_rows_is_not_touched(tmp_path: Path, run: Run, database_url: str) -> None:
    before = filled(database_url)
    assert run(database_url, "backup", tmp_path / "b.zip").exit_code == 0
    done = run(database_url, "restore", tmp_path / "b.zip")
    assert (done.exit_code, "is not empty, and a restore replaces nothing" in done.output) == (1, True)
    assert read(database_url) == before


def changed(source: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """Copy an archive part by part, changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if (content := change(name, old.read(name))) is not None:
                new.writestr(name, content)
    return target


DAMAGE: dict[str, tuple[Callable[[str, bytes], bytes | None], str]] = {
    "a part is changed": (
        lambda name, raw: raw.replace(b"Ana", b"Eve") if name == "tables/person.jsonl" else raw,
        "the part tables/person.jsonl is damaged or missing",
    ),
    "a part is gone": (
        lambda name, raw: None if name == "tables/event.jsonl" else raw,
        "the part tables/event.jsonl is damaged or missing",
    ),
    "no manifest": (lambda name, raw: None if name == "manifest.json" else raw, "it has no manifest.json"),
    "half a manifest": (lambda name, raw: raw[:99] if name == "manifest.json" else raw, "manifest.json is damaged"),
    "a newer revision": (
        lambda name, raw: raw.replace(b'"revision": "0', b'"revision": "9') if name == "manifest.json" else raw,
        "which this version",
    ),
    "a newer format": (
        lambda name, raw: raw.replace(b'"format": 1', b'"format": 2') if name == "manifest.json" else raw,
        "has the format 2; this version reads 1",
    ),
}


@pytest.mark.parametrize(("change", "said"), DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_archive_is_refused(
    tmp_path: Path, run: Run, sqlite_url: str, change: Callable[[str, bytes], bytes | None], said: str
) -> None:
    filled(sqlite_url)
    assert run(sqlite_url, "backup", tmp_path / "b.zip").exit_code == 0
    bad = changed(tmp_path / "b.zip", tmp_path / "bad.zip", change)
    done = run(f"sqlite:///{tmp_path}/new.db", "restore", bad)
    assert (done.exit_code, said in done.output) == (1, True), done.output
    with connected(Database(f"sqlite:///{tmp_path}/new.db")) as connection:
        assert data.contents(connection) == {}


def test_a_file_that_was_cut_off_or_bent(tmp_path: Path, run: Run, sqlite_url: str) -> None:
    filled(sqlite_url)
    assert run(sqlite_url, "backup", tmp_path / "b.zip").exit_code == 0
    whole = (tmp_path / "b.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    assert "or its end is missing" in run("sqlite:////nowhere", "restore", tmp_path / "cut.zip", "--check").output
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        place = archive.getinfo("tables/event.jsonl").header_offset + 80
    bent = bytearray(whole)
    bent[place] ^= 0xFF
    (tmp_path / "bent.zip").write_bytes(bent)
    assert "event.jsonl is damaged" in run("sqlite:////nowhere", "restore", tmp_path / "bent.zip", "--check").output


def test_a_file_from_outside_goes_nowhere_else(tmp_path: Path, run: Run, sqlite_url: str) -> None:
    filled(sqlite_url)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a").write_text("harm")
    assert run(sqlite_url, "backup", tmp_path / "b.zip").exit_code == 0

    def outside(name: str, raw: bytes) -> bytes:
        if name != "manifest.json":
            return raw
        said = json.loads(raw)
        said["files"][0]["name"] = "files/../../escaped"
        return json.dumps(said).encode()

    bad = changed(tmp_path / "b.zip", tmp_path / "bad.zip", outside)
    with zipfile.ZipFile(bad, "a") as archive:
        archive.writestr("files/../../escaped", "harm")
    done = run(f"sqlite:///{tmp_path}/deep/new.db", "restore", bad)
    assert "does not belong in a backup" in done.output
    assert not (tmp_path / "escaped").exists()
