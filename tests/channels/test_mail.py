"""Addresses and headers that SendGrid and SMTP share."""

import pytest

from tests.channels.conftest import Compose
from trusthub.channels import mail
from trusthub.errors import DeliveryError, PlaybookError


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        ("status@acme.example", mail.Sender("", "status@acme.example")),
        ("Acme status <status@acme.example>", mail.Sender("Acme status", "status@acme.example")),
        ('"Acme, Inc." <status@acme.example>', mail.Sender("Acme, Inc.", "status@acme.example")),
    ],
)
def test_a_sender_is_an_address_with_or_without_a_name(text: str, sender: mail.Sender) -> None:
    assert mail.sender(text) == sender
    assert mail.sender(text).domain == "acme.example"


@pytest.mark.parametrize("text", ["", "Acme", "a@b, c@d", "Acme <status>", "a@b\nBcc: x@y", "A\nB <a@b>", "A <a@b> B"])
def test_a_wrong_sender_is_told_at_start(text: str) -> None:
    with pytest.raises(PlaybookError, match="TRUSTHUB_MAIL_FROM"):
        mail.sender(text)


@pytest.mark.parametrize(
    "text", ["", "ana", "a@b@c", "a@b, c@d", "Ana <a@b>", "a@b\r\nBcc: x@y", "a @b", "a@b\n", "jürgen@b", "a@b..c"]
)
def test_a_recipient_is_one_bare_address(text: str) -> None:
    with pytest.raises(DeliveryError) as failed:
        mail.recipient(text)
    assert failed.value.permanent


def test_a_mail_readers_own_button_can_stop_the_mail(to_mail: Compose) -> None:
    found = mail.headers(to_mail(unsubscribe_url="https://a.example/u"), "a.example")
    assert found["List-Unsubscribe"] == "<https://a.example/u>"
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_mail_to_colleagues_has_no_unsubscribe_button_and_a_single_mail_no_conversation(to_mail: Compose) -> None:
    found = mail.headers(to_mail(unsubscribe_url=None, conversation=""), "a.example")
    assert sorted(found) == ["Auto-Submitted", "Message-ID", "X-Auto-Response-Suppress"]
