"""The sandbox in an application of its own, with a list where the hub has a table."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import html5lib
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import WSGIRequestHandler, make_server

from trusthub.channels.base import Outbound
from trusthub.rendering.templates import Templates
from trusthub.web.sandbox import Kept, sandbox

ROOT = Path(__file__).parents[2]


class Box:
    def __init__(self) -> None:
        self.rows: list[Kept] = []
        self.app = Flask("box", static_folder=str(ROOT / "trusthub/web/static"), static_url_path="/static")
        page = Templates(ROOT / "templates").page
        self.app.register_blueprint(sandbox(keep=self.keep, kept=self.kept, page=page))

    def keep(self, kind: str, payload: dict[str, object]) -> str:
        at = datetime(2026, 11, 22, 14, len(self.rows), tzinfo=UTC)
        self.rows.append(Kept(len(self.rows) + 1, kind, at, payload))
        return str(len(self.rows))

    def kept(self, after: int) -> list[Kept]:
        return self.rows[after:]

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def look(self, address: str = "/sandbox") -> str:
        response = self.client.get(address)
        assert response.status_code == 200
        html5lib.HTMLParser(strict=True).parse(response.text)
        return response.text


@pytest.fixture
def box() -> Box:
    return Box()


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - Werkzeug's name
        pass


@pytest.fixture
def url(box: Box) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, box.app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/sandbox"
    server.shutdown()
    server.server_close()
    thread.join()


def outbound(text: str, to: str = "#releases", **more: Any) -> Outbound:
    return Outbound(key="k", to=to, subject="Checkout", text=text, html=f"<p>{text}</p>", slack=text, **more)
