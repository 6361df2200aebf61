"""SMTP: mail through any server, for those who have one and for those who want no provider in between."""

import contextlib
import smtplib
import time
from collections.abc import Callable, Sequence
from functools import partial

from trusthub.channels import mail, smtp_errors, smtp_server
from trusthub.channels.base import TIMEOUT, Envelope, Ledger, Outbound, Receipt
from trusthub.channels.smtp_letter import Letter, message
from trusthub.errors import DeliveryError

_OK = range(200, 300)
_NOTED = 0.05
"""Seconds after which it is recorded who has the mail. A crash then repeats no more than was sent in that time."""


class Smtp:
    """Sends one mail, or one text to many, one after the other over one connection."""

    def __init__(self, *, server: smtp_server.Server, sender: mail.Sender, timeout: float = TIMEOUT) -> None:
        """`timeout` is for each answer of the server."""
        self._server, self._sender, self._timeout = server, sender, timeout

    def send(self, outbound: Outbound) -> Receipt:
        """Hand the mail over. The receipt is its Message-ID, by which the server's log and the mailbox know it."""
        headers, to = mail.headers(outbound, self._sender.domain), mail.recipient(outbound.to)
        sender = mail.of(outbound, self._sender)
        raw = message(outbound, sender, headers).as_bytes()
        with contextlib.closing(_Line(self._connect, sender.address)) as line:
            _hand_over(line.begin(), to, raw)
        return Receipt(ref=headers["Message-ID"], status=250)

    def send_many(self, outbound: Outbound, envelopes: Sequence[Envelope], ledger: Ledger) -> Receipt:
        """Hand the mail over to one after the other; who is put off stays for the next time."""
        sender = mail.of(outbound, self._sender)
        letter = Letter(outbound, sender, self._sender.domain)
        notes = _Notes(ledger, mail.headers(outbound, self._sender.domain))
        put_off: list[DeliveryError] = []
        with contextlib.closing(_Line(self._connect, sender.address)) as line, contextlib.closing(notes):
            for envelope in envelopes:
                client = line.begin()
                try:
                    _hand_over(client, envelope.address, letter.to(envelope))
                except DeliveryError as error:
                    if error.ambiguous:
                        raise
                    if error.permanent:
                        ledger.refused([envelope], str(error))
                    else:
                        notes.close()  # those in a note follow each other
                        put_off.append(error)
                else:
                    notes.taken(envelope)
        if put_off:
            text = f"{len(put_off)} of {len(envelopes)} recipients were put off. {put_off[0]}"
            raise DeliveryError(text, status=put_off[0].status)
        return Receipt(ref=notes.name, status=250)

    def _connect(self) -> smtplib.SMTP:
        # The name for EHLO is the sender's: looking up the machine's own takes long where DNS is slow.
        return smtp_server.connect(self._server, self._sender.domain, self._timeout)


class _Line:
    """A connection that is used again and again, and made anew when the server ends it between two mails."""

    def __init__(self, connect: Callable[[], smtplib.SMTP], sender: str) -> None:
        self._connect, self._sender = connect, sender
        self._client: smtplib.SMTP | None = None

    def begin(self) -> smtplib.SMTP:
        """Begin a mail, and return what takes the rest. Raises DeliveryError when the server takes none from us now."""
        if self._client is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                if self._client.mail(self._sender)[0] in _OK:
                    return self._client
            self.close()
        self._client = client = smtp_errors.attempt(self._connect, smtp_errors.connection)
        smtp_errors.attempt(partial(_expect, lambda: client.mail(self._sender)), smtp_errors.begun)
        return client

    def close(self) -> None:
        """Say goodbye. What was handed over is taken by now: a farewell that fails must not make it look unsent."""
        if self._client is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._client.quit()
            self._client.close()
            self._client = None


class _Notes:
    """Records who has the mail, several at a time: a commit takes longer than a mail."""

    def __init__(self, ledger: Ledger, headers: dict[str, str]) -> None:
        self.name = headers["Message-ID"]
        self._ledger, self._new, self._since = ledger, list[Envelope](), time.monotonic()

    def taken(self, envelope: Envelope) -> None:
        self._new.append(envelope)
        if time.monotonic() - self._since > _NOTED:
            self.close()

    def close(self) -> None:
        if self._new:
            self._ledger.taken(self._new, self.name)
        self._new, self._since = [], time.monotonic()


def _hand_over(client: smtplib.SMTP, to: str, raw: bytes) -> None:
    """Hand a mail over that was begun. Raises DeliveryError when the server does not take it for this one."""
    try:
        for step in (lambda: client.rcpt(to), lambda: client.data(raw)):
            smtp_errors.attempt(partial(_expect, step), lambda error: smtp_errors.mail(error, to))
    except DeliveryError:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            client.rset()
        raise


def _expect(step: Callable[[], tuple[int, bytes]]) -> None:
    code, words = step()
    if code not in _OK:
        raise smtplib.SMTPResponseException(code, words)
