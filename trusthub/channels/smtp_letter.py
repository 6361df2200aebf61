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
from trusthub.channels.base import PERSONAL, REPLY, Envelope, Outbound
from trusthub.channels.splice import Splice

_LONGEST_LINE = 900
"""Characters of a header that stay on one line; RFC 5322 allows 998 with its name."""
_BROKEN = re.compile(r"(?:=\r\n)?".join(map(re.escape, PERSONAL)))
"""PERSONAL in quoted-printable text, which breaks long lines anywhere (RFC 2045, 6.7)."""


class Letter:
    """A mail to many."""

    def __init__(self, outbound: Outbound, sender: mail.Sender, domain: str = "") -> None:
        """Build it once; Message-IDs are made at `domain`, else at that of the sender."""
        headers = mail.personal(outbound, domain or sender.domain)
        made = message(replace(outbound, to=mail.ADDRESS), sender, headers)
        text = _BROKEN.sub(PERSONAL, made.as_bytes().decode("ascii"))
        self._splice = Splice(text, mail.ADDRESS, mail.RECIPIENT, mail.TOKEN, PERSONAL, REPLY)

    def to(self, envelope: Envelope) -> bytes:
        """Return the bytes for one recipient."""
        number, address, token, reply = envelope
        return self._splice.fill(address, str(number), token, token, reply).encode("ascii")


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
