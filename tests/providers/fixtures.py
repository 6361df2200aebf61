"""One provider for one test."""

from collections.abc import Iterator

import pytest

from tests.providers.sendgrid import SendGrid
from tests.providers.slack import Slack
from tests.providers.smtp import Smtp
from tests.providers.webhook import Webhook


@pytest.fixture
def slack_provider() -> Iterator[Slack]:
    with Slack() as provider:
        yield provider


@pytest.fixture
def sendgrid_provider() -> Iterator[SendGrid]:
    with SendGrid() as provider:
        yield provider


@pytest.fixture
def smtp_provider() -> Iterator[Smtp]:
    with Smtp() as provider:
        yield provider


@pytest.fixture
def webhook_provider() -> Iterator[Webhook]:
    with Webhook() as provider:
        yield provider
