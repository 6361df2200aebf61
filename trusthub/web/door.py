"""The door for machines: bodies up to a limit, JSON in every answer, and whoever is refused too often is told to wait.

It knows requests of Werkzeug only: what many tools call is answered without Flask, which costs as much as the rest.
"""

import json
import sys
from collections.abc import Mapping

from werkzeug.wrappers import Request, Response

from trusthub.services.hub import Hub
from trusthub.services.refusals import refused
from trusthub.web.limits import SMALL, Limits

LARGEST = 25 * 1024 * 1024
"""Bytes; GitHub's own cap, the largest of all senders."""
DRAINED = 64 * 1024 * 1024
"""Bytes to read and throw away, so that a client that is still sending can read why it was refused."""
_CHUNK = 64 * 1024
_COUNTS = frozenset({400, 401, 404, 413})
"""Refusals that slow an address down."""
_SEEN = frozenset({400, 404})
"""Refusals that are not shown: what cannot be read is kept as an event, and an unknown name is nobody's."""


class RefusedError(Exception):
    """A request that is not taken: the status and the words of the answer, and how long to wait in seconds."""

    def __init__(self, status: int, message: str = "", *, wait: int = 0) -> None:
        """`wait` stands for words of its own."""
        super().__init__(message or "Too many requests.")
        self.status, self.wait = status, wait


class Door:
    """Reads what may come in, and says no in one voice."""

    def __init__(self, hub: Hub) -> None:
        """Count from zero."""
        self._hub, self.limits = hub, Limits()

    def read(self, request: Request) -> bytes:
        """Return the body. Raises RefusedError when it is too large, or of an address that was refused too often."""
        if (request.content_length or LARGEST) > SMALL and (wait := self.limits.exhausted(request.remote_addr or "")):
            raise RefusedError(429, wait=wait)
        return _read(request)

    def refuse(self, request: Request, name: str, error: RefusedError) -> Response:
        """Answer no, and count it for the address and for the connection `name`."""
        if error.status not in _SEEN:
            refused(self._hub, name, str(error), self._hub.clock())
        wait = error.wait
        if not wait and error.status in _COUNTS:
            wait = self.limits.refused(request.remote_addr or "")
        if not wait:
            return answer(error.status, ok=False, error=str(error))
        return answer(429, {"Retry-After": str(wait)}, ok=False, error=f"Too many requests. Wait {wait} seconds.")


def answer(status: int = 200, headers: Mapping[str, str] | None = None, /, **said: object) -> Response:
    """Return an answer in JSON."""
    return Response(json.dumps(said, separators=(",", ":")) + "\n", status, headers, mimetype="application/json")


def _read(request: Request) -> bytes:
    request.max_content_length = sys.maxsize  # a limit of Werkzeug's would refuse without draining; ours is kept below
    parts: list[bytes] = []
    size = 0
    while chunk := request.stream.read(_CHUNK):
        size += len(chunk)
        if size <= LARGEST:
            parts.append(chunk)
        elif size > DRAINED:
            break
    if size > LARGEST:
        raise RefusedError(413, f"The body is larger than {LARGEST // 1024**2} MB. Send less, or leave out raw logs.")
    return b"".join(parts)
