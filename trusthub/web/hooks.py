"""Where tools call: the raw bytes are verified first, then kept, then understood.

Accepted means 200 with a JSON object: Flagger takes 204 for a failure, and Jenkins cannot read an empty body.
"""

import difflib
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from werkzeug.wrappers import Request, Response

from trusthub.domain.site import Connection
from trusthub.errors import PayloadError, SignatureError
from trusthub.services import fetch, intake
from trusthub.services.hub import Hub
from trusthub.sources import SOURCES, reader_of
from trusthub.sources.base import Confirms, Inbound
from trusthub.web.door import Door, RefusedError, answer
from trusthub.web.security import headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PATH = re.compile(r"/hooks/([^/]+)(?:/([^/]+))?")
_METHODS = "POST, OPTIONS"
_CONFIRMING = {name: source for name, source in SOURCES.items() if isinstance(source, Confirms)}

log = structlog.get_logger()


def before(
    app: "WSGIApplication", hub: Hub, *, token: str, open_to_all: bool
) -> "Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]":
    """Wrap `app` so that hooks are answered before Flask is entered: half of the time of an event went there.

    `token` opens connections without a secret of their own; `open_to_all` is the demo's.
    """
    hooks = _Hooks(hub, token, open_to_all)
    fixed = headers(hub)

    def respond(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        path = _PATH.fullmatch(environ["PATH_INFO"])
        if path is None:
            return app(environ, start)
        response = hooks.respond(Request(environ), path[1], path[2] or "")
        response.headers.extend(fixed)
        return response(environ, start)

    return respond


class _Hooks:
    """Lets requests in, or says why not."""

    def __init__(self, hub: Hub, token: str, open_to_all: bool) -> None:  # noqa: FBT001 -- named by its one caller
        self._hub, self._token, self._open = hub, token, open_to_all
        self._door = Door(hub)

    def respond(self, request: Request, name: str, path_token: str) -> Response:
        if request.method == "OPTIONS":
            return _handshake(request)
        if request.method != "POST":
            return answer(405, {"Allow": _METHODS}, ok=False, error="Tools send their events by POST.")
        try:
            received = self._take(request, name, path_token)
        except RefusedError as error:
            return self._door.refuse(request, name, error)
        except Exception:  # the last one to see it: the sender tries again, and the log has the reason
            log.exception("hook.failed", connection=name)
            return answer(500, ok=False, error="The hub could not keep this event. Send it again.")
        return answer(ok=True, event=received.event_id, state=received.state)

    def _take(self, request: Request, name: str, path_token: str) -> intake.Received:
        connection = self._hub.configuration.connection(name)
        if connection is None:
            raise RefusedError(404, _unknown(self._hub, name))
        now = self._hub.clock()
        inbound = Inbound(
            body=self._door.read(request),
            headers={key.lower(): value for key, value in request.headers.items()},
            received_at=now,
            token=path_token,
            fetch=fetch.get,
        )
        try:
            if not self._open:
                _verify(connection, inbound, self._token)
            if wait := self._door.limits.accepted(name, connection.rate):
                raise RefusedError(429, wait=wait)
            with self._hub.traces.span("hook", parent=inbound.headers.get("traceparent", ""), connection=name):
                received = intake.receive(self._hub, name, connection, inbound, now)
            _confirm(connection, inbound, verified=not self._open)
        except SignatureError as error:
            log.warning("hook.refused", connection=name, reason=str(error))
            raise RefusedError(401, str(error)) from error
        except fetch.FetchError as error:  # SNS repeats what was answered with 5xx, and drops what got 4xx
            log.warning("hook.unreachable", connection=name, reason=str(error))
            raise RefusedError(503, str(error)) from error
        except PayloadError as error:
            raise RefusedError(400, str(error)) from error
        return received


def _handshake(request: Request) -> Response:
    """Allow deliveries when a CloudEvents sender asks (CloudEvents HTTP webhook specification, section 4)."""
    origin = request.headers.get("WebHook-Request-Origin")
    allowed = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"} if origin else {}
    return answer(200, {"Allow": _METHODS, **allowed}, ok=True)


def _verify(connection: Connection, inbound: Inbound, token: str) -> None:
    """Accept what any of the secrets in force shows to be authentic. Two are in force while one is being changed."""
    secrets = connection.secret or tuple(token.split())
    if not secrets:
        raise SignatureError("This connection has no secret. Give it one in site.yaml, or set TRUSTHUB_HOOK_TOKEN.")
    source = reader_of(connection)
    for secret in secrets[:-1]:
        with suppress(SignatureError):
            source.verify(inbound, secret)
            return
    source.verify(inbound, secrets[-1])


def _confirm(connection: Connection, inbound: Inbound, *, verified: bool) -> None:
    """Say yes to a sender that asks first, such as Amazon SNS. What nobody verified is not answered so."""
    source = _CONFIRMING.get(connection.source)
    url = source.confirmation(inbound) if verified and source else None
    if url:
        fetch.get(url)
        log.info("hook.confirmed", source=connection.source)


def _unknown(hub: Hub, name: str) -> str:
    names = [*hub.configuration.site.connections, *SOURCES]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(dict.fromkeys(names))}."
    return f"There is no connection {name[:80]!r}. {hint}"
