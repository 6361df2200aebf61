"""The published page from memory, answered before Flask is entered. It stays up when the database does not."""

import hashlib
import mimetypes
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from trusthub.domain.page import Access
from trusthub.domain.page import Page as SitePage
from trusthub.services import ledger
from trusthub.services.hub import Hub
from trusthub.services.packing import Packed, chosen
from trusthub.store.tables import Page, Snapshot
from trusthub.web.entrance import CLOSED, PRIVATE, Entrance
from trusthub.web.public import PAGE
from trusthub.web.security import SCRIPTS, headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger()

CACHE = "max-age=10, public, s-maxage=10, stale-while-revalidate=20, stale-if-error=3600"
"""Statuspage's own policy."""
API = "/api/v2/"
OPEN = (
    ("Vary", "Accept, Accept-Encoding"),
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "ETag"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
)
"""For what other sites' pages read: documents, feeds, badge and widget. `Vary` as Statuspage has it."""
ASSETS = "max-age=3600, public, stale-if-error=86400"
"""Style sheets and scripts change with a release only."""
NEVER = "max-age=31536000, public, immutable"
"""What is named by what is in it."""
PICTURE = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""What an SVG may do that is opened by itself: be seen."""
_LOOK = 0.02
"""Seconds between looks at the database for a newer version."""

_GIVE_WAY = 0.003
"""Seconds that a reader waits while news comes in."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One file as it is served: headers and encodings are made once."""

    etag: str
    body: bytes
    packed: Packed
    headers: tuple[tuple[str, str], ...]


class Shown:
    """One page in memory: its files as of the newest version seen, and what comes with the hub."""

    def __init__(self, hub: Hub, assets: Path) -> None:
        """`assets` is the folder of style sheets and scripts, which every reader needs as well."""
        self.page, self._many = hub.page, len(hub.page.locales) > 1
        self.door = None if hub.page.access is Access.PUBLIC else Entrance(hub)
        self._security = tuple({**dict(headers(hub, SCRIPTS)), **dict(CLOSED if self.door else ())}.items())
        self.files: dict[str, Kept] = {}
        self.version = -1
        self._assets = {
            f"/static/{path.name}": self._asset(path.name, path.read_bytes())
            for path in assets.iterdir()
            if path.is_file()
        }
        self._assets |= {f"/static/{name}": self._asset(name, body, NEVER) for name, body in hub.look.files.items()}

    def get(self, path: str) -> Kept | None:
        """Return a file."""
        return self.files.get(path) or self._assets.get(path)

    def take(self, rows: Iterable[Snapshot], version: int) -> None:
        """Take in what is newer."""
        self.files = {**self.files, **{row.path: self._keep(row) for row in rows}}
        self.version = version

    def _keep(self, row: Snapshot) -> Kept:
        cache = PRIVATE if self.door else CACHE
        headers = [("Content-Type", row.content_type), ("ETag", row.etag), ("Cache-Control", cache)]
        if self.door:
            headers.append(("Vary", "Cookie, Authorization, Accept-Encoding, Accept-Language"))
        elif row.content_type.startswith("text/html"):
            headers.append(("Vary", "Accept-Encoding" + (", Accept-Language" if self._many else "")))
        else:
            headers += OPEN
        return Kept(row.etag, row.body, Packed(row.body), (*headers, *self._security))

    def _asset(self, name: str, body: bytes, cache: str = ASSETS) -> Kept:
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        kind += "; charset=utf-8" if kind.startswith("text/") else ""
        cache = PRIVATE if self.door else cache
        headers = (("Content-Type", kind), ("ETag", etag), ("Cache-Control", cache), ("Vary", "Accept-Encoding"))
        security = {**dict(self._security), **({"Content-Security-Policy": PICTURE} if name.endswith(".svg") else {})}
        return Kept(etag, body, Packed(body), (*headers, *security.items()))


class Snapshots:
    """Every file of every page, as of the newest version seen."""

    def __init__(self, hub: Hub, *, assets: Path) -> None:
        """`assets` is the folder of style sheets and scripts."""
        self._database = hub.database
        self._shown = {each.page.key: Shown(each, assets) for each in hub.pages}
        self._first = self._shown[hub.page.key]
        self._hosts = {each.page.host: each for each in self._shown.values()}
        self._looked = 0.0
        self._turn = threading.Lock()
        self._stale = True
        self._database.on_commit(self._changed)

    def _changed(self) -> None:
        self._stale = True

    def at(self, host: str) -> Shown:
        """Return the page of a host, the first for any other, after a look for newer versions when it is time to."""
        now = time.monotonic()
        if (self._stale or now - self._looked > _LOOK) and self._turn.acquire(blocking=False):
            try:
                self._stale, self._looked = False, now
                self._refresh()
            except SQLAlchemyError as error:
                log.warning("snapshot.database", error=type(error).__name__)
            finally:
                self._turn.release()
        if len(self._shown) == 1:
            return self._first  # whatever its host is called
        return self._hosts.get(host) or self._hosts.get(_plain(host), self._first)

    def _refresh(self) -> None:
        columns = (Page.key, Page.id, Page.version, Page.public_id, Page.link_version)
        with self._database.reading() as session:
            for key, number, version, *named in session.execute(select(*map(col, columns))):
                if (shown := self._shown.get(key)) is None:
                    continue  # site.yaml has it no more
                if shown.door:
                    shown.door.named = tuple(named)
                if version != shown.version:
                    newer = select(Snapshot).where(
                        col(Snapshot.page_id) == number, col(Snapshot.version) > shown.version
                    )
                    shown.take(session.execute(newer).scalars(), version)


def _plain(host: str) -> str:
    """Return a host as site.yaml has it: in small letters, without the port that goes without saying."""
    return host.lower().removesuffix(":443").removesuffix(":80")


def before(
    app: "WSGIApplication", snapshots: Snapshots, *, proxied: bool = False
) -> "Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]":
    """Wrap `app` so that published files are answered from memory, and so that it knows which page is meant.

    `proxied` says that proxies in front, which count, tell the host.
    """
    news = _News()

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        environ["wsgi.input_terminated"] = True  # granian's input ends with the body, chunked or not
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        told = environ.get("HTTP_X_FORWARDED_HOST", "").rpartition(",")[2].strip() if proxied else ""
        shown = snapshots.at(told or environ.get("HTTP_HOST", ""))
        environ[PAGE] = shown.page.key
        if shown.door and (refused := shown.door.refuse(environ)):
            return refused(environ, start)
        if method in {"GET", "HEAD"}:
            news.first()
            return _published(shown, environ, start) or app(environ, start)
        if path.startswith(API):
            return _nothing(start, shown)
        with news:
            return app(environ, start)

    return answer


def _published(shown: Shown, environ: dict[str, Any], start: "StartResponse") -> list[bytes] | None:
    """Answer with a published file, or with the way to one; None when there is none."""
    path = environ["PATH_INFO"]
    if kept := shown.get(path):
        where = _elsewhere(shown.page, path, environ)
        return _redirect(where, start, shown) if where and shown.get(where) else _serve(kept, environ, start)
    if shown.get(f"{path}/"):
        return _redirect(f"{path}/", start, shown)
    return _nothing(start, shown) if path.startswith(API) else None


class _News:
    """Lets what changes something go before readers: they are many, and Python runs one thread at a time.

    Beside 32 readers a rollback's hook was answered after 330 ms, and after 100 ms since they give way.
    """

    def __init__(self) -> None:
        self._under_way, self._turn = 0, threading.Lock()

    def __enter__(self) -> None:
        with self._turn:
            self._under_way += 1

    def __exit__(self, *_: object) -> None:
        with self._turn:
            self._under_way -= 1

    def first(self) -> None:
        """Give way, for a moment."""
        if self._under_way:
            time.sleep(_GIVE_WAY)


_IN_EACH = ("/incidents/", "/history/", ledger.PATH)
"""Where pages begin that are there in each language."""


def _elsewhere(page: SitePage, path: str, environ: dict[str, Any]) -> str | None:
    """Return the path of a page in the language that its reader wants, when this one is in the page's own.

    An address that names its language is served as it is: whoever chose one, by link or `?lang=`, stays with it.
    """
    if len(page.locales) == 1 or not (path in {"/", "/history"} or path.startswith(_IN_EACH)):
        return None
    chosen = parse_qs(environ.get("QUERY_STRING", "")).get("lang")
    accepted = parse_accept_header(environ.get("HTTP_ACCEPT_LANGUAGE", ""), LanguageAccept).values()
    prefix = page.prefix(page.nearest(*(chosen or accepted)))
    return f"{prefix}{path}" if prefix else None


def _nothing(start: "StartResponse", shown: Shown) -> list[bytes]:
    """Answer 404 without a word: a client that finds a body reads it."""
    start("404 Not Found", [("Content-Length", "0"), *(CLOSED if shown.door else OPEN[1:2])])
    return [b""]


def _redirect(path: str, start: "StartResponse", shown: Shown) -> list[bytes]:
    cache = PRIVATE if shown.door else CACHE
    headers = [("Location", path), ("Content-Length", "0"), ("Cache-Control", cache), ("Vary", "Accept-Language")]
    start("302 Found", headers)
    return [b""]


def _serve(kept: Kept, environ: dict[str, Any], start: "StartResponse") -> list[bytes]:
    if kept.etag in environ.get("HTTP_IF_NONE_MATCH", ""):
        start("304 Not Modified", list(kept.headers))
        return [b""]
    encoding = chosen(environ.get("HTTP_ACCEPT_ENCODING", ""))
    body = kept.packed[encoding] if encoding else kept.body
    extra = [("Content-Encoding", encoding)] if encoding else []
    start("200 OK", [*kept.headers, *extra, ("Content-Length", str(len(body)))])
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]
