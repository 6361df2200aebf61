"""One text to many by SMTP: over one connection, each mail whole and its reader's own."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from tests.channels.conftest import TO_MAIL
from tests.providers import Smtp, SmtpFault
from trusthub.channels import mail, smtp, smtp_server
from trusthub.channels.base import PERSONAL, REPLY, Envelope
from trusthub.channels.smtp_letter import Letter
from trusthub.errors import DeliveryError

SENDER = mail.Sender("Acme Status", "status@acme.example")
URL = f"https://hub.acme.example/subscriptions/{PERSONAL}"
LINE = "Grüße, 100 % sorry. " * 12
TO_MANY = replace(
    TO_MAIL,
    key="update:7/email:subscribers/0/en/UTC/0",
    to="3 subscribers",
    text=f"{LINE}\nStop these mails: {URL}\n.\nThe end",
    html=f'<p>{LINE}</p><p><a href="{URL}">Stop these mails</a></p>',
    unsubscribe_url=URL,
)
THREE = [Envelope(number, f"customer{number}@a.example", f"1f3a.s{number}.1.{'ab' * 16}") for number in (1, 2, 3)]


@dataclass
class Ledger:
    has: list[int] = field(default_factory=list)
    never: list[int] = field(default_factory=list)

    def taken(self, envelopes: Sequence[Envelope], ref: str | None) -> None:
        self.has += [each.id for each in envelopes]

    def refused(self, envelopes: Sequence[Envelope], why: str) -> None:
        self.never += [each.id for each in envelopes]


def send(provider: Smtp, ledger: Ledger, envelopes: Sequence[Envelope] = THREE) -> None:
    channel = smtp.Smtp(server=smtp_server.read(provider.url), sender=SENDER, timeout=0.4)
    assert channel.send_many(TO_MANY, envelopes, ledger).status == 250


def test_each_reader_answers_to_an_address_of_their_own(smtp_provider: Smtp) -> None:
    channel = smtp.Smtp(server=smtp_server.read(smtp_provider.url), sender=SENDER, timeout=0.4)
    news = replace(TO_MANY, reply_to=f"reply+{REPLY}@in.acme.example")
    channel.send_many(news, [each._replace(reply=f"1f3a.{each.id}.1.{'cd' * 16}") for each in THREE], Ledger())
    found = [message["Reply-To"] for message in smtp_provider.wait_for(3)]
    assert found == [f"reply+1f3a.{number}.1.{'cd' * 16}@in.acme.example" for number in (1, 2, 3)]


def test_each_reader_gets_a_whole_mail_of_their_own_over_one_connection(smtp_provider: Smtp) -> None:
    ledger = Ledger()
    send(smtp_provider, ledger)
    messages = smtp_provider.wait_for(3)
    assert (ledger.has, ledger.never, smtp_provider.connections) == ([1, 2, 3], [], 1)
    assert len({message["Message-ID"] for message in messages}) == 3
    assert len({message["References"] for message in messages}) == 1
    for envelope, message in zip(THREE, messages, strict=True):
        stop = URL.replace(PERSONAL, envelope.token)
        assert message["To"] == envelope.address
        assert message["List-Unsubscribe"] == f"<{stop}>"
        plain, html = (part.get_content() for part in message.iter_parts())
        assert plain.splitlines() == TO_MANY.text.replace(URL, stop).splitlines()
        assert html.splitlines() == TO_MANY.html.replace(URL, stop).splitlines()
        assert not any(PERSONAL in part or "trusthub.invalid" in str(message) for part in (plain, html))


def test_a_link_is_found_wherever_the_encoding_breaks_its_line() -> None:
    for shift in range(80):
        text = f"{'ä' * 3}{'x' * shift} {URL}"
        raw = Letter(replace(TO_MANY, text=text, html=""), SENDER).to(THREE[0]).decode()
        assert PERSONAL not in raw.replace("=\r\n", "")
        assert all(len(line) <= 998 for line in raw.split("\r\n"))


def test_who_is_refused_or_put_off_holds_up_nobody(smtp_provider: Smtp) -> None:
    ledger = Ledger()
    smtp_provider.fail(SmtpFault("RCPT", "550 5.1.1 No such user"), SmtpFault("DATA", "451 4.3.0 Try later"))
    with pytest.raises(DeliveryError, match=r"1 of 3 recipients were put off.*451") as failed:
        send(smtp_provider, ledger)
    assert (ledger.has, ledger.never) == ([3], [1])
    assert not failed.value.permanent
    send(smtp_provider, ledger, THREE[1:2])
    assert ledger.has == [3, 2]


def test_after_a_lost_connection_the_ledger_knows_who_has_it(smtp_provider: Smtp) -> None:
    ledger = Ledger()
    smtp_provider.skip("DATA", 2)
    smtp_provider.fail(SmtpFault("DATA", accept=True))
    with pytest.raises(DeliveryError) as failed:
        send(smtp_provider, ledger)
    assert failed.value.ambiguous
    assert ledger.has == [1, 2]


def test_a_server_that_ends_the_connection_between_two_mails_is_called_anew(smtp_provider: Smtp) -> None:
    ledger = Ledger()
    smtp_provider.skip("MAIL", 1)
    smtp_provider.fail(SmtpFault("MAIL", "421 4.7.0 Too many mails on this connection"), SmtpFault("MAIL"))
    with pytest.raises(DeliveryError) as failed:  # the fresh connection is dropped too: that is its word
        send(smtp_provider, ledger)
    assert not failed.value.ambiguous
    assert ledger.has == [1]
    send(smtp_provider, ledger, THREE[1:])
    assert (ledger.has, len(smtp_provider.messages)) == ([1, 2, 3], 3)
