"""A page that customers read: where, in which languages, what is on it, and who may read it."""

import re
from enum import StrEnum
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, PrivateAttr, field_validator, model_validator

from trusthub.domain.brand import Brand
from trusthub.domain.destination import Address

_MAILBOX = r"[^\s@<>()\[\]\\,;:\"]+@[^\s@<>()\[\]\\,;:\"]+"
ONLY = "main"
"""The key of a page that is the only one."""


def component_id(name: str) -> str:
    """Return a name that can be the id of a component."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise ValueError(f"{name!r} is no id. Write small letters, digits, - and _")
    return name


def _sender(text: str) -> str:
    if not re.fullmatch(rf'{_MAILBOX}|"?[^"<>\r\n]*"? *<{_MAILBOX}>', text.strip()):
        raise ValueError(f"{text!r} is no sender. Write: Acme status <status@acme.example>")
    return text.strip()


def _page_key(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name):
        raise ValueError(f"{name!r} is the name of a folder and of commands. Write small letters, digits and -")
    return name


PageKey = Annotated[str, AfterValidator(_page_key)]


class Ledger(StrEnum):
    """Who sees how our promises ended."""

    PUBLIC = "public"
    """A page of its own lists them all."""
    INCIDENT = "incident"
    """Each incident shows its own."""
    INTERNAL = "internal"
    """Only the console shows them."""


class Access(StrEnum):
    """Who may read a page."""

    PUBLIC = "public"
    LINK = "link"
    """Whoever was given its link."""
    OIDC = "oidc"
    """Whoever signs in as at the console; a viewer may."""


class Page(Brand):
    """A page that customers read."""

    name: str = Field(min_length=1)
    url: str
    time_zone: str = "UTC"
    support: Address | None = None
    promises: Ledger = Ledger.PUBLIC
    trust: bool = False
    """Whether visitors read the short form of the trust report."""
    locales: tuple[str, ...] = Field(default=("en",), min_length=1)
    """The languages that customers read; the first is the page's own, and that of the people who work here."""
    access: Access = Access.PUBLIC
    components: tuple[Annotated[str, AfterValidator(component_id)], ...] | None = Field(default=None, min_length=1)
    """Ids of the components on it, in the site's order; None for all."""
    sender: Annotated[str, AfterValidator(_sender)] | None = None
    """Who its mail is from, such as `Acme status <status@acme.example>`; TRUSTHUB_MAIL_FROM when left out."""
    _key: str = PrivateAttr(default=ONLY)

    @property
    def key(self) -> str:
        """What site.yaml and the commands call it."""
        return self._key

    @property
    def host(self) -> str:
        """What a browser says that it wants to read, when it wants this page."""
        return self.url.partition("://")[2].partition("/")[0].lower()

    def called(self, key: str) -> Self:
        """Take the name that it has among several."""
        self._key = key
        return self

    @model_validator(mode="before")
    @classmethod
    def _short(cls, said: Any) -> Any:
        """Let `host` and `zone` stand for the address and the time zone."""
        if not isinstance(said, dict):
            return said
        long = {**said}
        if "host" in said and "url" not in said:
            long["url"] = f"https://{long.pop('host')}"
        if "zone" in said and "time_zone" not in said:
            long["time_zone"] = long.pop("zone")
        return long

    @property
    def main(self) -> str:
        """The page's own language."""
        return self.locales[0]

    def prefix(self, locale: str = "") -> str:
        """Return what stands before a path in a language: nothing for the page's own, else such as `/de`."""
        return f"/{locale}" if locale and locale != self.main else ""

    def nearest(self, *wanted: str) -> str:
        """Return the language for a reader: the first of `wanted` that the page has, as it is or without its region."""
        for code in wanted:
            for each in (code.lower(), code.lower().partition("-")[0]):
                if each in self.locales:
                    return each
        return self.main

    @field_validator("locales")
    @classmethod
    def _each_once(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(codes)) < len(codes):
            raise ValueError("names a language twice. Take one out")
        return codes

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", url):
            raise ValueError(f"{url!r} is not the address of a page. Write https:// and a host")
        return url.rstrip("/")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is not a time zone. Write an IANA name such as Europe/Berlin") from error
        return name
