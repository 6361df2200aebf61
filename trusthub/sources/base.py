"""What a source is: it shows that a request is authentic, then says in our words what happened."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from trusthub.domain.events import Link, Phase, SourceEvent
from trusthub.errors import PayloadError, SignatureError

DEEPEST = 64
"""Nesting that a body may have. Real payloads stay under 20; a deeper one is an attack on the parser."""
TOO_DEEP = f"The body is nested more than {DEEPEST} levels deep. Send a flatter object."
LARGEST = 2**53
"""Whole numbers that every JSON reader agrees on (RFC 8259, section 6)."""
EVERYBODY = 100.0
REPLAY_WINDOW = timedelta(minutes=5)
"""How far a signed time may be from ours (Standard Webhooks and Slack both take five minutes)."""
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""Half a surrogate pair has no UTF-8, and PostgreSQL keeps no NUL. JSON escapes can spell both."""


def _nothing_is_fetched(url: str) -> bytes:
    message = f"{url:.200} is not fetched here."
    raise SignatureError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """One request to a hook: the bytes as they came, with lower-case header names."""

    body: bytes
    headers: Mapping[str, str]
    received_at: datetime
    token: str = field(default="", repr=False)
    """The token from the path, when the tool can send no header."""
    fetch: Callable[[str], bytes] = field(default=_nothing_is_fetched, repr=False)
    """Gets a document that a signature refers to, such as a certificate. The source checks the address first."""

    def json(self) -> "Payload":
        """Read the body as a JSON object.

        Raises PayloadError naming the place when it is not UTF-8, not JSON, not an object or nested too deeply. The
        Content-Type is not asked: Argo sends none, and others send the wrong one.
        """
        return Payload.decode(self.body)


class Source(Protocol):
    """One tool that can speak to us. A module per tool; registered in `sources.SOURCES`."""

    name: str
    event_types: frozenset[str]
    """Every event type this source understands; each has a fixture of its own."""

    @property
    def headers(self) -> frozenset[str]:
        """Lower-case names of the headers that `parse` reads. They are kept with the event; no other is."""

    def verify(self, inbound: Inbound, secret: str) -> None:
        """Raise SignatureError unless the raw bytes come from whoever knows `secret`. Runs before any parsing."""

    def parse(self, inbound: Inbound) -> Sequence[SourceEvent]:
        """Say what happened; nothing, for what is known to mean nothing here.

        Raises UnknownEventError for a type that is not known, and PayloadError for a body that cannot be read.
        """


@runtime_checkable
class Confirms(Protocol):
    """A source whose sender asks once whether we want its requests."""

    def confirmation(self, inbound: Inbound) -> str | None:
        """Return the address to fetch as our yes, if a verified request asks for it."""


def verify_token(inbound: Inbound, secret: str) -> None:
    """Accept the secret as a bearer token, as the password of basic authentication, or in the path.

    Raises SignatureError otherwise.
    """
    scheme, _, value = inbound.headers.get("authorization", "").partition(" ")
    offered = {"bearer": value.strip(), "basic": _password(value)}.get(scheme.lower(), inbound.token)
    if not secret or not hmac.compare_digest(offered.encode(), secret.encode()):
        message = "Send `Authorization: Bearer <token>` with the token of this connection."
        raise SignatureError(message)


def _password(credentials: str) -> str:
    """Return the password of basic authentication (RFC 7617), or nothing when it is none."""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def verify_hmac(inbound: Inbound, secret: str, *, header: str, prefix: str = "", signed: bytes | None = None) -> None:
    """Accept `<prefix><hex>` in `header` as the HMAC-SHA256 of the raw body, or of `signed`; raise SignatureError else.

    `header` is its name in lower case.
    """
    offered = inbound.headers.get(header, "")
    expected = (
        prefix + hmac.new(secret.encode(), inbound.body if signed is None else signed, hashlib.sha256).hexdigest()
    )
    if not secret or not hmac.compare_digest(offered.encode(), expected.encode()):
        message = f"The header {header} does not fit the body and this connection's secret."
        raise SignatureError(message)


def verify_hmac_or_token(inbound: Inbound, secret: str, *, header: str, prefix: str = "") -> None:
    """Accept the HMAC in `header` when there is one, else the token: a webhook may be set up without a secret."""
    if header in inbound.headers:
        verify_hmac(inbound, secret, header=header, prefix=prefix)
    else:
        verify_token(inbound, secret)


def fresh(inbound: Inbound, sent_at: datetime, within: timedelta = REPLAY_WINDOW) -> None:
    """Raise SignatureError unless a signed time is close to now: an old request is somebody's copy of it."""
    if abs(inbound.received_at - sent_at) > within:
        message = (
            f"The request was signed at {sent_at:%Y-%m-%d %H:%M:%S} UTC, which is too far from now. Check the clocks."
        )
        raise SignatureError(message)


def fingerprint(*parts: object) -> str:
    """Return a duplicate key for senders that give an event no identity of its own."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def about(moment: datetime) -> str:
    """Return the quarter of an hour that `moment` is in.

    It goes into the fingerprint of what has neither an id nor a time of its own: a retry comes within seconds, and the
    same words an hour later are news.
    """
    return str(int(moment.timestamp()) // 900)


def succeeded(share: float | None) -> tuple[Phase, float]:
    """Return the phase and exposure of a deployment that succeeded, for all users or for a share of them."""
    if share is None or share >= EVERYBODY:
        return Phase.COMPLETED, EVERYBODY
    return Phase.PROGRESSING, share


def web_links(*pairs: tuple[str, str | None]) -> tuple[Link, ...]:
    """Return the addresses among `pairs`, each once. What is no web address is left out: staff will click on it."""
    found: dict[str, Link] = {}
    for label, url in pairs:
        if url and url.lower().startswith(("https://", "http://")):
            found.setdefault(url, Link(label=label, url=url))
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Payload:
    """Untrusted JSON whose every access knows its path, so that an error can name the place.

    `payload["rollout"]["metadata"].text("name")` raises `rollout.metadata.name is missing` when it is.
    (The idea is Zulip's WildValue.)
    """

    value: Any
    path: str = ""

    @classmethod
    def decode(cls, body: bytes) -> "Payload":
        """Decode JSON bytes; see `Inbound.json`."""
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError as error:
            message = f"The body is not UTF-8: byte {error.start} is 0x{body[error.start]:02x}. Send JSON in UTF-8."
            raise PayloadError(message) from error
        try:
            value = json.loads(text)
        except RecursionError as error:
            raise PayloadError(TOO_DEEP) from error
        except ValueError as error:
            message = f"The body is not JSON: {error}. Send one JSON object."
            raise PayloadError(message) from error
        if not isinstance(value, dict):
            message = f"The body is a JSON {_a_kind(value).rpartition(' ')[2]}. Send one JSON object."
            raise PayloadError(message)
        _refuse_depth(value)
        return cls(_storable(value) if "\\u" in text else value)

    def __getitem__(self, key: str) -> "Payload":
        """Return the member `key`, which must exist."""
        found = self.get(key)
        if found is None:
            message = f"{self._at(key)} is missing."
            raise PayloadError(message)
        return found

    def get(self, key: str) -> "Payload | None":
        """Return the member `key`, or None when it is absent or null. Raises PayloadError when this is no object."""
        if not isinstance(self.value, dict):
            message = f"{self.path or 'The body'} must be an object, not {_a_kind(self.value)}."
            raise PayloadError(message)
        value = self.value.get(key)
        return None if value is None else Payload(value, self._at(key))

    def dig(self, *keys: str) -> "Payload | None":
        """Return the member at the end of `keys`, or None when any of them is absent."""
        found: Payload | None = self
        for key in keys:
            found = found.get(key) if found is not None else None
        return found

    def items(self) -> "list[Payload]":
        """Return the members of a list."""
        if not isinstance(self.value, list):
            message = f"{self.path} must be a list, not {_a_kind(self.value)}."
            raise PayloadError(message)
        return [Payload(value, f"{self.path}[{index}]") for index, value in enumerate(self.value)]

    def text(self, *keys: str) -> str:
        """Return the string at the end of `keys`, which must exist and say something."""
        found = self
        for key in keys:
            found = found[key]
        if not (value := _string(found)):
            message = f"{found.path} is empty."
            raise PayloadError(message)
        return value

    def optional_text(self, *keys: str) -> str | None:
        """Return the string at the end of `keys`, or None when it is absent or empty."""
        found = self.dig(*keys)
        return (_string(found) or None) if found is not None else None

    def number(self, *keys: str) -> float | None:
        """Return the number at the end of `keys`, or None when it is absent."""
        found = self.dig(*keys)
        if found is None:
            return None
        value = found.value
        if not isinstance(value, int | float) or isinstance(value, bool):
            message = f"{found.path} must be a number, not {_a_kind(value)}."
            raise PayloadError(message)
        if not -LARGEST <= value <= LARGEST:  # NaN and Infinity too, which Python's reader accepts
            message = f"{found.path} is out of range."
            raise PayloadError(message)
        return float(value)

    def integer(self, *keys: str) -> int | None:
        """Return the whole number at the end of `keys`, or None when it is absent."""
        number = self.number(*keys)
        if number is not None and not number.is_integer():
            message = f"{self._at(*keys)} must be a whole number, not {number}."
            raise PayloadError(message)
        return None if number is None else int(number)

    def flag(self, *keys: str) -> bool:
        """Return the boolean at the end of `keys`, or False when it is absent."""
        found = self.dig(*keys)
        if found is not None and not isinstance(found.value, bool):
            message = f"{found.path} must be true or false, not {_a_kind(found.value)}."
            raise PayloadError(message)
        return found is not None and bool(found.value)

    def percent(self, *keys: str) -> float | None:
        """Return the number from 0 to 100 at the end of `keys`, or None when it is absent."""
        number = self.number(*keys)
        if number is not None and not 0 <= number <= EVERYBODY:
            message = f"{self._at(*keys)} must be a percentage from 0 to 100, not {number:g}."
            raise PayloadError(message)
        return number

    def hint(self, key: str) -> str | None:
        """Return the string at `key` of an object that anybody may fill: what is no string was meant for others."""
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return value if isinstance(value, str) and value else None

    def percent_hint(self, key: str) -> float | None:
        """Return the number from 0 to 100 at `key` of an object that anybody may fill, if there is one."""
        value = self.value.get(key) if isinstance(self.value, dict) else None
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= EVERYBODY:
            return None
        return float(value)

    def time(self, *keys: str) -> datetime | None:
        """Return the ISO 8601 time at the end of `keys` as UTC, or None when it is absent. A zone is required."""
        text = self.optional_text(*keys)
        if text is None:
            return None
        place = self._at(*keys)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            message = f"{place} is not an ISO 8601 time: {text!r}."
            raise PayloadError(message) from error
        if moment.tzinfo is None:
            message = f"{place} has no time zone: {text!r}. Add Z or an offset."
            raise PayloadError(message)
        try:
            return moment.astimezone(UTC)
        except OverflowError as error:  # 0001-01-01T00:00:00+01:00
            message = f"{place} is out of range: {text!r}."
            raise PayloadError(message) from error

    def _at(self, *keys: str) -> str:
        return ".".join(filter(None, (self.path, *keys)))


def _string(found: Payload) -> str:
    if not isinstance(found.value, str):
        message = f"{found.path} must be a string, not {_a_kind(found.value)}."
        raise PayloadError(message)
    return found.value


def _refuse_depth(value: object) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise PayloadError(TOO_DEEP)
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]


def _storable(value: Any) -> Any:
    """Return `value` with what cannot be stored replaced. The depth is known to be small here."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_storable(child) for child in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(child) for key, child in value.items()}
    return value


def _a_kind(value: object) -> str:
    kinds = {
        dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number",
    }  # fmt: skip
    return kinds.get(type(value), "null")
