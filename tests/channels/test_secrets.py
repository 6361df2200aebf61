"""Keys, tokens, passwords and people's words stay out of logs and errors, however loud the logging is."""

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.channels.conftest import TO_MAIL, TO_SLACK, TO_WEBHOOK
from tests.providers import (
    Fault,
    HttpProvider,
    SendGrid,
    Slack,
    Smtp,
    SmtpFault,
    Webhook,
    answer,
    broken,
    drop,
    hang,
    rate_limited,
)
from tests.providers.webhook import SECRET
from trusthub.channels import mail, smtp_server
from trusthub.channels.base import Channel, Outbound
from trusthub.channels.http import Door
from trusthub.channels.sendgrid import SendGrid as SendGridChannel
from trusthub.channels.slack import Slack as SlackChannel
from trusthub.channels.smtp import Smtp as SmtpChannel
from trusthub.channels.webhook import Webhook as WebhookChannel
from trusthub.domain.destination import Destination
from trusthub.errors import DeliveryError

TOKEN = "s3cret-t0ken"
SENDER = mail.Sender("", "status@acme.example")
FAULTS = [None, broken(), rate_limited(), drop(), hang(), answer(401, "<html>no</html>"), answer(400, {"error": "no"})]


@contextmanager
def slack() -> Iterator[tuple[HttpProvider, Channel, Outbound]]:
    with Slack() as provider:
        yield provider, SlackChannel(token=TOKEN, api_url=provider.url, interactive=True, timeout=0.3), TO_SLACK


@contextmanager
def sendgrid() -> Iterator[tuple[HttpProvider, Channel, Outbound]]:
    with SendGrid() as provider:
        yield provider, SendGridChannel(api_key=TOKEN, api_url=provider.url, sender=SENDER, timeout=0.3), TO_MAIL


@contextmanager
def webhook() -> Iterator[tuple[HttpProvider, Channel, Outbound]]:
    with Webhook() as provider:
        place = Destination.model_validate({"webhook": f"{provider.url}/{TOKEN}", "secret": SECRET, "name": "acme"})
        yield provider, WebhookChannel({place.lane: place}, Door(private=True, timeout=0.3)), TO_WEBHOOK


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("provider", [slack, sendgrid, webhook])
def test_http_providers_tell_nothing(
    provider: Callable[[], Iterator[tuple[HttpProvider, Channel, Outbound]]],
    fault: Fault | None,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    told = ""
    with provider() as (server, channel, outbound):  # type: ignore[attr-defined]
        if fault:
            server.fail(fault)
        try:
            channel.send(outbound)
        except DeliveryError as error:
            told = everything(error)
    assert_silent(told, caplog)


@pytest.mark.parametrize(
    "fault", [None, SmtpFault("RCPT", "550 <ana@customer.example> no"), SmtpFault("DATA")], ids=str
)
def test_a_mail_server_tells_nothing(fault: SmtpFault | None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="trusthub")
    told = ""
    with Smtp("starttls", login=True) as server:
        url = server.url if fault else server.url.replace("correct%20horse", TOKEN)
        if fault:
            server.fail(fault)
        try:
            SmtpChannel(server=smtp_server.read(url), sender=SENDER, timeout=0.3).send(TO_MAIL)
        except DeliveryError as error:
            told = everything(error)
    assert told
    assert_silent(told, caplog)


def everything(error: BaseException | None) -> str:
    """Return all that a log or an error tracker could print, causes included."""
    told = ""
    while error is not None:
        told += "".join(traceback.format_exception(error)) + repr(vars(error))
        error = error.__cause__ or error.__context__
    return told


def assert_silent(told: str, caplog: pytest.LogCaptureFixture) -> None:
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name != "mail.log")
    for secret in (TOKEN, SECRET, "correct horse", TO_MAIL.to, "We are sorry"):
        assert secret not in told
        assert secret not in logged
