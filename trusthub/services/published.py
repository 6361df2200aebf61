"""The folder that a web server publishes: whole files, of pages that everybody may read, and nothing else of ours."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import select
from sqlmodel import col

from trusthub.domain.page import Access
from trusthub.services.hub import Hub
from trusthub.services.packing import SUFFIX, packed
from trusthub.store.tables import Page, Snapshot


def place_of(hub: Hub, folder: Path | None) -> Path | None:
    """Return where the files of a page belong: `folder`, or one in it by the key of each of several; None if closed."""
    if folder is None or hub.page.access is not Access.PUBLIC:
        return None
    return folder if hub.alone else folder / hub.page.key


def target(folder: Path, path: str) -> Path:
    """Return the file of a path; pages become `<path>/index.html`."""
    name = path.lstrip("/")
    return folder / name if Path(name).suffix else folder / name / "index.html"


def _holds(target: Path, body: bytes) -> bool:
    """Whether a file is as it should be, and has its compressed forms: those are written first."""
    forms = (target.with_name(target.name + suffix) for suffix in SUFFIX.values())
    return target.exists() and target.read_bytes() == body and all(form.exists() for form in forms)


def put(target: Path, body: bytes) -> None:
    """Write a file and its compressed forms, each of which a web server sends as it is, unless they are there."""
    if _holds(target, body):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    forms = {SUFFIX[encoding]: form for encoding, form in packed(body).items()}
    for suffix, form in {**forms, "": body}.items():
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as part:
            part.write(form)
            part.flush()
            os.fsync(part.fileno())
        Path(part.name).chmod(0o644)
        Path(part.name).replace(target.with_name(target.name + suffix))


def copy_static(source: Path, folder: Path, own: Mapping[str, bytes]) -> None:
    """Put style sheets and icons beside the published pages, and the page's `own` by name.

    Older ones stay: a page that a cache still has may name them.
    """
    for name, body in {**{path.name: path.read_bytes() for path in source.iterdir()}, **own}.items():
        put(folder / "static" / name, body)


def clear(hub: Hub, folder: Path) -> None:
    """Once all is published: take out what several pages show no more, and what one page alone had in the folder."""
    if hub.alone:
        return
    with hub.database.reading() as session:
        rows = select(col(Page.key), col(Snapshot.path)).join(Snapshot, col(Snapshot.page_id) == Page.id)
        paths = session.execute(rows).all()
        keys = session.execute(select(col(Page.key))).scalars().all()
    places = {each.page.key: place_of(each, folder) for each in hub.pages}
    shown = {target(place, path) for key, path in paths if (place := places.get(key))}
    for key in keys:
        for file in (folder / key).rglob("*"):
            ours = places.get(key) and (_whole(file) in shown or file.parent == folder / key / "static")
            if file.is_file() and not ours:
                file.unlink()
    begin = {path.split("/")[1] or "index.html" for _, path in paths} | {"static"}
    for name in begin - places.keys():
        shutil.rmtree(folder / name, ignore_errors=True)
        for suffix in ("", *SUFFIX.values()):
            (folder / f"{name}{suffix}").unlink(missing_ok=True)


def _whole(file: Path) -> Path:
    """Return the file that a compressed form is of."""
    return file.with_suffix("") if file.suffix in SUFFIX.values() else file
