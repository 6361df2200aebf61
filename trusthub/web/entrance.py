"""The way into a page that is not for everybody: a link that was given to its readers, or a sign-in as at the console.

Whoever has no credential reads no byte of it, not even its name.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from werkzeug.wrappers import Request, Response

from trusthub.domain.page import Access
from trusthub.services import subscribe
from trusthub.services.closed import ENTER, LINK, READER, TICKET
from trusthub.services.hub import Hub
from trusthub.web.console_sign_in import ours

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

COOKIE = "page"
PRIVATE = "private, no-cache"
"""A browser may keep it and asks each time; nothing in between may."""
CLOSED = (("X-Robots-Tag", "noindex"), ("Referrer-Policy", "no-referrer"))
_STOPS = "/subscriptions/"
_STAYS = {Access.LINK: timedelta(days=90), Access.OIDC: timedelta(hours=1)}
"""How long a browser is let in. After an hour the console says again who it is, which its reader does not notice."""


class Entrance:
    """Lets in whoever has the page's credential, and nobody else."""

    def __init__(self, hub: Hub) -> None:
        """`hub` speaks for the page."""
        self._hub, self._access = hub, hub.page.access
        body = hub.configuration.templates.page("pages/closed.html", hub.page.main, language=hub.page.main)
        self._closed = body.encode()
        self.named: tuple[str, int] = ("", 0)
        """The page's public id, and the version of its link. Until they are known it opens for nobody."""

    def refuse(self, environ: Mapping[str, Any]) -> "WSGIApplication | None":
        """Return what answers a request instead of the page; None when it may go on."""
        request = Request(dict(environ), populate_request=False)
        path = request.path
        if path.startswith(ENTER) and request.method in {"GET", "HEAD"}:
            return self._enter(path.removeprefix(ENTER), request.args.get("next", "/"))
        return None if self._may(request) else self._answer(request)

    def _enter(self, token: str, path: str) -> Response:
        """Turn what stands in a link into a cookie, so that the link is seen once."""
        now = self._hub.clock()
        if not (self._given(token) if self._access is Access.LINK else self._until(TICKET, token)):
            return self._plain(403)
        stays = _STAYS[self._access]
        version = self.named[1] if self._access is Access.LINK else int((now + stays).timestamp())
        response = Response(status=303, headers={"Location": path if ours(path) else "/", "Cache-Control": "no-store"})
        response.headers.extend(CLOSED)
        response.set_cookie(
            COOKIE,
            self._hub.tokens.make(READER, self.named[0], version),
            max_age=stays,
            secure=self._hub.page.url.startswith("https://"),
            httponly=True,
            samesite="Lax",
        )
        return response

    def _may(self, request: Request) -> bool:
        """Whether a request has the credential, or is the mail reader's own button to stop mail (RFC 8058)."""
        stops = request.method == "POST" and request.path.startswith(_STOPS)
        if stops and subscribe.genuine(self._hub, request.path.removeprefix(_STOPS)):
            return True
        kept = request.cookies.get(COOKIE, "")
        if self._access is Access.OIDC:
            return self._until(READER, kept)
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self._hub.tokens.read(READER, kept) == self.named or self._given(bearer)

    def _given(self, token: str) -> bool:
        return self._hub.tokens.read(LINK, token) == self.named

    def _until(self, kind: str, token: str) -> bool:
        """Whether a token is of this page, and its time is not over."""
        read = self._hub.tokens.read(kind, token)
        return read is not None and read[0] == self.named[0] and read[1] > self._hub.clock().timestamp()

    def _answer(self, request: Request) -> Response | None:
        if request.path.startswith("/api/"):
            return Response(status=403, headers=[("Cache-Control", "no-store"), *CLOSED])
        if self._access is Access.OIDC and request.method in {"GET", "HEAD"}:
            to = f"{self._hub.base_url}/console/pages/{self.named[0]}?next={quote(request.path)}"
            return Response(status=303, headers=[("Location", to), ("Cache-Control", "no-store"), *CLOSED])
        return self._plain(403)

    def _plain(self, status: int) -> Response:
        headers = [("Cache-Control", "no-store"), ("Content-Security-Policy", "default-src 'none'"), *CLOSED]
        return Response(self._closed, status, headers, content_type="text/html; charset=utf-8")
