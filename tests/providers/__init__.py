"""Slack, SendGrid and a mail server on loopback, as strict as the real ones and as broken as a test wants.

    with Slack() as slack:
        slack.fail(rate_limited(3))
        ...                       # the hub, with TRUSTHUB_SLACK_API_URL=slack.url
        slack.wait_for(2)

The fixtures come into a conftest.py by name: `from tests.providers import slack_provider`.
"""

from tests.providers.fixtures import sendgrid_provider, slack_provider, smtp_provider, webhook_provider
from tests.providers.github import GitHub
from tests.providers.http import (
    Call,
    Fault,
    HttpProvider,
    accept_then_drop,
    accept_then_fail,
    accept_then_hang,
    answer,
    broken,
    drop,
    hang,
    rate_limited,
)
from tests.providers.sendgrid import SendGrid
from tests.providers.slack import Message, Slack, refused
from tests.providers.smtp import Smtp, SmtpFault
from tests.providers.webhook import Webhook

__all__ = [
    "Call",
    "Fault",
    "GitHub",
    "HttpProvider",
    "Message",
    "SendGrid",
    "Slack",
    "Smtp",
    "SmtpFault",
    "Webhook",
    "accept_then_drop",
    "accept_then_fail",
    "accept_then_hang",
    "answer",
    "broken",
    "drop",
    "hang",
    "rate_limited",
    "refused",
    "sendgrid_provider",
    "slack_provider",
    "smtp_provider",
    "webhook_provider",
]
