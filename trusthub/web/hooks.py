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
from trusthub.sources import SOURCES
from trusthub.sources.base import Confirms, Inbound

LARGEST = 25 * 1024 * 1024
"""Bytes; GitHub's own cap, the largest of all senders."""
DRAINED = 64 * 1024 * 1024
"""Bytes to read and throw away, so that a client that is still sending can read why it was refused."""
_CHUNK = 64 * 1024

log = structlog.get_logger()


class _TooLargeError(Exception):
    pass


def hooks(hub: Hub, *, token: str, open_to_all: bool) -> Blueprint:
    """Return the hook routes. `token` opens connections without a secret of their own; `open_to_all` is the demo's."""
    blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")

    @blueprint.post("/<name>", provide_automatic_options=False)
    @blueprint.post("/<name>/<path_token>", provide_automatic_options=False)
    def receive(name: str, path_token: str = "") -> tuple[Response, int]:
        connection = hub.configuration.connection(name)
        if connection is None:
            return _refuse(404, _unknown(hub, name))
        try:
            body = _read(request)
        except _TooLargeError:
            return _refuse(413, f"The body is larger than {LARGEST // 1024**2} MB. Send less, or leave out raw logs.")
        now = hub.clock()
        headers = {key.lower(): value for key, value in request.headers.items()}
        inbound = Inbound(body=body, headers=headers, received_at=now, token=path_token, fetch=fetch.get)
        try:
            if not open_to_all:
                _verify(connection, inbound, token)
            received = intake.receive(hub, name, connection, inbound, now)
            _confirm(connection, inbound, verified=not open_to_all)
        except SignatureError as error:
            log.warning("hook.refused", connection=name, reason=str(error))
            return _refuse(401, str(error))
        except fetch.FetchError as error:  # SNS repeats what was answered with 5xx, and drops what got 4xx
            log.warning("hook.unreachable", connection=name, reason=str(error))
            return _refuse(503, str(error))
        except PayloadError as error:
            return _refuse(400, str(error))
        return jsonify(ok=True, event=received.event_id, state=received.state), 200

    @blueprint.route("/<name>", methods=["OPTIONS"], provide_automatic_options=False)
    @blueprint.route("/<name>/<path_token>", methods=["OPTIONS"], provide_automatic_options=False)
    def handshake(name: str, path_token: str = "") -> Response:  # noqa: ARG001 -- the routes have them
        """Allow deliveries when a CloudEvents sender asks (CloudEvents HTTP webhook specification, section 4)."""
        response = jsonify(ok=True)
        response.headers["Allow"] = "POST, OPTIONS"
        if origin := request.headers.get("WebHook-Request-Origin"):
            response.headers["WebHook-Allowed-Origin"] = origin
            response.headers["WebHook-Allowed-Rate"] = "*"
        return response

    return blueprint


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
        raise _TooLargeError
    return b"".join(parts)


def _unknown(hub: Hub, name: str) -> str:
    names = [*hub.configuration.site.connections, *SOURCES]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(dict.fromkeys(names))}."
    return f"There is no connection {name[:80]!r}. {hint}"


def _refuse(status: int, message: str) -> tuple[Response, int]:
    return jsonify(ok=False, error=message), status
