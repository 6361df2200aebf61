"""nginx with the file that we ship, in front of a real hub: the page outlives the hub and its database."""

import gzip
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPSConnection
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import sqlalchemy as sa

from tests.deploy.certificate import certificate
from tests.deploy.places import DEPLOY
from tests.e2e.house import TOKEN
from tests.e2e.test_process import environ, until
from tests.providers import Slack
from trusthub.services.hub import Hub
from trusthub.web import security, snapshot

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
NAME = "status.acme.example"
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Front:
    """nginx and the hub behind it."""

    port: int
    hub: "subprocess.Popen[bytes]"
    hub_port: int
    folder: Path

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        context = ssl.create_default_context(cafile=str(self.folder / "tls.crt"))
        connection = HTTPSConnection("127.0.0.1", self.port, timeout=10, context=context)
        connection.connect = lambda: _named(connection, context)  # type: ignore[method-assign]  # else TLS asks for an address
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {"Host": NAME, **sent})
        answer = connection.getresponse()
        found = Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        connection.close()
        return found

    def kill_hub(self) -> None:
        self.hub.send_signal(signal.SIGTERM)
        self.hub.wait(15)


def _named(connection: HTTPSConnection, context: ssl.SSLContext) -> None:
    """Connect to this machine, and ask for the name that the certificate is for."""
    plain = socket.create_connection((connection.host, connection.port), timeout=10)
    connection.sock = context.wrap_socket(plain, server_hostname=NAME)


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def configure(folder: Path, port: int, hub: int) -> Path:
    """Write our files with ports and paths changed, and what a distribution has around them."""
    text = (DEPLOY / "nginx" / "trusthub.conf").read_text(encoding="utf-8")
    for old, new in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("listen 80;", f"listen 127.0.0.1:{_free()};"),
        ("/etc/nginx/certificates/", f"{folder}/"),
        ("/var/cache/nginx/", f"{folder}/cache/"),
        ("/var/cache/trusthub/page", f"{folder}/page"),
        ("/var/log/nginx/", f"{folder}/"),
    ):
        assert old in text
        text = text.replace(old, new)
    upstream = (
        (DEPLOY / "nginx" / "upstream.conf").read_text(encoding="utf-8").replace("127.0.0.1:8000", f"127.0.0.1:{hub}")
    )
    (folder / "cache").mkdir()
    paths = "".join(
        f"  {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    whole = folder / "nginx.conf"
    whole.write_text(
        f"{user}daemon off;\npid {folder}/nginx.pid;\nevents {{}}\nhttp {{\n{paths}{upstream}{text}}}\n",
        encoding="utf-8",
    )
    return whole


@contextmanager
def running(folder: Path, url: str) -> Iterator[Front]:
    port, hub_port = _free(), _free()
    certificate(folder, NAME)
    configuration = configure(folder, port, hub_port)
    with Slack() as slack:
        environment = environ(folder, url, slack) | {
            "TRUSTHUB_PUBLISH_DIR": str(folder / "page"),
            "TRUSTHUB_BASE_URL": f"https://{NAME}",
            "TRUSTHUB_TRUSTED_PROXIES": "1",
        }
        serve = [sys.executable, "-m", "trusthub", "serve", "--port", str(hub_port)]
        assert NGINX is not None
        with (
            (folder / "serve.log").open("wb") as log,
            subprocess.Popen(serve, env=environment, stderr=log) as hub,
            subprocess.Popen([NGINX, "-e", folder / "start.log", "-c", configuration]) as nginx,
        ):
            front = Front(port, hub, hub_port, folder)
            try:
                until(lambda: nginx.poll() is None and _answers(port) and _answers(hub_port))
                until(lambda: front.ask("GET", "/readyz").status == 200)
                yield front
            finally:
                hub.terminate()
                nginx.terminate()
                hub.wait(15)
                nginx.wait(15)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    with running(folder, f"sqlite:///{folder}/hub.db") as made:
        yield made


def test_the_page_is_served_from_files_with_the_hubs_own_headers(front: Front) -> None:
    answer = front.ask("GET", "/")
    assert answer.status == 200
    assert answer.body == (front.folder / "page" / "index.html").read_bytes()
    hub = cast("Hub", SimpleNamespace(front=f"https://{NAME}"))
    expected = dict(security.headers(hub, security.SCRIPTS)) | {"Cache-Control": snapshot.CACHE}
    assert {name: answer.headers.get(name.lower()) for name in expected} == expected
    assert "strict-transport-security" in answer.headers
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/v2/summary.json", "application/json"),
        ("/history.atom", "application/atom+xml"),
        ("/history.rss", "application/rss+xml"),
        ("/feed.json", "application/feed+json"),
        ("/badge.svg", "image/svg+xml"),
        ("/embed.js", "text/javascript"),
        ("/calendar.ics", "text/calendar"),
    ],
)
def test_what_other_sites_read_is_open_to_them_and_of_its_kind(front: Front, path: str, kind: str) -> None:
    answer = front.ask("GET", path)
    assert answer.status == 200
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    for name, value in snapshot.OPEN:
        if name != "Vary":
            assert answer.headers[name.lower()] == value
    assert "access-control-allow-origin" not in front.ask("GET", "/history").headers


def test_pages_are_packed_for_who_takes_that(front: Front) -> None:
    plain, packed = front.ask("GET", "/"), front.ask("GET", "/", Accept_Encoding="gzip")
    assert gzip.decompress(packed.body) == plain.body


def test_what_posts_reaches_the_hub(front: Front) -> None:
    body = b'{"event": "rollout.started", "component": "checkout", "environment": "production", "to_version": "2.8.0"}'
    answer = front.ask("POST", "/hooks/generic", body, Authorization=f"Bearer {TOKEN}")
    assert (answer.status, b'"ok":true' in answer.body.replace(b" ", b"")) == (200, True)
    assert front.ask("POST", "/hooks/generic", body).status == 401


def test_the_hub_knows_that_it_is_asked_over_https(front: Front) -> None:
    answer = front.ask("GET", "/console/")
    assert answer.status == 302
    page = front.ask("GET", answer.headers["location"])
    assert page.status == 200
    assert "Secure" in page.headers["set-cookie"]
    assert page.headers["strict-transport-security"]


def test_a_post_to_a_published_address_reaches_the_hub(front: Front) -> None:
    answer = front.ask("POST", "/", b"x=1")
    assert answer.status == 404
    assert b"Acme" in answer.body  # the hub's own page, not nginx's


def test_no_token_is_in_the_log(front: Front) -> None:
    for path in (
        "/hooks/generic/secret-in-path",
        "/threads/secret-in-path",
        "/subscriptions/secret-in-path?x=secret-in-path",
    ):
        front.ask("GET", path, Referer="https://x.example/secret-in-path")
    logs = (front.folder / "access.log").read_text(encoding="utf-8") + (front.folder / "error.log").read_text(
        encoding="utf-8"
    )
    assert re.search(r'"GET /hooks/generic/\.\.\."', logs)
    assert "secret-in-path" not in logs


def test_the_page_outlives_the_hub(tmp_path: Path) -> None:
    with running(tmp_path, f"sqlite:///{tmp_path}/hub.db") as front:
        before = {
            path: front.ask("GET", path).body for path in ("/", "/history", "/api/v2/summary.json", "/history.atom")
        }
        front.kill_hub()
        for path, body in before.items():
            answer = front.ask("GET", path)
            assert (answer.status, answer.body) == (200, body)
        for method, path in (("GET", "/console/"), ("POST", "/hooks/generic"), ("POST", "/threads/secret-in-path")):
            answer = front.ask(method, path, b"{}" if method == "POST" else None)
            assert (answer.status, answer.headers["retry-after"]) == (503, "30")
            assert "does not answer" in answer.text
        assert "secret-in-path" not in (tmp_path / "error.log").read_text(encoding="utf-8")


def test_the_page_outlives_the_database(tmp_path: Path, postgres_url: str) -> None:
    with running(tmp_path, postgres_url) as front:
        url = sa.make_url(postgres_url)
        engine = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false'))
            gone = sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
            connection.execute(gone, {"name": url.database})
        engine.dispose()
        until(lambda: front.ask("GET", "/readyz").status == HTTPStatus.SERVICE_UNAVAILABLE)
        assert front.ask("GET", "/").status == 200
        assert front.ask("GET", "/healthz").status == 200
