"""Mail that comes in: what there is of one, and which mails no person wrote. Everything in it is a stranger's word."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

MOST_PER_HOUR = 20
"""Mails of one address that are read within an hour. No person writes more; two programs that answer each other do."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The address at which customers' answers arrive, and the domain in which our own mails are named."""

    address: str
    ours: str

    def plus(self, token: str) -> str:
        """Return the address that says which mail of ours an answer is for."""
        local, _, domain = self.address.partition("@")
        return f"{local}+{token}@{domain}"

    def tokens(self, addresses: Iterable[str]) -> Iterator[str]:
        """Yield what stands behind the plus in those that are ours."""
        local, _, domain = self.address.lower().partition("@")
        for each in addresses:
            if each.startswith(f"{local}+") and each.endswith(f"@{domain}"):
                yield each.removeprefix(f"{local}+").removesuffix(f"@{domain}")


class Fate(StrEnum):
    """What became of a mail."""

    TAKEN = "taken"
    HELD = "held"
    """A stranger wrote it: people decide whether it is the customer's word."""
    AUTOMATIC = "automatic"
    """An out-of-office note, a mailing list: no person wrote it."""
    BOUNCE = "bounce"
    LOOP = "loop"
    """It is a mail of ours."""
    TOO_MANY = "too_many"
    UNKNOWN = "unknown"
    """It belongs to nothing of ours."""
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One mail, read and decoded. Addresses are in small letters."""

    message_id: str
    sender: str
    name: str | None
    text: str
    """What its writer typed, without what they quote."""
    to: tuple[str, ...]
    """Every address that it was sent to."""
    references: tuple[str, ...] = ()
    """Message-IDs of the mails that it answers, without angle brackets."""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Names in small letters."""
    returns: str = ""
    """The envelope's sender, where bounces go; `<>` when the mail is one."""
    spf: str = ""
    dkim: str = ""
    """The verdicts of the server that took it from its sender; empty when nobody told."""
    files: tuple[tuple[str, bytes], ...] = ()
    """Names and bytes."""


_OFF = frozenset({"", "no"})
_MASS = frozenset({"bulk", "junk", "list", "auto_reply"})
_MACHINES = re.compile(r"(mailer-daemon|postmaster|no-?reply|bounces?)@")
_AUTOMATIC = ("x-auto-response-suppress", "x-autoreply", "x-autorespond", "list-id")


def no_person(mail: Incoming) -> Fate | None:
    """Return what to call a mail that a program wrote; None when a person may have (RFC 3834, 2 and 5; RFC 3464)."""
    headers = {name: value.strip().lower() for name, value in mail.headers.items()}
    if mail.returns == "<>" or headers.get("content-type", "").startswith("multipart/report"):
        return Fate.BOUNCE
    if _MACHINES.match(mail.sender):
        return Fate.BOUNCE
    says_so = headers.get("auto-submitted", "").split(";")[0].strip() not in _OFF
    if says_so or headers.get("precedence") in _MASS or any(name in headers for name in _AUTOMATIC):
        return Fate.AUTOMATIC
    return None


_YES = frozenset({"yes", "yes it is", "yes thanks", "yes thank you", "ja", "ja ist es", "ja danke", "ja vielen dank"})


def says_yes(text: str) -> bool:
    """Whether a mail says yes and no more: "a yes or a no is enough", our closing mail says."""
    return " ".join(re.sub(r"[^\w\s]", " ", text.lower()).split()) in _YES


_PASS = re.compile(r"@?([\w.-]+)\s*:\s*pass\b", re.IGNORECASE)


def shown_genuine(mail: Incoming) -> bool:
    """Whether SPF or DKIM says that the mail is from the domain of its sender (as DMARC aligns them, strictly)."""
    domain = mail.sender.rpartition("@")[2]
    signed = any(each.lower() == domain for each in _PASS.findall(mail.dkim))
    return signed or (mail.spf.lower() == "pass" and mail.returns.rpartition("@")[2] == domain)


def shown_forged(mail: Incoming) -> bool:
    """Whether SPF or DKIM failed, and neither vouches for the sender."""
    failed = mail.spf.lower() in {"fail", "softfail"} or "fail" in mail.dkim.lower()
    return failed and not shown_genuine(mail)
