"""WSGI applications of this process that a browser can reach, each under a host of its own."""

import io
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@contextmanager
def served(app: "WSGIApplication", host: str = "status.example", port: int = 0) -> Iterator[str]:
    """Serve an application; yield its address. Every host is this machine for the browsers of the tests."""
    server = make_server("127.0.0.1", port, _ended(app), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def _ended(app: "WSGIApplication") -> "WSGIApplication":
    """Let a body end, as it does in granian: the hub reads it to its end, and Werkzeug's server does not say where."""

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        return app(environ, start)

    return answer
