"""The self-hosted way in: a mailbox on a real IMAP server, read by the same rules."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import inbound
from tests.e2e.house import House, house
from tests.e2e.test_feedback import link
from tests.e2e.test_inbound import ANA, QUOTE, address, count, said
from tests.e2e.test_publicity import canary, rolled_back
from tests.providers.imap import Imap
from trusthub.channels import imap
from trusthub.errors import DeliveryError, PlaybookError
from trusthub.services import inbox
from trusthub.services.mailbox import Mailbox


@pytest.fixture(scope="module")
def server() -> Iterator[Imap]:
    with Imap() as made:
        yield made


@pytest.fixture
def hub(tmp_path: Path, server: Imap) -> Iterator[House]:
    settings = {"mail_inbound": inbound.ADDRESS, "imap_url": server.url}
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **settings) as made:
        canary(made)
        rolled_back(made)
        yield made


def look(hub: House) -> int:
    return Mailbox(hub.parts.hub, imap.read(hub.parts.settings.imap_url.get_secret_value())).look()


def test_an_answer_in_the_mailbox_reaches_the_thread(hub: House, server: Imap) -> None:
    private = link(hub.answer(hub.incident(), words="I paid twice.", name="Ana", email="ana@customer.example").text)
    mail = inbound.message(ANA, address(hub), f"The receipt is missing.{QUOTE}")
    mail.add_attachment(b"%PDF-1.7\n", maintype="application", subtype="pdf", filename="../../bill.exe")
    server.put(mail)
    assert look(hub) == 1
    page = hub.web.get(private).text
    assert "The receipt is missing." in page
    assert ">bill.pdf</a>" in page
    assert (server.unseen(), look(hub)) == (0, 0)


def test_a_mail_stays_unread_until_it_is_committed(hub: House, server: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.answer(hub.incident(), words="I paid twice.", name="Ana", email="ana@customer.example")
    server.put(inbound.message(ANA, address(hub), "Are you there?"))

    def fail(*_: object) -> None:
        raise OSError("The database is gone.")

    with monkeypatch.context() as patch:
        patch.setattr(inbox, "receive", fail)
        with pytest.raises(DeliveryError):
            look(hub)
    assert server.unseen() == 1
    assert look(hub) == 1
    assert said(hub)[-1][1] == "Are you there?"


def test_what_the_server_found_about_the_sender_counts(hub: House, server: Imap) -> None:
    hub.answer(hub.incident(), words="I paid twice.", name="Ana", email="ana@customer.example")
    results = "mx.acme.example; spf=fail smtp.mailfrom=evil.example; dkim=none"
    server.put(inbound.message(ANA, address(hub), "I am Ana.", Authentication_Results=results))
    look(hub)
    assert count(hub, "held") == 1


def test_junk_is_read_once_and_stops_nobody(hub: House, server: Imap) -> None:
    server.put(b"\xff\xfe no mail at all")
    server.put(b"From: x\r\nContent-Type: multipart/mixed\r\n\r\n--\r\n")
    assert look(hub) == 2
    assert (server.unseen(), count(hub, "taken")) == (0, 0)


def test_a_mailbox_that_cannot_be_read_says_why_and_no_secret(server: Imap) -> None:
    account = imap.read(server.url.replace("word", "wrong"))
    with pytest.raises(DeliveryError) as caught:
        imap.poll(account, lambda _raw: None)
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "imap://user:secret-pw@mail.example/INBOX",
        "imaps://mail.example",
        "https://user:secret-pw@x",
        "imaps://u:p@h:x/",
    ],
)
def test_an_address_that_cannot_work_is_refused_at_start(url: str) -> None:
    with pytest.raises(PlaybookError) as caught:
        imap.read(url)
    assert "secret-pw" not in str(caught.value)
