"""The door to addresses that others choose: what it lets through, and to where exactly it connects."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers import Webhook, answer
from trusthub.channels import http
from trusthub.channels.http import Door, HttpError, public

OPEN = Door(private=True, timeout=1)
INSIDE = [
    *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),  # noqa: S104
    *("100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "224.0.0.1", "255.255.255.255", "198.18.0.1"),
    *("::", "::1", "fe80::1", "fe80::1%lo", "fc00::1", "fd00:ec2::254", "ff02::1", "::127.0.0.1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0a00:0001", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1"),
    *("2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "240.0.0.1", "192.88.99.1"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_a_network_is_not_public(address: str) -> None:
    assert not public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert public(address)


@given(st.ip_addresses(v=4))
def test_an_address_is_no_more_public_when_it_is_written_as_ipv6(address: Any) -> None:
    for form in (f"::ffff:{address}", f"64:ff9b::{int(address) >> 16:x}:{int(address) & 0xFFFF:x}"):
        assert public(form) == public(str(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "file:///etc/passwd",
        "gopher://hooks.example/",
        "https://user:s3cret@hooks.example/",
        "https://user@hooks.example/",
        "https:///nowhere",
        "https://hooks.example:22/",
        "https://hooks.example:25/",
        "https://hooks.example:99999/",
        "//hooks.example/",
        "",
        "https://[::1/",
    ],
)
def test_only_https_to_a_plain_host_is_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("it was looked up"))
    with pytest.raises(HttpError) as caught:
        Door().post(url, b"", {})
    assert caught.value.forbidden
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_however_it_is_written_this_machine_is_not_asked(host: str, webhook_provider: Webhook) -> None:
    port = webhook_provider.address.rpartition(":")[2]
    with pytest.raises(HttpError) as caught:
        Door(timeout=1).post(f"https://{host}:{port}/", b"{}", {})
    assert not caught.value.sent
    assert webhook_provider.calls == []


def named(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let every name stand for the first of these addresses, then the next; return the names that are looked up."""
    asked: list[str] = []

    def lookup(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return where connections went. None is made."""
    found: list[Any] = []

    class Line(socket.socket):
        def connect(self, place: Any) -> None:
            found.append(place)
            raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "socket", Line)
    return found


def test_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, dialled: list[Any]
) -> None:
    asked = named(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    with pytest.raises(HttpError, match="Connection refused"):
        Door().post("https://rebinding.example/", b"", {})
    assert (asked, dialled) == (["rebinding.example"], [("93.184.216.34", 443)])


def test_of_several_addresses_only_the_public_ones_are_tried(
    monkeypatch: pytest.MonkeyPatch, dialled: list[Any]
) -> None:
    named(monkeypatch, ["10.0.0.1", "93.184.216.34", "169.254.169.254", "93.184.216.35"])
    with pytest.raises(HttpError):
        Door().post("https://mixed.example/", b"", {})
    assert [address for address, _ in dialled] == ["93.184.216.34", "93.184.216.35"]


def test_a_redirect_is_checked_like_the_first_address(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def exchange(_: Door, __: str, url: str, *___: Any) -> http.Answer:
        asked.append(url)
        if len(asked) == 1:
            return http.Answer(308, {"location": "https://169.254.169.254/latest/meta-data"})
        return original(_, __, url, *___)

    original = Door._exchange
    monkeypatch.setattr(Door, "_exchange", exchange)
    with pytest.raises(HttpError) as caught:
        Door(timeout=1).post("https://hooks.example/", b"", {})
    assert caught.value.forbidden


def test_a_redirect_keeps_the_body_and_a_few_are_enough(webhook_provider: Webhook) -> None:
    webhook_provider.fail(answer(307, None, Location="/moved"))
    OPEN.post(webhook_provider.url, b'{"a": 1}', {})
    assert [(call.path, call.body) for call in webhook_provider.calls][1] == ("/moved", {"a": 1})
    webhook_provider.fail(*[answer(308, None, Location="/on")] * 9)
    with pytest.raises(HttpError, match="redirects more than 3 times"):
        OPEN.post(webhook_provider.url, b"{}", {})
    assert len(webhook_provider.calls) == 2 + 4


def test_a_redirect_that_would_lose_the_body_is_not_followed(webhook_provider: Webhook) -> None:
    webhook_provider.fail(answer(302, None, Location="/moved"))
    assert OPEN.post(webhook_provider.url, b"{}", {}).status == 302
    assert len(webhook_provider.calls) == 1


def test_no_proxy_of_the_environment_is_used(webhook_provider: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert OPEN.post(webhook_provider.url, b"{}", {}).status == 401


@contextmanager
def dripping(drop: bytes) -> Iterator[str]:
    """Run a server that answers a drop every 20 ms for as long as somebody listens."""
    over = threading.Event()

    def serve() -> None:
        with listener, listener.accept()[0] as line:
            try:
                while not over.wait(0.02):
                    line.sendall(drop)
            except OSError:
                pass

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("drop", [b"H", b"HTTP/1.1 200 OK\r\nX: y\r\n", b"\x16"])
def test_a_server_that_drips_is_hung_up_on_when_the_time_is_over(scheme: str, drop: bytes) -> None:
    began = time.monotonic()
    with dripping(drop) as address, pytest.raises(HttpError):
        Door(private=True, timeout=0.3).post(f"{scheme}://{address}/", b"{}", {})
    assert time.monotonic() - began < 2
