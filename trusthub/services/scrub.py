"""Requests without what is private in them, so that a contributor can hand one on as a fixture.

What carries meaning stays: structure, kinds of values, phases, versions, times, commits, names of components. What
tells of people and secrets is replaced, equal things by equal things. Free text is searched for patterns only: whoever
hands a request on reads it first.
"""

import base64
import hashlib
import ipaddress
import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

SECRET = re.compile(
    r"token|secret|passw|authorization|signature|cookie|api_?key|private|credential|hmac", re.IGNORECASE
)
"""Keys whose values are secrets, whatever they look like."""
PERSON = re.compile(
    r"(^|_)(actor|author|assignee|committer|creator|login|owner|pusher|sender|user|username|members?|approver|"
    r"requested_?by|created_?by|updated_?by|performed_?by|email|avatar|gravatar)($|_)",
    re.IGNORECASE,
)
"""Keys of people: their names and addresses are replaced, in what lies below too."""
NAME = re.compile(
    r"(^|_)(name|login|username|full_?name|display_?name|first_?name|last_?name|summary|value)$", re.IGNORECASE
)
COMMIT = re.compile(r"sha|commit|revision|checksum|digest|before|after|ref$", re.IGNORECASE)
"""Keys of what identifies a version: no secret, and needed to understand the event."""
_EMAIL = re.compile(r"[\w.+-]+@(?:[\w-]+\.)+[A-Za-z]{2,}")
_HOST = re.compile(r"(?<=://)(?:[^/\s?#@\"'<>]*@)?([^/\s?#:\"'<>]+)")
_BARE_HOST = re.compile(r"(?<![\w.@/-])((?:[a-z0-9-]+\.)+[a-z]{2,})(?=[:/])")
_QUERY = re.compile(r"(?<=[?&])([^=&#\s\"'<>]*(?:token|secret|key|sig|code|auth|pass)[^=&#\s\"'<>]*)=[^&#\s\"'<>]*")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}[0-9a-f:]{1,4}(?![\w:])", re.IGNORECASE)
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_LONG = re.compile(
    r"(?<![\w/+=.%-])(?<!sha256:)(?<!sha512:)(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{24,}(?![\w/+=-])"
)
_ID = re.compile(r"(^|_)id$|Id$", re.IGNORECASE)
_SCHEMAS = frozenset({"apiVersion", "api_version", "type", "kind", "dataschema", "specversion"})
"""Keys whose values look like hosts and name a format."""
_SMALL = 100_000
"""Numbers from here on that are called an id say whose account it is."""


@dataclass(slots=True)
class Scrubber:
    """Replaces equal things by equal things, for as long as it lives."""

    secrets: Collection[str] = ()
    """What is replaced wherever it stands: the secrets of the hub itself."""
    _numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    def scrub(self, value: Any, key: str = "", *, person: bool = False) -> Any:
        """Return JSON without what is private in it. `key` is where it stands; `person`, whether below somebody."""
        person = person or bool(PERSON.search(key))
        if isinstance(value, dict):
            return {name: self.scrub(child, name, person=person) for name, child in value.items()}
        if isinstance(value, list):
            return [self.scrub(child, key, person=person) for child in value]
        if isinstance(value, str):
            return self._text(value, key, person=person)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _SMALL and _ID.search(key):
            return _SMALL + self._number("id", str(value))
        return value

    def _text(self, text: str, key: str, *, person: bool) -> str:
        if not text:
            return text
        if SECRET.search(key):
            return "scrubbed"
        if (inner := _wrapped(text)) is not None:
            return base64.b64encode(json.dumps(self.scrub(inner)).encode()).decode()
        for secret in self.secrets:
            text = text.replace(secret, "scrubbed")
        if person and "://" in text:
            return f"https://{self._host(text.partition('://')[2].partition('/')[0])}/scrubbed"
        if person and _is_name(text, key):
            return f"person-{self._number('person', text)}"
        for pattern, invent in self._patterns(key):
            text = pattern.sub(invent, text)
        return text

    def _patterns(self, key: str) -> list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]]:
        everywhere: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
            (_EMAIL, lambda found: f"person-{self._number('email', found[0])}@customer.example"),
            (_HOST, lambda found: self._host(found[1])),
            (_BARE_HOST, lambda found: found[1] if key in _SCHEMAS else self._host(found[1])),
            (_QUERY, lambda found: f"{found[1]}=scrubbed"),
            (_IPV4, lambda found: self._address(found[0])),
            (_IPV6, lambda found: f"2001:db8::{self._number('ipv6', found[0])}"),
        ]
        unless_version = [(_UUID, _like), (_LONG, _like)]
        return everywhere if COMMIT.search(key) else [*everywhere, *unless_version]

    def _host(self, host: str) -> str:
        return host if host.endswith(".example") else f"host-{self._number('host', host.lower())}.example"

    def _address(self, text: str) -> str:
        try:
            ipaddress.IPv4Address(text)
        except ValueError:
            return text  # a version of four numbers
        return f"192.0.2.{self._number('ipv4', text)}"

    def _number(self, kind: str, value: str) -> int:
        known = self._numbers
        return known.setdefault((kind, value), 1 + sum(1 for each, _ in known if each == kind))


def _wrapped(text: str) -> Any:
    """Return the object that a text in base64 is (Pub/Sub, CloudEvents), or None when it is none."""
    if not text.startswith("ey"):  # '{"' in base64
        return None
    try:
        return json.loads(base64.b64decode(text, validate=True))
    except ValueError:
        return None


def _is_name(text: str, key: str) -> bool:
    """Whether a text below a person is what they are called, and not a kind or an address."""
    return bool(PERSON.search(key) or NAME.search(key)) and "@" not in text


def _like(found: re.Match[str]) -> str:
    """Return something invented of the same shape: digits for digits, letters for letters."""
    digest = hashlib.sha256(found[0].encode()).digest()
    hexadecimal = re.fullmatch(r"[0-9a-fA-F-]+", found[0]) is not None
    letters = "abcdef" if hexadecimal else "abcdefghijklmnopqrstuvwxyz"
    made = []
    for place, old in enumerate(found[0]):
        number = digest[place % len(digest)]
        if old.isdigit():
            made.append(str(number % 10))
        elif old.isalpha():
            new = letters[number % len(letters)]
            made.append(new.upper() if old.isupper() else new)
        else:
            made.append(old)
    return "".join(made)
