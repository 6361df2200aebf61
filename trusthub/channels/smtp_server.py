"""A mail server's address, and a connection to it that never sends a password in the clear over a network."""

import smtplib
import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from trusthub.errors import DeliveryError, PlaybookError

_PORTS = {"smtp": 587, "smtps": 465}
_UNREADABLE = "TRUSTHUB_SMTP_URL cannot be read. Write: smtp://user:password@host:587 (smtps:// for TLS)"
_NO_ENCRYPTION = "The mail server offers no encryption, so no password was sent. Use smtps:// in TRUSTHUB_SMTP_URL."


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed over."""

    host: str
    port: int
    tls: bool
    """TLS from the first byte (smtps). Else STARTTLS, when the server offers it."""
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def here(self) -> bool:
        """Whether it runs on this machine: nobody listens in between, and its certificate is one of its own."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False


def read(url: str) -> Server:
    """Read `smtp://user:password@host:587` or `smtps://...`. Raises PlaybookError, which does not show the address."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise PlaybookError(_UNREADABLE) from None
    if not parts.hostname or parts.scheme not in _PORTS:
        raise PlaybookError(_UNREADABLE)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Server(parts.hostname, port, parts.scheme == "smtps", user, password)


def connect(server: Server, name: str, timeout: float) -> smtplib.SMTP:
    """Connect, encrypt where the server can, and log in. Closes what it opened when that fails."""
    context = _context(server)
    if server.tls:
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, local_hostname=name, timeout=timeout, context=context
        )
    else:
        client = smtplib.SMTP(server.host, server.port, local_hostname=name, timeout=timeout)
    try:
        _introduce(client, server, context)
    except BaseException:
        client.close()
        raise
    return client


def _introduce(client: smtplib.SMTP, server: Server, context: ssl.SSLContext) -> None:
    client.ehlo_or_helo_if_needed()
    encrypted = server.tls
    if not encrypted and client.has_extn("starttls"):
        client.starttls(context=context)
        encrypted = True
    if server.user:
        if not (encrypted or server.here):
            raise DeliveryError(_NO_ENCRYPTION, permanent=True)
        client.login(server.user, server.password)


def _context(server: Server) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if server.here:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
