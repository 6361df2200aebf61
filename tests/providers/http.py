"""An HTTP server in a thread that records calls, obeys a queue of faults and tells waiters about each call."""

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request, and what became of it."""

    path: str
    headers: Mapping[str, str]
    """With lower-case names."""
    body: dict[str, Any]
    raw: bytes = b""
    """The body as it came: signatures are over that."""
    accepted: bool = False
    """Whether the provider took the message, whatever it answered."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """How the next call ends instead of well. Without an answer the connection is dropped, or hangs until the end."""

    answer: Answer | None = None
    accept: bool = False
    hang: bool = False


def answer(status: int, body: object = None, **headers: str) -> Fault:
    """Answer this and take nothing; `Retry_After="3"` is a header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(answer=Answer(status=status, body=body, headers=named))


def rate_limited(seconds: int = 1) -> Fault:
    body = {"ok": False, "error": "ratelimited", "errors": [{"field": None, "message": "too many requests"}]}
    return answer(429, body, Retry_After=str(seconds))


def broken(status: int = 500) -> Fault:
    return answer(status, "<html>Something broke</html>")


def accept_then_fail(status: int = 500) -> Fault:
    return Fault(answer=Answer(status=status, body="<html>Something broke</html>"), accept=True)


def accept_then_hang() -> Fault:
    return Fault(accept=True, hang=True)


def accept_then_drop() -> Fault:
    return Fault(accept=True)


def hang() -> Fault:
    return Fault(hang=True)


def drop() -> Fault:
    return Fault()


class HttpProvider:
    """Base of Slack and SendGrid. A provider says in `take` what it answers when nothing is wrong."""

    answers_get = False
    """Whether it takes GET like POST; what only takes POST says so."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._faults: deque[Fault] = deque()
        self._chosen: list[tuple[Callable[[dict[str, Any]], bool], Fault]] = []
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._serve, gets=self.answers_get))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Let go of what hangs and stop listening: from now on connections are refused."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fail(self, *faults: Fault) -> None:
        """Queue faults: each befalls one call, in this order."""
        self._faults.extend(faults)

    def only(self, which: Callable[[dict[str, Any]], bool], *faults: Fault) -> None:
        """Queue faults for calls with such a body. They come before those that `fail` queues."""
        self._chosen.extend((which, fault) for fault in faults)

    def _fault(self, body: dict[str, Any]) -> Fault | None:
        found = next((each for each in self._chosen if each[0](body)), None)
        if found is not None:
            self._chosen.remove(found)
            return found[1]
        return self._faults.popleft() if self._faults else None

    @property
    def accepted(self) -> list[Call]:
        """The calls whose message was taken: with a retry after an unclear answer there is one too many."""
        return [call for call in self.calls if call.accepted]

    def wait_for(self, count: int, timeout: float = 10.0) -> list[Call]:
        """Wait until there were so many calls, and return them."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.calls) >= count, timeout):
                raise AssertionError(f"{len(self.calls)} of {count} calls came within {timeout} s")
            return list(self.calls)

    def take(self, call: Call) -> tuple[Answer, bool]:
        """Return the answer to a call that no fault befalls, and whether the message was taken."""
        raise NotImplementedError

    def _serve(self, path: str, headers: Mapping[str, str], raw: bytes) -> Answer | None:
        call = Call(path=path, headers=headers, body=_read(headers, raw), raw=raw)
        with self._changed:
            fault = self._fault(call.body)
            good, taken = self.take(call) if fault is None or fault.accept else (None, False)
            self.calls.append(replace(call, accepted=taken))
            self._changed.notify_all()
        if fault is None:
            return good
        if fault.hang:
            self._closing.wait()
        return fault.answer


def _handler(
    serve: Callable[[str, Mapping[str, str], bytes], Answer | None], *, gets: bool
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            raw = self.rfile.read(length := int(headers.get("content-length", "0")))
            given = serve(self.path, headers, raw) if len(raw) == length else None  # else its sender was killed
            if given is None:
                return
            kind, raw = _encoded(given.body)
            self.send_response(given.status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(raw)), **given.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        if gets:
            do_GET = do_POST  # noqa: N815 -- the standard library's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            pass

    return Handler


def _read(headers: Mapping[str, str], raw: bytes) -> dict[str, Any]:
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(raw.decode()))
    body: dict[str, Any] = json.loads(raw) if raw else {}
    return body


def _encoded(body: object) -> tuple[str, bytes]:
    if isinstance(body, str):
        return "text/html; charset=utf-8", body.encode()
    return "application/json; charset=utf-8", b"" if body is None else json.dumps(body).encode()
