"""A mail as the bytes that a mail server takes: built once for all its readers, and spliced for each.

To build a message takes longer than to send it, so for a mail to many only the places that differ are put in anew.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy

from trusthub.channels import mail
from trusthub.channels.base import PERSONAL, Envelope, Outbound

_LONGEST_LINE = 900
"""Characters of a header that stay on one line; RFC 5322 allows 998 with its name."""
_TO, _ID = "trusthub-to@trusthub.invalid", "trusthub-id"
"""Stand in the headers for the recipient's address and number."""
_HEAD = re.compile(f"({re.escape(_TO)}|{_ID}|{PERSONAL})".encode())
_BODY = re.compile(f"({PERSONAL})".encode())
_BROKEN = re.compile(rb"(?:=\r\n)?".join(re.escape(bytes([letter])) for letter in PERSONAL.encode()))
"""The same in quoted-printable text, which breaks long lines anywhere (RFC 2045, 6.7)."""


class Letter:
    """A mail to many."""

    def __init__(self, outbound: Outbound, sender: mail.Sender) -> None:
        """Build it once."""
        headers = mail.headers(outbound, sender.domain)
        headers["Message-ID"] = headers["Message-ID"].replace("@", f".{_ID}@")
        raw = message(replace(outbound, to=_TO), sender, headers).as_bytes()
        head, blank, body = raw.partition(b"\r\n\r\n")
        self._parts = [*_HEAD.split(head), blank, b"", *_BODY.split(_BROKEN.sub(PERSONAL.encode(), body))]

    def to(self, envelope: Envelope) -> bytes:
        """Return the bytes for one recipient."""
        own = {_TO: envelope.address, _ID: str(envelope.id), PERSONAL: envelope.token}
        values = {name.encode(): value.encode("ascii") for name, value in own.items()}
        return b"".join(values.get(part, part) for part in self._parts)


class _Policy(EmailPolicy):
    """Leaves plain headers on their line. Python would write a long address as an encoded word, and break its link."""

    def fold(self, name: str, value: str) -> str:
        if value.isascii() and len(value) < _LONGEST_LINE:
            return f"{name}: {value}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: str) -> bytes:
        return self.fold(name, value).encode("ascii")


def message(outbound: Outbound, sender: mail.Sender, headers: Mapping[str, str]) -> EmailMessage:
    """Build the mail. A line break in a header is an error of EmailMessage, so none can be smuggled in."""
    made = EmailMessage(_Policy(linesep="\r\n", cte_type="7bit"))
    made["From"] = Address(sender.name, addr_spec=sender.address)
    made["To"] = Address(addr_spec=mail.recipient(outbound.to))
    made["Subject"] = mail.subject(outbound)
    if outbound.reply_to:
        made["Reply-To"] = Address(addr_spec=mail.recipient(outbound.reply_to))
    for name, value in headers.items():
        made[name] = value
    made.set_content(outbound.text, cte="quoted-printable")
    if outbound.html:
        made.add_alternative(outbound.html, subtype="html", cte="quoted-printable")
    return made
