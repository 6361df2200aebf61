"""The one door to addresses that somebody else chose: a webhook's, and where a sender's signature points.

Who chooses an address may choose one that only this machine can reach. So a name is looked up once, what it stands for
is checked, and the connection goes to exactly that: a name that means something else a moment later gains nothing.
Nothing is taken from the environment (no proxy), nothing is tried twice.
"""

import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urljoin

from urllib3 import BaseHTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import Url, parse_url

from trusthub.channels.base import TIMEOUT
from trusthub.errors import TrusthubError

HOPS = 3
"""Redirects that are followed, each checked like the first address."""
_KEEPS_ITS_BODY = frozenset({307, 308})
"""Redirects that repeat the request as it is (RFC 9110, 15.4.8). After the others a POST would become a GET."""
_TRUSTED = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Where OpenSSL finds the authorities, when it is not the usual place."""
_PORTS = {"https": 443, "http": 80}
_SYSTEM_PORTS = 1024
_NAT64 = ip_network("64:ff9b::/96")
"""IPv4 as a network without it sees it (RFC 6052)."""
_UNICAST = ip_network("2000::/3")
_TUNNELS = tuple(map(ip_network, ("2001::/32", "2002::/16")))
"""Teredo and 6to4: another address is inside, and nobody needs them any more."""
_INSIDE = tuple(map(ip_network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24")))
"""Public by their number only: Azure's and Oracle's metadata, and the relays of 6to4."""


class HttpError(TrusthubError):
    """No answer came. The text never has the address in it, which may hold a secret."""

    def __init__(self, message: str, *, forbidden: bool = False, sent: bool = False) -> None:
        """`forbidden`: the address may not be used. `sent`: the request went out, and may have been taken."""
        super().__init__(message)
        self.forbidden, self.sent = forbidden, sent


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Asks once, within `timeout` seconds for all redirects together; looking up names has its own, the resolver's."""

    private: bool = False
    """Whether addresses inside a network, plain http and any port are fine: for tests, and for receivers next door."""
    timeout: float = TIMEOUT

    def get(self, url: str, *, largest: int) -> Answer:
        """Return what is at an address, from wherever it stands itself; redirects are for the caller to judge.

        Raises HttpError, also when the body is larger than `largest` bytes or ends too early.
        """
        return self._exchange("GET", url, None, {}, largest, time.monotonic() + self.timeout)

    def post(self, url: str, body: bytes, headers: Mapping[str, str], *, largest: int | None = None) -> Answer:
        """Return status and headers of the answer, and up to `largest` bytes that it says besides. Raises HttpError."""
        until = time.monotonic() + self.timeout
        for _ in range(HOPS + 1):
            answer = self._exchange("POST", url, body, headers, largest, until)
            to = answer.headers.get("location")
            if answer.status not in _KEEPS_ITS_BODY or not to:
                return answer
            url = urljoin(url, to)
        raise HttpError(f"It redirects more than {HOPS} times.")

    def _exchange(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], largest: int | None, until: float
    ) -> Answer:
        place, sent = _read(url, private=self.private), False
        try:
            with _connected(place, self, until) as connection:
                sent = True
                connection.request(method, place.request_uri, body, headers, preload_content=False)
                with closing(connection.getresponse()) as answer:
                    if time.monotonic() >= until:  # we hung up, which looks like the end of the headers
                        raise TimeoutError
                    found = b"" if largest is None else _body(answer, largest)
                    named = {name.lower(): value for name, value in answer.headers.items()}
                    return Answer(answer.status, named, found)
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            late = time.monotonic() >= until
            problem = HttpError(f"timed out after {self.timeout:g} s" if late else _words(error), sent=sent)
        raise problem  # out here, so that it does not carry the other's, which may show the address


def public(address: str) -> bool:
    """Whether an IP address is one that anybody on the internet may reach, and not a way back into a network.

    https://www.iana.org/assignments/iana-ipv6-special-registry and its sister for IPv4, through `ipaddress`.
    """
    found = _inner(ip_address(address))
    if isinstance(found, IPv6Address):
        return found.is_global and found in _UNICAST and not any(found in network for network in _TUNNELS)
    return found.is_global and not found.is_multicast and not any(found in network for network in _INSIDE)


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 one stands for."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _read(url: str, *, private: bool) -> Url:
    """Take an address apart. Raises HttpError when it is not one that may be asked."""
    try:
        place = parse_url(url)
    except LocationParseError:
        raise HttpError("The address cannot be read.", forbidden=True) from None
    if place.scheme != "https" and not (private and place.scheme == "http"):
        raise HttpError("The address is not https.", forbidden=True)
    if place.auth is not None or not place.host:
        raise HttpError("The address has a user or a password in it, or no host.", forbidden=True)
    port = place.port or _PORTS[place.scheme]
    if not private and port < _SYSTEM_PORTS and port != _PORTS["https"]:
        raise HttpError(f"Port {port} is for something else. Use 443, or one above 1023.", forbidden=True)
    return place._replace(port=port)


@contextmanager
def _connected(place: Url, door: Door, until: float) -> Iterator[HTTPConnection]:
    """Connect to what the host stands for now, and hang up when the time is over: servers that drip do not hold us."""
    host, port = str(place.host).strip("[]"), int(place.port or 0)
    with _dial(host, port, door, until) as raw, raw.dup() as line:
        watch = threading.Timer(max(0.0, until - time.monotonic()), _hang_up, [line])
        watch.daemon = True
        watch.start()
        try:
            secure = place.scheme == "https"
            connection = (HTTPSConnection if secure else HTTPConnection)(host, port, timeout=door.timeout)
            connection.sock = (
                _trust(*map(os.environ.get, _TRUSTED)).wrap_socket(raw, server_hostname=host) if secure else raw
            )
            try:
                yield connection
            finally:
                connection.close()
        finally:
            watch.cancel()


def _dial(host: str, port: int, door: Door, until: float) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    allowed = [entry for entry in found if door.private or public(str(entry[4][0]))]
    if not allowed:
        raise HttpError("The address is inside a network, where customers have nothing to ask for.", forbidden=True)
    problem: OSError = TimeoutError("timed out")
    for family, kind, protocol, _, place in allowed:
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(max(0.001, min(until - time.monotonic(), door.timeout / len(allowed))))
            line.connect(place)
        except OSError as error:
            line.close()
            problem = error
        else:
            line.settimeout(door.timeout)
            return line
    raise problem


@cache
def _trust(*_where: str | None) -> ssl.SSLContext:
    """Return whom we trust, read once for each place that the environment may name: it takes 20 ms or more."""
    return ssl.create_default_context()


def _hang_up(line: socket.socket) -> None:
    with suppress(OSError):  # it is over already
        line.shutdown(socket.SHUT_RDWR)


def _body(answer: BaseHTTPResponse, largest: int) -> bytes:
    found = answer.read(largest + 1, decode_content=False)
    if len(found) > largest:
        raise HttpError(f"The answer is larger than {largest} bytes.", sent=True)
    return found + answer.read(1, decode_content=False)  # raises, if what came was cut short


def _words(error: Exception) -> str:
    """Say what went wrong. Only the system's own words and TLS's are known to leave the address out."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not right: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
