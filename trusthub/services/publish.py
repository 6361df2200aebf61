"""The public page as files: rendered once a change from the same rows, kept in the database and on disk."""

import hashlib
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, starmap
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlmodel import Session, col

from trusthub.services import calendar, elsewhere, feeds, history, ledger, published, report, statuspage
from trusthub.services.cases import the_page
from trusthub.services.hub import Hub
from trusthub.services.packing import SUFFIX
from trusthub.services.views import PageView
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
            first, rest = render(session, hub, now, everything=everything)
            front = list(first)
            if _keep(hub, page, page.version, front) is None:
                continue
            files = [*front, *rest]
        gone = _keep(hub, page, page.version + 1, files, rendered=newest, updated_at=now)
        if gone is not None:
            break
    else:
        raise RuntimeError("The page changed faster than it could be rendered.")
    if folder is not None:
        write(files, folder)
        for code in gone:
            if (folder / code / "index.html").is_file():  # else it is none of ours
                shutil.rmtree(folder / code, ignore_errors=True)
    return str(page.version + 2)


def _keep(hub: Hub, page: Page, version: int, files: list[File], **whole: object) -> set[str] | None:
    """Store files as what comes after a version; None when somebody else has done so.

    With what is then true of the `whole` page, what it has no more is taken out; return the codes of its languages.
    """
    with hub.database.transaction() as session:
        mine = update(Page).where(col(Page.id) == page.id, col(Page.version) == version)
        if not session.execute(mine.values(version=version + 1, **whole).returning(col(Page.id))).first():
            return None
        _store(session, page, version + 1, files)
        if not whole:
            return set()
        if not any(ledger.belongs(file.path) for file in files):  # the site keeps its ledger to itself now
            _drop_ledger(session, page)
        return _drop_languages(session, hub, page)


def refresh(hub: Hub, now: datetime, folder: Path | None = None) -> None:
    """Publish anew when the page is old: it says as of when it is true, and a calm page must not look forgotten."""
    with hub.database.reading() as session:
        old = any(the_page(session, each).updated_at + _FRESH <= now for each in hub.pages)
    if old:
        publish(hub, now, folder, everything=True)


def _newest(session: Session) -> int:
    """Return the newest delivery for the page. Within a lane ids are in the order of commits: none below is unseen."""
    return session.execute(select(func.max(Delivery.id)).where(col(Delivery.lane) == _LANE)).scalar() or 0


def render(
    session: Session, hub: Hub, now: datetime, *, everything: bool = False
) -> tuple[Iterator[File], Iterator[File]]:
    """Render every file of the page from one consistent state, in every language of the page.

    Whoever worries reads the first ones, so these do not wait for feeds and months, which are rendered when asked for.
    """
    views = [report.page(session, hub, now, code) for code in hub.page.locales]
    known = [(view, report.each_once(session, hub, now, view.locale)) for view in views]
    first = chain.from_iterable(_front(session, hub, now, *each, everything=everything) for each in known)
    return first, _rest(session, hub, now, known, everything=everything)


def _front(
    session: Session, hub: Hub, now: datetime, view: PageView, incidents: report.View, *, everything: bool
) -> Iterator[File]:
    """Render what is read on the worst day, in one language."""
    templates = hub.configuration.templates
    components, shown = report.components(session, hub, now), report.shown(session, hub, now, incidents)
    planned = report.planned(session, hub, incidents)
    unresolved = tuple(incident for incident in shown if not incident.over)
    recent = tuple(incident for incident in shown if incident.over)
    status = templates.page(
        "pages/status.html",
        view.locale,
        page=view,
        components=components,
        incidents=unresolved,
        planned=planned,
        recent=recent,
    )
    yield File(f"{view.prefix}/", HTML, status.encode())
    for incident in report.changed(session, hub, incidents, prefix=view.prefix, everything=everything):
        body = templates.page("pages/incident.html", view.locale, page=view, incident=incident)
        yield File(f"{view.prefix}/incidents/{incident.public_id}", HTML, body.encode())


def _rest(
    session: Session,
    hub: Hub,
    now: datetime,
    known: Sequence[tuple[PageView, report.View]],
    *,
    everything: bool,
) -> Iterator[File]:
    """Render what programs read, and what is past."""
    views, past = [view for view, _ in known], history.History(session, hub, now)
    yield from (File(path, JSON, body) for path, body in statuspage.documents(session, hub, now).items())
    for view, incidents in known:
        yield from starmap(File, feeds.feeds(hub, view, report.latest(session, hub, incidents)))
        for path, entry in calendar.documents(session, hub, now, view.locale):
            yield File(path, calendar.CONTENT_TYPE, entry)
        yield from (File(path, HTML, body) for path, body in past.pages(hub, view, everything=everything))
    yield from starmap(File, elsewhere.files(hub, views))
    for path, body in ledger.documents(session, hub, views, everything=everything):
        yield File(path, JSON if path.endswith(".json") else HTML, body)


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


def _drop_ledger(session: Session, page: Page) -> None:
    """Take out the promises of a page that keeps them to itself now."""
    paths = session.execute(select(col(Snapshot.path)).where(col(Snapshot.page_id) == page.id)).scalars()
    gone = [path for path in paths if ledger.belongs(path)]
    session.execute(delete(Snapshot).where(col(Snapshot.page_id) == page.id, col(Snapshot.path).in_(gone)))


def _store(session: Session, page: Page, version: int, files: list[File]) -> None:
    known = dict(
        session.execute(select(col(Snapshot.path), col(Snapshot.etag)).where(col(Snapshot.page_id) == page.id)).all()
    )
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
