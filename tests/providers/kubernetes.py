"""An API server that speaks what a watch needs: lists in pages, streams with bookmarks, 410, 404, and conflicts."""

import copy
import json
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Thing = dict[str, Any]
ALL = frozenset({"rollouts", "canaries", "deployments", "leases"})


def status(code: int, reason: str, message: str = "") -> Thing:
    """Return the object in which the API says no."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }


class Kubernetes:
    """Objects by plural, namespace and name; a log of changes; streams that wait on it."""

    def __init__(self, installed: frozenset[str] = ALL) -> None:
        self.installed = set(installed)
        self.requests: list[str] = []
        self._things: dict[tuple[str, str, str], Thing] = {}
        self._log: list[tuple[int, str, str, Thing]] = []
        self._version, self._oldest, self._cut = 100, 0, 0
        self._faults: deque[int] = deque()
        self._changed = threading.Condition(threading.RLock())
        self._closing = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def kubeconfig(self, folder: Path) -> Path:
        """Write a kubeconfig for this server."""
        path = folder / "kubeconfig"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": self.url}}],
            "users": [{"name": "test", "user": {"token": "a-token"}}],
        }
        path.write_text(json.dumps(config), encoding="utf-8")
        return path

    def put(self, plural: str, thing: Thing) -> Thing:
        """Write an object, as its controller would."""
        with self._changed:
            metadata = thing["metadata"]
            key = (plural, metadata.get("namespace", ""), metadata["name"])
            return self._write(key, thing, "MODIFIED" if key in self._things else "ADDED")

    def remove(self, plural: str, namespace: str, name: str) -> None:
        with self._changed:
            thing = self._things.pop((plural, namespace, name))
            self._write(None, thing, "DELETED", plural)

    def bookmark(self, plural: str) -> None:
        """Tell every stream how far it is, as if other objects had changed."""
        with self._changed:
            self._write(None, {"metadata": {}}, "BOOKMARK", plural)

    def compact(self) -> None:
        """Forget the past: whoever wants to go on from there gets 410."""
        with self._changed:
            self._version += 1
            self._oldest = self._version

    def expire(self) -> None:
        """Forget the past, and say so inside every open stream."""
        with self._changed:
            self.compact()
            self._cut += 1
            self._changed.notify_all()

    def fail(self, *codes: int) -> None:
        """Answer the next requests with these statuses."""
        self._faults.extend(codes)

    def thing(self, plural: str, namespace: str, name: str) -> Thing:
        with self._changed:
            return copy.deepcopy(self._things[(plural, namespace, name)])

    def wait_for(self, true: Callable[[], bool], seconds: float = 15) -> None:
        """Wait until the requests show something."""
        with self._changed:
            assert self._changed.wait_for(true, seconds), self.requests[-12:]

    def watched(self, plural: str) -> int:
        """Return how many streams of a kind were asked for."""
        return sum(f"/{plural}?" in one and "watch=true" in one for one in self.requests)

    def listed(self, plural: str) -> int:
        return sum(f"/{plural}?" in one and "watch=true" not in one for one in self.requests)

    def _write(self, key: tuple[str, str, str] | None, thing: Thing, happening: str, plural: str = "") -> Thing:
        self._version += 1
        thing = copy.deepcopy(thing)
        thing["metadata"]["resourceVersion"] = str(self._version)
        if key:
            thing["metadata"].setdefault("uid", f"uid-of-{key[2]}")
            self._things[key] = thing
        self._log.append((self._version, key[0] if key else plural, happening, thing))
        self._changed.notify_all()
        return thing

    # ------------------------------------------------------------------------------------ what the handler asks for

    def answer(self, method: str, target: str, body: Thing | None) -> tuple[int, Thing]:  # noqa: PLR0911 -- a table
        """Return the answer to anything but a watch."""
        with self._changed:
            plural, namespace, name, query = self._split(target)
            self.requests.append(target)
            self._changed.notify_all()
            if self._faults:
                return self._say(self._faults.popleft(), "InternalError")
            if plural not in self.installed:
                return self._say(404, "NotFound")
            if method == "GET" and not name:
                return self._page(plural, namespace, query)
            key = (plural, namespace, name or (body or {})["metadata"]["name"])
            now = self._things.get(key)
            if method == "POST":
                return self._say(409, "AlreadyExists") if now else (201, self._write(key, body or {}, "ADDED"))
            if now is None:
                return self._say(404, "NotFound")
            if method == "PUT":
                if (body or {})["metadata"].get("resourceVersion") != now["metadata"]["resourceVersion"]:
                    return self._say(409, "Conflict")
                return 200, self._write(key, body or {}, "MODIFIED")
            return 200, now

    def stream(self, target: str, send: Callable[[Thing], None]) -> tuple[int, Thing] | None:
        """Send what changed since a version until the time is over; return a refusal instead of beginning."""
        plural, namespace, _, query = self._split(target)
        since, labels = int(query["resourceVersion"]), query.get("labelSelector", "")
        with self._changed:
            self.requests.append(target)
            self._changed.notify_all()
            if self._faults:
                return self._say(self._faults.popleft(), "InternalError")
            if plural not in self.installed:
                return self._say(404, "NotFound")
            if since < self._oldest:
                return self._say(410, "Expired")
            cut = self._cut
        send({})
        while True:
            with self._changed:
                self._changed.wait_for(
                    partial(self._has_news, since, cut),
                    float(query["timeoutSeconds"]),
                )
                news = [one for one in self._log if one[0] > since]
                ended = self._closing or not news
                expired = cut != self._cut
            if expired:
                send({"type": "ERROR", "object": status(410, "Expired", "too old resource version")})
                return None
            for version, of_plural, happening, thing in news:
                since = version
                if of_plural == plural and (happening == "BOOKMARK" or _fits(thing, namespace, labels)):
                    send({"type": happening, "object": thing})
            if ended:
                return None

    def _has_news(self, since: int, cut: int) -> bool:
        return self._closing or cut != self._cut or bool(self._log and self._log[-1][0] > since)

    def _page(self, plural: str, namespace: str, query: dict[str, str]) -> tuple[int, Thing]:
        found = [
            {key: value for key, value in thing.items() if key not in {"kind", "apiVersion"}}
            for (of_plural, _, _), thing in sorted(self._things.items())
            if of_plural == plural and _fits(thing, namespace, query.get("labelSelector", ""))
        ]
        start, size = int(query.get("continue", "0")), min(int(query.get("limit", "500")), 2)  # so that there are pages
        metadata: Thing = {"resourceVersion": str(self._version)}
        if start + size < len(found):
            metadata["continue"] = str(start + size)
        return 200, {"kind": "List", "metadata": metadata, "items": found[start : start + size]}

    def _split(self, target: str) -> tuple[str, str, str, dict[str, str]]:
        parts = urlsplit(target)
        steps = parts.path.strip("/").split("/")[3:]
        namespace = steps.pop(1) if steps[0] == "namespaces" else ""
        steps = steps[1:] if steps[0] == "namespaces" else steps
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        return steps[0], namespace, steps[1] if len(steps) > 1 else "", query

    def _say(self, code: int, reason: str) -> tuple[int, Thing]:
        return code, status(code, reason)


def _fits(thing: Thing, namespace: str, labels: str) -> bool:
    has = thing["metadata"].get("labels") or {}
    wanted = dict(pair.split("=", 1) for pair in labels.split(",") if pair)
    return namespace in ("", thing["metadata"].get("namespace")) and wanted.items() <= has.items()


def _handler(server: Kubernetes) -> type[BaseHTTPRequestHandler]:  # noqa: C901 -- a class with a name for its server
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if "watch=true" not in self.path:
                self._whole(*server.answer("GET", self.path, None))
                return
            begun = False

            def send(event: Thing) -> None:
                nonlocal begun
                if not begun:
                    begun = True
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                else:
                    line = json.dumps(event).encode() + b"\n"
                    half = len(line) // 2  # a chunk is no line
                    for part in (line[:half], line[half:]):
                        self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                self.wfile.flush()

            try:
                refused = server.stream(self.path, send)
                if refused:
                    self._whole(*refused)
                else:
                    self.wfile.write(b"0\r\n\r\n")
            except OSError:  # the other side is gone
                self.close_connection = True

        def do_POST(self) -> None:
            self._whole(*server.answer("POST", self.path, self._body()))

        def do_PUT(self) -> None:
            self._whole(*server.answer("PUT", self.path, self._body()))

        def _body(self) -> Thing:
            found: Thing = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            return found

        def _whole(self, code: int, body: Thing) -> None:
            raw = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the standard library's name
            pass

    return Handler
