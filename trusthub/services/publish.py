"""The public page as files: rendered once a change from the same rows, kept in the database and on disk."""

import hashlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import starmap
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlmodel import Session, col

from trusthub.services import calendar, elsewhere, feeds, history, ledger, published, report, statuspage
from trusthub.services.cases import the_page
from trusthub.services.hub import Hub
from trusthub.services.packing import SUFFIX
from trusthub.store.tables import Delivery, Page, Snapshot

HTML, JSON = "text/html; charset=utf-8", "application/json; charset=utf-8"
_LANE = "page:main"
"""Of all pages: what is told may be on each of them."""
_TRIES = 5
_LANGUAGE = re.compile(r"/([a-z]{2}(?:[-_][A-Z]{2})?)/")
"""What the pages in a language other than the page's own begin with."""
_FRESH = timedelta(minutes=5)
"""How long a page may go without being rendered."""


@dataclass(frozen=True, slots=True)
class File:
    """One published file."""

    path: str
    content_type: str
    body: bytes

    @property
    def etag(self) -> str:
        """A weak tag from the content: proxies may compress it."""
        return f'W/"{hashlib.sha256(self.body).hexdigest()[:20]}"'


def publish(
    hub: Hub, now: datetime, folder: Path | None = None, *, through: int | None = None, everything: bool = False
) -> str:
    """Render each page and store it as one version; write plain files when `folder` is given. Return the first's.

    Only what everybody may read becomes files. `through` is the delivery that asks: when a page has taken it in
    already, because many asked at once, nothing is done. With `everything`, incidents that did not change are rendered
    too. Rendering happens outside of a transaction, so it is repeated when somebody else published in between.
    """
    made = [_publish(each, now, published.place_of(each, folder), through, everything=everything) for each in hub.pages]
    return made[0]


def _publish(hub: Hub, now: datetime, folder: Path | None, through: int | None, *, everything: bool) -> str:
    for _ in range(_TRIES):
        with hub.database.reading() as session:
            page, newest = the_page(session, hub), _newest(session)
            if through is not None and page.rendered >= through:
                return str(page.version)
            files = render(session, hub, now, everything=everything)
        with hub.database.transaction() as session:
            mine = update(Page).where(col(Page.id) == page.id, col(Page.version) == page.version)
            values = {"version": page.version + 1, "rendered": newest, "updated_at": now}
            if session.execute(mine.values(**values).returning(col(Page.id))).first():
                _store(session, page, files)
                gone = _drop_languages(session, hub, page)
                break
    else:
        raise RuntimeError("The page changed faster than it could be rendered.")
    if folder is not None:
        write(files, folder)
        for code in gone:
            if (folder / code / "index.html").is_file():  # else it is none of ours
                shutil.rmtree(folder / code, ignore_errors=True)
    return str(page.version + 1)


def refresh(hub: Hub, now: datetime, folder: Path | None = None) -> None:
    """Publish anew when the page is old: it says as of when it is true, and a calm page must not look forgotten."""
    with hub.database.reading() as session:
        old = any(the_page(session, each).updated_at + _FRESH <= now for each in hub.pages)
    if old:
        publish(hub, now, folder, everything=True)


def _newest(session: Session) -> int:
    """Return the newest delivery for the page. Within a lane ids are in the order of commits: none below is unseen."""
    return session.execute(select(func.max(Delivery.id)).where(col(Delivery.lane) == _LANE)).scalar() or 0


def render(session: Session, hub: Hub, now: datetime, *, everything: bool = False) -> list[File]:
    """Render every file of the page from one consistent state, in every language of the page."""
    pages = [file for code in hub.page.locales for file in _pages(session, hub, now, code, everything=everything)]
    past = history.History(session, hub, now)
    views = [report.page(session, hub, now, code) for code in hub.page.locales]
    promised = ledger.documents(session, hub, views, everything=everything)
    return [
        *pages,
        *starmap(File, elsewhere.files(hub, views)),
        *(File(path, HTML, body) for view in views for path, body in past.pages(hub, view, everything=everything)),
        *(File(path, JSON if path.endswith(".json") else HTML, body) for path, body in promised),
        *(File(path, JSON, body) for path, body in statuspage.documents(session, hub, now).items()),
    ]


def _pages(session: Session, hub: Hub, now: datetime, locale: str, *, everything: bool) -> Iterator[File]:
    """Render what people read, in one language."""
    prefix, templates = hub.page.prefix(locale), hub.configuration.templates
    view, incidents = report.page(session, hub, now, locale), report.each_once(session, hub, now, locale)
    components, shown = report.components(session, hub, now), report.shown(session, hub, now, incidents)
    planned = report.planned(session, hub, incidents)
    unresolved = tuple(incident for incident in shown if not incident.over)
    recent = tuple(incident for incident in shown if incident.over)
    status = templates.page(
        "pages/status.html",
        locale,
        page=view,
        components=components,
        incidents=unresolved,
        planned=planned,
        recent=recent,
    )
    yield File(f"{prefix}/", HTML, status.encode())
    for incident in report.changed(session, hub, incidents, prefix=prefix, everything=everything):
        body = templates.page("pages/incident.html", locale, page=view, incident=incident)
        yield File(f"{prefix}/incidents/{incident.public_id}", HTML, body.encode())
    yield from starmap(File, feeds.feeds(hub, view, report.latest(session, hub, incidents)))
    for path, entry in calendar.documents(session, hub, now, locale):
        yield File(path, calendar.CONTENT_TYPE, entry)


def write(files: list[File], folder: Path) -> None:
    """Write the files so that a reader sees each either old or new, never half; pages become `<path>/index.html`."""
    if not any(ledger.belongs(file.path) for file in files):
        name = ledger.PATH.lstrip("/")
        for pages in (folder / name, *folder.glob(f"*/{name}")):
            shutil.rmtree(pages, ignore_errors=True)
        for suffix in ("", *SUFFIX.values()):
            (folder / f"{name}.json{suffix}").unlink(missing_ok=True)
    for file in files:
        published.put(published.target(folder, file.path), file.body)


def _drop_languages(session: Session, hub: Hub, page: Page) -> set[str]:
    """Take out the pages in languages that the site does not speak any more; return the codes of all such languages."""
    paths = session.execute(select(col(Snapshot.path)).where(col(Snapshot.page_id) == page.id)).scalars().all()
    published = {found[1] for path in paths if (found := _LANGUAGE.match(path))}
    spoken = {hub.page.prefix(code) for code in hub.page.locales}
    gone = {code for code in {*hub.configuration.templates.locales, *published} if f"/{code}" not in spoken}
    old = [path for path in paths if path.startswith(tuple(f"/{code}/" for code in gone))]
    if old:
        session.execute(delete(Snapshot).where(col(Snapshot.page_id) == page.id, col(Snapshot.path).in_(old)))
    return gone


def _store(session: Session, page: Page, files: list[File]) -> None:
    known = dict(
        session.execute(select(col(Snapshot.path), col(Snapshot.etag)).where(col(Snapshot.page_id) == page.id)).all()
    )
    version = page.version + 1
    if not any(ledger.belongs(file.path) for file in files):  # the site keeps its ledger to itself now
        gone = [path for path in known if ledger.belongs(path)]
        session.execute(delete(Snapshot).where(col(Snapshot.page_id) == page.id, col(Snapshot.path).in_(gone)))
    for file in files:
        if known.get(file.path) == file.etag:
            continue
        values: dict[str, Any] = {
            "version": version,
            "etag": file.etag,
            "content_type": file.content_type,
            "body": file.body,
        }
        if file.path in known:
            here = (col(Snapshot.page_id) == page.id, col(Snapshot.path) == file.path)
            session.execute(update(Snapshot).where(*here).values(**values))
        else:
            session.add(Snapshot(page_id=page.id, path=file.path, **values))
