"""Where tools call: the raw bytes are verified first, then kept, then understood.

Accepted means 200 with a JSON object: Flagger takes 204 for a failure, and Jenkins cannot read an empty body.
"""

import difflib
import sys
from contextlib import suppress

import structlog
from flask import Blueprint, Request, Response, jsonify, request

from trusthub.domain.site import Connection
from trusthub.errors import PayloadError, SignatureError
from trusthub.services import fetch, intake
from trusthub.services.hub import Hub
from trusthub.services.refusals import refused
from trusthub.sources import SOURCES
from trusthub.sources.base import Confirms, Inbound
from trusthub.web.limits import SMALL, Limits

LARGEST = 25 * 1024 * 1024
"""Bytes; GitHub's own cap, the largest of all senders."""
DRAINED = 64 * 1024 * 1024
"""Bytes to read and throw away, so that a client that is still sending can read why it was refused."""
_CHUNK = 64 * 1024
_SEEN = frozenset({400, 404})
"""Refusals that are not counted: what cannot be read is kept as an event, and an unknown name is nobody's."""

log = structlog.get_logger()


def hooks(hub: Hub, *, token: str, open_to_all: bool) -> Blueprint:
    """Return the hook routes. `token` opens connections without a secret of their own; `open_to_all` is the demo's."""
    blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")
    door = _Door(hub, token, open_to_all)
    for rule in ("/<name>", "/<name>/<path_token>"):
        blueprint.post(rule, provide_automatic_options=False)(door.receive)
        blueprint.route(rule, methods=["OPTIONS"], provide_automatic_options=False)(door.handshake)
    return blueprint


class _RefusedError(Exception):
    """A request that is not taken: the status and the words of the answer, and how long to wait."""

    def __init__(self, status: int, message: str, *, wait: int = 0) -> None:
        super().__init__(message)
        self.status, self.wait = status, wait


class _Door:
    """Lets requests in, or says why not."""

    def __init__(self, hub: Hub, token: str, open_to_all: bool) -> None:  # noqa: FBT001 -- named by its one caller
        self._hub, self._token, self._open = hub, token, open_to_all
        self._limits = Limits()

    def receive(self, name: str, path_token: str = "") -> tuple[Response, int]:
        try:
            received = self._take(name, path_token)
        except _RefusedError as error:
            if error.status not in _SEEN:
                refused(self._hub, name, str(error) or "Too many requests.", self._hub.clock())
            return self._no(error)
        return jsonify(ok=True, event=received.event_id, state=received.state), 200

    def handshake(self, name: str, path_token: str = "") -> Response:  # noqa: ARG002 -- the routes have them
        """Allow deliveries when a CloudEvents sender asks (CloudEvents HTTP webhook specification, section 4)."""
        response = jsonify(ok=True)
        response.headers["Allow"] = "POST, OPTIONS"
        if origin := request.headers.get("WebHook-Request-Origin"):
            response.headers["WebHook-Allowed-Origin"] = origin
            response.headers["WebHook-Allowed-Rate"] = "*"
        return response

    def _take(self, name: str, path_token: str) -> intake.Received:
        connection = self._hub.configuration.connection(name)
        if connection is None:
            raise _RefusedError(404, _unknown(self._hub, name))
        now = self._hub.clock()
        inbound = Inbound(
            body=self._body(),
            headers={key.lower(): value for key, value in request.headers.items()},
            received_at=now,
            token=path_token,
            fetch=fetch.get,
        )
        try:
            if not self._open:
                _verify(connection, inbound, self._token)
            if wait := self._limits.accepted(name, connection.rate):
                raise _RefusedError(429, "", wait=wait)
            received = intake.receive(self._hub, name, connection, inbound, now)
            _confirm(connection, inbound, verified=not self._open)
        except SignatureError as error:
            log.warning("hook.refused", connection=name, reason=str(error))
            raise _RefusedError(401, str(error)) from error
        except fetch.FetchError as error:  # SNS repeats what was answered with 5xx, and drops what got 4xx
            log.warning("hook.unreachable", connection=name, reason=str(error))
            raise _RefusedError(503, str(error)) from error
        except PayloadError as error:
            raise _RefusedError(400, str(error)) from error
        return received

    def _body(self) -> bytes:
        """Return the body, unless it is too large, or of an address that was refused too often to be read at length."""
        if (request.content_length or LARGEST) > SMALL and (wait := self._limits.exhausted(request.remote_addr or "")):
            raise _RefusedError(429, "", wait=wait)
        return _read(request)

    def _no(self, error: _RefusedError) -> tuple[Response, int]:
        """Answer no, and count it: an address that is refused again and again is only told to wait."""
        counts = error.status in {400, 401, 404, 413}
        wait = error.wait or (self._limits.refused(request.remote_addr or "") if counts else 0)
        if not wait:
            return jsonify(ok=False, error=str(error)), error.status
        response = jsonify(ok=False, error=f"Too many requests. Wait {wait} seconds.")
        response.headers["Retry-After"] = str(wait)
        return response, 429


def _verify(connection: Connection, inbound: Inbound, token: str) -> None:
    """Accept what any of the secrets in force shows to be authentic. Two are in force while one is being changed."""
    secrets = connection.secret or tuple(token.split())
    if not secrets:
        raise SignatureError("This connection has no secret. Give it one in site.yaml, or set TRUSTHUB_HOOK_TOKEN.")
    source = SOURCES[connection.source]
    for secret in secrets[:-1]:
        with suppress(SignatureError):
            source.verify(inbound, secret)
            return
    source.verify(inbound, secrets[-1])


def _confirm(connection: Connection, inbound: Inbound, *, verified: bool) -> None:
    """Say yes to a sender that asks first, such as Amazon SNS. What nobody verified is not answered so."""
    source = SOURCES[connection.source]
    url = source.confirmation(inbound) if verified and isinstance(source, Confirms) else None
    if url:
        fetch.get(url)
        log.info("hook.confirmed", source=connection.source)


def _read(incoming: Request) -> bytes:
    incoming.max_content_length = sys.maxsize  # the limit of forms would refuse without draining; ours is kept below
    parts: list[bytes] = []
    size = 0
    while chunk := incoming.stream.read(_CHUNK):
        size += len(chunk)
        if size <= LARGEST:
            parts.append(chunk)
        elif size > DRAINED:
            break
    if size > LARGEST:
        raise _RefusedError(413, f"The body is larger than {LARGEST // 1024**2} MB. Send less, or leave out raw logs.")
    return b"".join(parts)


def _unknown(hub: Hub, name: str) -> str:
    names = [*hub.configuration.site.connections, *SOURCES]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(dict.fromkeys(names))}."
    return f"There is no connection {name[:80]!r}. {hint}"
