"""What SendGrid and SMTP share: addresses, and the headers that make a mail a good citizen."""

import hashlib
import re
from dataclasses import dataclass

from trusthub.channels.base import PERSONAL, Outbound
from trusthub.errors import DeliveryError, PlaybookError

_ADDRESS = re.compile(r"[^\s@<>()\[\]\\,;:\"]+@[^\s@<>()\[\]\\,;:\"]+")
_COMMON = re.compile(r"[A-Za-z0-9_.!#$%&'*+/=?^`{|}~-]{1,64}+@[A-Za-z0-9_-]{1,63}+(?:\.[A-Za-z0-9_-]{1,63}+)*+")
"""Nearly all addresses: those need not be taken apart, which takes ten times as long."""
_NAMED = re.compile(r'"?([^"<>]*?)"? *<([^<>]*)>')
_NO_ADDRESS = "This is not one mail address that mail can reach. Correct it in site.yaml, or remove the subscriber."
_OURS = re.compile(r"[0-9a-f]{32}(\.\d+)?")
_URL = re.compile(r"https?://[^\s<>,]+")

RECIPIENT, ADDRESS, TOKEN = "-trusthub-recipient-", "to@trusthub.invalid", "-trusthub-token-"
"""Stand in what is made once for many: for one reader's number and address, and for what PERSONAL becomes."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who mail is from."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """What comes after the @; our Message-IDs are made there."""
        return self.address.rpartition("@")[2]


def sender(text: str) -> Sender:
    """Read `name <address>` or an address. Raises PlaybookError, since without a sender no mail can ever leave."""
    named = _NAMED.fullmatch(text.strip())
    name, address = named.groups() if named else ("", text.strip())
    if (plain := _plain(address)) is None or not name.isprintable():
        raise PlaybookError(f"TRUSTHUB_MAIL_FROM is no sender: {text!r}. Write: Acme status <status@acme.example>")
    return Sender(name, plain)


def of(outbound: Outbound, usual: Sender) -> Sender:
    """Return who a mail is from: whom it names, else whom all mail is from."""
    return sender(outbound.sender) if outbound.sender else usual


def recipient(text: str) -> str:
    """Return the address, which is one and holds nothing that could end a header. Raises DeliveryError otherwise."""
    if (plain := _plain(text)) is None:
        raise DeliveryError(_NO_ADDRESS, permanent=True)
    return plain


def subject(outbound: Outbound) -> str:
    """Return the subject as one line."""
    return " ".join(outbound.subject.split())


def message_id(key: str, domain: str) -> str:
    """Name a message by its key: sent twice it has one name, and many mailboxes then show it once."""
    return f"<{digest(key)}@{domain}>"


def is_ours(name: str, domain: str) -> bool:
    """Whether a Message-ID, without its brackets, is of a mail that we sent as `domain`."""
    local, _, after = name.rpartition("@")
    return bool(domain) and after.lower() == domain and bool(_OURS.fullmatch(local))


def headers(outbound: Outbound, domain: str) -> dict[str, str]:
    """Return the headers beyond From, To and Subject.

    The mails of a conversation refer to one name that no mail has: readers then put them together although providers
    may replace a Message-ID (RFC 5322, 3.6.4). Automatic replies are asked not to come (RFC 3834, and Exchange's own
    header): a thousand out-of-office notes would hide the one customer who answers.
    """
    found = {
        "Message-ID": message_id(outbound.key, domain),
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
    }
    if outbound.conversation:
        root = message_id(f"conversation {outbound.conversation}", domain)
        found |= {"References": root} | ({"In-Reply-To": root} if outbound.parent else {})
    return found | _unsubscribe(outbound.unsubscribe_url)


def personal(outbound: Outbound, domain: str) -> dict[str, str]:
    """Return the headers of a mail to many: RECIPIENT stands for each reader's number, TOKEN for their token."""
    found = {name: value.replace(PERSONAL, TOKEN) for name, value in headers(outbound, domain).items()}
    return {**found, "Message-ID": found["Message-ID"].replace("@", f".{RECIPIENT}@")}


def _unsubscribe(url: str | None) -> dict[str, str]:
    """RFC 8058: the mail reader's own button posts to the address (which only https makes safe)."""
    if url is None:
        return {}
    if not _URL.fullmatch(url):
        raise DeliveryError("The address for unsubscribing is not one. Check TRUSTHUB_BASE_URL.", permanent=True)
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _plain(address: str) -> str | None:
    """Return the address in ASCII, or None. Letters beyond it are possible after the @ only, by IDNA."""
    if _COMMON.fullmatch(address):
        return address
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}" if _ADDRESS.fullmatch(address) and local.isascii() else None
    except UnicodeError:
        return None


def digest(text: str) -> str:
    """Return what stands for a text in a Message-ID."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
