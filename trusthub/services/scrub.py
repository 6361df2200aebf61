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
COMMIT = re.compile(r"attempt|sha|commit|revision|checksum|digest|before|after|ref$", re.IGNORECASE)
"""Keys of what identifies a version: no secret, and needed to understand the event."""
_TOKEN = re.compile(
    r"\b(?:xox[a-z]-|gh[a-z]_|github_pat_|glpat-|SG\.|A[KS]IA|sk-|whsec_|eyJ)[\w.+/=-]{8,}"
    r"|(?<=Bearer )\S+|(?<=Basic )\S+"
)
"""What Slack, GitHub, GitLab, SendGrid, AWS, Stripe and makers of JSON Web Tokens begin their secrets with."""
_EMAIL = re.compile(r"[\w.+-]+@(?:[\w-]+\.)+[A-Za-z]{2,}")
_HOST = re.compile(r"(?<=://)(?:[^/\s?#@\"'<>]*@)?([^/\s?#:\"'<>]+)")
_BARE_HOST = re.compile(
    r"(?<![\w.@/-])(?:[a-z0-9-]+\.)+[a-z]{2,}(?=[:/])"
    r"|(?<![\w.@-])(?:[a-z0-9-]+\.)+(?:com|net|org|cloud|internal|local|lan|corp)(?![\w-]|\.\w)"
)
_QUERY = re.compile(r"(?<=[?&])([^=&#\s\"'<>]*(?:token|secret|key|sig|code|auth|pass)[^=&#\s\"'<>]*)=[^&#\s\"'<>]*")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
_IPV6 = re.compile(r"(?<![\w:.])(?=[0-9a-f:]*[a-f:]{2})(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])", re.IGNORECASE)
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_LONG = re.compile(
    r"(?<![\w/+=.%-])(?<!sha256:)(?<!sha512:)(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{24,}(?![\w/+=-])"
)
_ID = re.compile(r"(^|_)id$|Id$", re.IGNORECASE)
_SCHEMAS = frozenset({"apiVersion", "api_version", "type", "kind", "dataschema", "specversion"})
"""Keys whose values look like hosts and name a format."""
_SMALL = 100_000
"""Numbers from here on that are called an id say whose account it is."""
_V4 = 4
_SHORT = 4
"""Characters of a name from which on it is no other word as well, and is looked for in sentences."""


@dataclass(slots=True)
class Scrubber:
    """Replaces equal things by equal things, for as long as it lives."""

    secrets: Collection[str] = ()
    """What is replaced wherever it stands: the secrets of the hub itself."""
    _numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)
    """Names and ids that stand in a place of their own, and are replaced in addresses and sentences too."""

    def scrub(self, value: Any) -> Any:
        """Return JSON without what is private in it."""
        self._learn(value, "", person=False)
        return self._scrub(value)

    def _learn(self, value: Any, key: str, *, person: bool) -> None:
        person = person or bool(PERSON.search(key))
        if isinstance(value, dict):
            for name, child in value.items():
                if name != "owner":  # of a repository: a part of what the component is called
                    self._learn(child, name, person=person)
        elif isinstance(value, list):
            for child in value:
                self._learn(child, key, person=person)
        elif isinstance(value, str) and (inner := _inside(value)) is not None:
            self._learn(inner, "", person=False)
        elif isinstance(value, str) and person and len(value) >= _SHORT and _is_name(value, key) and "://" not in value:
            self._known[value] = f"person-{self._number('person', value)}"
        elif _is_id(value, key):
            self._known[str(value)] = str(_SMALL + self._number("id", str(value)))

    def _scrub(self, value: Any, key: str = "", *, person: bool = False) -> Any:
        """Replace. `key` is where it stands; `person`, whether below somebody."""
        person = person or bool(PERSON.search(key))
        if isinstance(value, dict):
            return {name: self._scrub(child, name, person=person) for name, child in value.items()}
        if isinstance(value, list):
            return [self._scrub(child, key, person=person) for child in value]
        if isinstance(value, str):
            return self._text(value, key, person=person)
        if _is_id(value, key):
            return _SMALL + self._number("id", str(value))
        return value

    def _text(self, text: str, key: str, *, person: bool) -> str:
        if not text:
            return text
        if SECRET.search(key):
            return "scrubbed"
        if (inner := _inside(text)) is not None:
            made = json.dumps(self._scrub(inner), ensure_ascii=False)
            return made if text.startswith(("{", "[")) else base64.b64encode(made.encode()).decode()
        for secret in self.secrets:
            text = text.replace(secret, "scrubbed")
        if person and "://" in text:
            return f"https://{self._host(text.partition('://')[2].partition('/')[0])}/scrubbed"
        if person and _is_name(text, key):
            return f"person-{self._number('person', text)}"
        for pattern, invent in self._patterns(key):
            text = pattern.sub(invent, text)
        return text if key in _SCHEMAS else self._without_known(text)

    def _without_known(self, text: str) -> str:
        for known in sorted(filter(text.__contains__, self._known), key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", self._known[known], text)
        return text

    def _patterns(self, key: str) -> list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]]:
        everywhere: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
            (_TOKEN, lambda _: "scrubbed"),
            (_EMAIL, lambda found: f"person-{self._number('email', found[0])}@customer.example"),
            (_HOST, lambda found: self._host(found[1])),
            (_BARE_HOST, lambda found: found[0] if key in _SCHEMAS else self._host(found[0])),
            (_QUERY, lambda found: f"{found[1]}=scrubbed"),
            (_IPV4, lambda found: self._address(found[0])),
            (_IPV6, lambda found: self._address(found[0])),
        ]
        unless_version = [(_UUID, _like), (_LONG, _like)]
        return everywhere if COMMIT.search(key) else [*everywhere, *unless_version]

    def _host(self, host: str) -> str:
        return host if host.endswith(".example") else f"host-{self._number('host', host.lower())}.example"

    def _address(self, text: str) -> str:
        try:
            version = ipaddress.ip_address(text).version
        except ValueError:
            return text  # a version of four numbers, or a time of day
        return f"{'192.0.2.' if version == _V4 else '2001:db8::'}{self._number(f'ip{version}', text)}"

    def _number(self, kind: str, value: str) -> int:
        known = self._numbers
        return known.setdefault((kind, value), 1 + sum(1 for each, _ in known if each == kind))


def _inside(text: str) -> Any:
    """Return what a text holds that is JSON itself, also in base64 (Amazon SNS, Pub/Sub, CloudEvents); else None."""
    try:
        if text.startswith(("{", "[{")):
            return json.loads(text)
        return json.loads(base64.b64decode(text, validate=True)) if text.startswith("ey") else None  # '{"' in base64
    except ValueError:
        return None


def _is_id(value: Any, key: str) -> bool:
    """Whether a number says whose account, run or installation it is."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _SMALL and bool(_ID.search(key))


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
