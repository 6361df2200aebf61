"""Headers and checks that every page has, and the limits of what strangers may post."""

from urllib.parse import urlsplit

from flask import Flask, Request, Response
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from trusthub.services.hub import Hub

SCRIPTS = "script-src 'self'"
"""What the published pages may do besides: run our own files, without which they say the same."""
POST_LIMIT = "10 per minute"
"""How often one address may write to us in public."""


def headers(hub: Hub, *more: str) -> list[tuple[str, str]]:
    """Return the headers of every answer: no script, nothing from elsewhere, no frame around us; `more` as `policy`."""
    return [
        ("Content-Security-Policy", policy(hub, *more)),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ]


def policy(hub: Hub, *more: str) -> str:
    """Return what a browser may do with a page of ours, and what it may do besides, such as `script-src 'self'`."""
    rules = ("default-src 'none'", "style-src 'self'", "img-src 'self' data:", *more)
    form = f"form-action 'self' {_origin(hub.front)}"
    return "; ".join((*rules, form, "base-uri 'none'", "frame-ancestors 'none'"))


def protect(app: Flask, hub: Hub) -> None:
    """Add the headers to what Flask answers; a route may have set a stricter one."""
    fixed = headers(hub)

    @app.after_request
    def _add(response: Response) -> Response:
        for name, value in fixed:
            response.headers.setdefault(name, value)
        return response


def limiter(app: Flask) -> Limiter:
    """Return the limiter of public forms. It counts in memory: each process lets its share through."""
    return Limiter(get_remote_address, app=app, storage_uri="memory://", headers_enabled=True)


def foreign(request: Request, hub: Hub) -> bool:
    """Whether a browser says that a form came from a site that is not ours.

    Public forms carry no session that a foreign site could ride on; this only keeps strangers' pages from posting.
    """
    origin = request.headers.get("Origin")
    return origin not in {None, _origin(hub.front), _origin(hub.page.url), _origin(request.host_url)}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
