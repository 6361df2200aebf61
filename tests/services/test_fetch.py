"""Documents from outside, from a server on loopback with TLS of its own."""

import ipaddress
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from trusthub.channels.http import Door
from trusthub.services import fetch

ANSWERS = {
    "/certificate.pem": (200, {}, b"-----BEGIN CERTIFICATE-----"),
    "/largest": (200, {}, b"x" * fetch.LARGEST),
    "/larger": (200, {}, b"x" * (fetch.LARGEST + 1)),
    "/bomb": (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b not unpacked"),
    "/cut": (200, {"Content-Length": "100"}, b"half"),
    "/elsewhere": (302, {"Location": "/certificate.pem"}, b""),
    "/missing": (404, {}, b"nothing here"),
    "/broken": (503, {}, b"later"),
}


class Server(BaseHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012 -- one server at a time

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, headers, body = ANSWERS[self.path]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- as the base class has it
        """Say nothing."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a certificate for 127.0.0.1."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=7)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run a server that is trusted, as an operator's own authority would be; return its address."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    Server.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        running.socket = context.wrap_socket(running.socket, server_side=True)
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"https://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_a_document_comes_as_it_is(server: str) -> None:
    assert fetch.get(f"{server}/certificate.pem") == b"-----BEGIN CERTIFICATE-----"
    assert len(fetch.get(f"{server}/largest")) == fetch.LARGEST


def test_nothing_is_unpacked(server: str) -> None:
    assert fetch.get(f"{server}/bomb") == ANSWERS["/bomb"][2]


@pytest.mark.parametrize("path", ["/larger", "/cut", "/elsewhere", "/missing", "/broken"])
def test_anything_else_is_refused_after_one_request(server: str, path: str) -> None:
    with pytest.raises(fetch.FetchError, match="cannot be fetched"):
        fetch.get(server + path)
    assert Server.asked == [path]


def test_a_server_that_nobody_vouches_for_is_not_asked(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(fetch.FetchError, match="certificate is not right"):
        fetch.get(f"{server}/certificate.pem")
    assert Server.asked == []


def test_a_server_under_another_name_is_not_asked(server: str) -> None:
    with pytest.raises(fetch.FetchError, match="certificate is not right"):
        fetch.get(f"{server.replace('127.0.0.1', 'localhost')}/certificate.pem")
    assert Server.asked == []


def test_a_proxy_of_the_environment_is_not_used(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetch.get(f"{server}/certificate.pem")


def test_a_server_that_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetch.DOOR.timeout == 5
    monkeypatch.setattr(fetch, "DOOR", Door(private=True, timeout=0.05))
    deaf = ThreadingHTTPServer(("127.0.0.1", 0), Server)  # it listens, and nobody answers
    with deaf, pytest.raises(fetch.FetchError, match="timed out"):
        fetch.get(f"https://127.0.0.1:{deaf.server_port}/certificate.pem")


@pytest.mark.parametrize("url", ["http://127.0.0.1/a.pem", "file:///etc/passwd", "ftp://127.0.0.1/", "", "https://"])
def test_only_https_is_fetched(url: str) -> None:
    with pytest.raises(fetch.FetchError):
        fetch.get(url)


def test_a_server_that_is_gone_is_said_to_be(server: str) -> None:
    gone = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    gone.server_close()
    with pytest.raises(fetch.FetchError, match="refused"):
        fetch.get(f"https://127.0.0.1:{gone.server_port}/")
