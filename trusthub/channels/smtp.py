"""SMTP: mail through any server, for those who have one and for those who want no provider in between."""

import contextlib
import smtplib
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy

from trusthub.channels import mail, smtp_errors, smtp_server
from trusthub.channels.base import TIMEOUT, Outbound, Receipt

_LONGEST_LINE = 900
"""Characters of a header that stay on one line; RFC 5322 allows 998 with its name."""


class Smtp:
    """Sends one mail to one address, over a connection of its own."""

    def __init__(self, *, server: smtp_server.Server, sender: mail.Sender, timeout: float = TIMEOUT) -> None:
        """`timeout` is for each answer of the server."""
        self._server, self._sender, self._timeout = server, sender, timeout

    def send(self, outbound: Outbound) -> Receipt:
        """Hand the mail over. The receipt is its Message-ID, by which the server's log and the mailbox know it."""
        message, to = _message(outbound, self._sender), mail.recipient(outbound.to)
        client = smtp_errors.attempt(self._connect, smtp_errors.connection)
        try:
            smtp_errors.attempt(
                lambda: client.send_message(message, self._sender.address, [to]),
                lambda error: smtp_errors.mail(error, to),
            )
        finally:
            # The mail is taken or refused by now. A farewell that fails must not make it look unsent.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                client.quit()
            client.close()
        return Receipt(ref=message["Message-ID"], status=250)

    def _connect(self) -> smtplib.SMTP:
        # The name for EHLO is the sender's: looking up the machine's own takes long where DNS is slow.
        return smtp_server.connect(self._server, self._sender.domain, self._timeout)


class _Policy(EmailPolicy):
    """Leaves plain headers on their line. Python would write a long address as an encoded word, and break its link."""

    def fold(self, name: str, value: str) -> str:
        if value.isascii() and len(value) < _LONGEST_LINE:
            return f"{name}: {value}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: str) -> bytes:
        return self.fold(name, value).encode("ascii")


def _message(outbound: Outbound, sender: mail.Sender) -> EmailMessage:
    """Build the mail. A line break in a header is an error of EmailMessage, so none can be smuggled in."""
    message = EmailMessage(_Policy(linesep="\r\n", cte_type="7bit"))
    message["From"] = Address(sender.name, addr_spec=sender.address)
    message["To"] = Address(addr_spec=mail.recipient(outbound.to))
    message["Subject"] = mail.subject(outbound)
    if outbound.reply_to:
        message["Reply-To"] = Address(addr_spec=mail.recipient(outbound.reply_to))
    for name, value in mail.headers(outbound, sender.domain).items():
        message[name] = value
    message.set_content(outbound.text)
    if outbound.html:
        message.add_alternative(outbound.html, subtype="html")
    return message
