"""SendGrid's own client against SendGrid on loopback, and its body against SendGrid's own description."""

import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from tests import goldens
from tests.channels.conftest import Compose
from tests.providers import (
    Call,
    Fault,
    SendGrid,
    accept_then_drop,
    accept_then_fail,
    accept_then_hang,
    answer,
    broken,
    drop,
    hang,
    rate_limited,
)
from tests.providers.sendgrid import description as described
from trusthub.channels import mail, sendgrid
from trusthub.errors import DeliveryError

KEY = "SG.secret-key"


def channel(provider: SendGrid) -> sendgrid.SendGrid:
    sender = mail.Sender("Acme status", "status@acme.example")
    return sendgrid.SendGrid(api_key=KEY, api_url=f"{provider.url}/", sender=sender, timeout=0.4)


def test_a_mail_carries_what_readers_and_receipts_need(sendgrid_provider: SendGrid, to_mail: Compose) -> None:
    receipt = channel(sendgrid_provider).send(to_mail())
    assert (receipt.ref, receipt.status, receipt.note) == ("sendgrid-0001", 202, "")
    (call,) = sendgrid_provider.accepted
    assert (call.path, call.headers["authorization"]) == ("/v3/mail/send", f"Bearer {KEY}")
    goldens.check_json("channels/sendgrid_first.json", call.body)


def test_later_mails_answer_the_conversation(sendgrid_provider: SendGrid, to_mail: Compose) -> None:
    sendgrid = channel(sendgrid_provider)
    sendgrid.send(to_mail())
    sendgrid.send(to_mail(key="delivery-8", parent="sendgrid-0001", unsubscribe_url=None, reply_to=None, html=""))
    first, second = (body["personalizations"][0]["headers"] for body in sendgrid_provider.messages)
    assert first["References"] == second["References"] == second["In-Reply-To"]
    assert "In-Reply-To" not in first
    assert first["Message-ID"] != second["Message-ID"]
    goldens.check_json("channels/sendgrid_reply.json", sendgrid_provider.messages[1])


def test_a_repeat_has_the_same_message_id(sendgrid_provider: SendGrid, to_mail: Compose) -> None:
    sendgrid_provider.fail(accept_then_fail())
    with pytest.raises(DeliveryError):
        channel(sendgrid_provider).send(to_mail())
    channel(sendgrid_provider).send(to_mail())
    ids = {body["personalizations"][0]["headers"]["Message-ID"] for body in sendgrid_provider.messages}
    assert (len(sendgrid_provider.messages), len(ids)) == (2, 1)


@pytest.mark.skipif(
    described() is None,
    reason="SendGrid's own description is not here, so no request was held against it: TRUSTHUB_REFERENCE names it",
)
def test_every_request_of_the_tests_is_held_against_sendgrids_description(sendgrid_provider: SendGrid) -> None:
    """The provider does that itself, for the whole suite. Here it shows that it would notice."""
    good = {
        "personalizations": [{"to": [{"email": "a@b.example"}]}],
        "from": {"email": "s@a.example"},
        "subject": "Sorry",
        "content": [{"type": "text/plain", "value": "x"}],
        "tracking_settings": {f"{kind}_tracking": {"enable": False} for kind in ("click", "open", "subscription")},
    }
    for change, words in [({}, ""), ({"send_at": "soon"}, "send_at"), ({"subjekt": "x"}, "subjekt")]:
        given, taken = sendgrid_provider.take(
            Call(path="/v3/mail/send", headers={"authorization": "Bearer x"}, body={**good, **change})
        )
        assert taken is (not words)
        assert words in str(given.body)


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"Retry_After": "20"}, 20, 20),
        ({"Retry_After": lambda: formatdate(time.time() + 60, usegmt=True)}, 30, 60),
        ({"X_RateLimit_Reset": lambda: str(int(time.time()) + 90)}, 60, 90),
        ({"X_RateLimit_Reset": "1"}, 0, 0),
    ],
)
def test_too_many_requests_wait_as_long_as_sendgrid_says(
    sendgrid_provider: SendGrid, to_mail: Compose, headers: dict[str, str | Callable[[], str]], least: int, most: int
) -> None:
    now = {name: value if isinstance(value, str) else value() for name, value in headers.items()}
    sendgrid_provider.fail(answer(429, {"errors": []}, **now))
    error = refusal_of(sendgrid_provider, to_mail)
    assert (error.permanent, error.status, error.ambiguous) == (False, 429, False)
    assert error.retry_after is not None
    assert least <= error.retry_after <= most


@pytest.mark.parametrize("status", sorted(sendgrid.CURES))
def test_what_no_retry_can_help_names_its_cure_and_sendgrids_reason(
    sendgrid_provider: SendGrid, to_mail: Compose, status: int
) -> None:
    sendgrid_provider.fail(answer(status, {"errors": [{"message": "Something is\nwrong", "field": "from.email"}]}))
    error = refusal_of(sendgrid_provider, to_mail)
    assert (error.permanent, error.status, error.ambiguous) == (True, status, False)
    assert str(error) == f"{sendgrid.CURES[status]} (from.email: Something is wrong)"


@pytest.mark.parametrize("body", ["<html>", {"errors": "x"}, {"errors": [{}]}, ["x"], None], ids=repr)
def test_a_reason_that_is_not_sendgrids_is_left_out(
    sendgrid_provider: SendGrid, to_mail: Compose, body: object
) -> None:
    sendgrid_provider.fail(answer(400, body))
    assert str(refusal_of(sendgrid_provider, to_mail)) == sendgrid.CURES[400]


def test_a_used_up_plan_is_not_a_wrong_key(sendgrid_provider: SendGrid, to_mail: Compose) -> None:
    sendgrid_provider.fail(answer(401, {"errors": [{"message": "Maximum credits exceeded", "field": None}]}))
    error = refusal_of(sendgrid_provider, to_mail)
    assert not error.permanent
    assert "used up" in str(error)


@pytest.mark.parametrize(
    "fault",
    [accept_then_fail(), broken(503), accept_then_hang(), accept_then_drop(), hang(), drop(), rate_limited()],
    ids=str,
)
def test_it_tries_once_and_only_once(sendgrid_provider: SendGrid, to_mail: Compose, fault: Fault) -> None:
    sendgrid_provider.fail(fault)
    error = refusal_of(sendgrid_provider, to_mail)
    assert error.ambiguous is (error.status != 429)
    assert not error.permanent
    assert len(sendgrid_provider.calls) == 1


def test_an_answer_that_sendgrid_never_gives_is_tried_again(sendgrid_provider: SendGrid, to_mail: Compose) -> None:
    sendgrid_provider.fail(answer(418))
    error = refusal_of(sendgrid_provider, to_mail)
    assert (error.permanent, error.ambiguous, error.status) == (False, False, 418)


def test_a_sendgrid_that_cannot_be_reached_has_taken_nothing(to_mail: Compose) -> None:
    with SendGrid() as gone:
        pass
    error = refusal_of(gone, to_mail)
    assert (error.permanent, error.ambiguous) == (False, False)


@pytest.mark.parametrize("changes", [{"to": "no address"}, {"reply_to": "a@b, c@d"}, {"unsubscribe_url": "http://a b"}])
def test_what_cannot_be_sent_is_not_tried(
    sendgrid_provider: SendGrid, to_mail: Compose, changes: dict[str, Any]
) -> None:
    assert refusal_of(sendgrid_provider, to_mail, **changes).permanent
    assert sendgrid_provider.calls == []


def refusal_of(provider: SendGrid, compose: Compose, **changes: object) -> DeliveryError:
    with pytest.raises(DeliveryError) as failed:
        channel(provider).send(compose(**changes))
    return failed.value
