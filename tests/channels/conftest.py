"""Messages to send, and the providers that take them."""

from dataclasses import replace
from typing import Protocol

import pytest

from tests.providers import sendgrid_provider, slack_provider, smtp_provider, webhook_provider
from trusthub.channels.base import Outbound
from trusthub.domain.message import Button

__all__ = ["sendgrid_provider", "slack_provider", "smtp_provider", "webhook_provider"]

TO_SLACK = Outbound(
    key="delivery-7",
    to="#releases",
    subject="Checkout: going back from 2.8.0 <now>",
    text="We are sorry.\nNext update by 14:36 UTC.",
    html="<p>We are sorry.</p><p>Next update by <b>14:36 UTC</b>.</p>",
    slack="We are sorry. Up to *5 %* of requests reached 2.8.0 &amp; failed.\n\nNext update by *14:36 UTC*.",
    buttons=(
        Button(label="Show", action="show", value="incident:12", url="https://status.acme.example/console/12"),
        Button(label="Go public", action="publish", value="incident:12", url="https://a.example/p", danger=True),
    ),
    conversation="incident-12",
)
TO_MAIL = replace(
    TO_SLACK,
    to="ana@customer.example",
    unsubscribe_url="https://status.acme.example/subscriptions/t0ken-" + "x" * 90,
    reply_to="reply+t0ken@in.acme.example",
    arguments={"update": "31", "subscriber": "8"},
)


TO_WEBHOOK = replace(
    TO_SLACK,
    to="acme",
    markdown="We are sorry.\n\nNext update by **14:36 UTC**.",
    promise="14:36 UTC",
    data={
        "at": "2026-11-22T14:06:00Z",
        "audience": "support",
        "conversation": "rollout:12",
        "incident": {
            "id": "k3v9x0q2m7ab",
            "name": "Checkout: a problem with 2.8.0",
            "state": "identified",
            "impact": "minor",
            "url": "https://status.acme.example/incidents/k3v9x0q2m7ab",
            "resolved_at": None,
        },
        "components": [{"id": "checkout", "name": "Checkout"}],
        "rollout": {"from_version": "2.7.4", "to_version": "2.8.0"},
        "promises": [{"kind": "next_update", "due": "2026-11-22T14:36:00Z", "standing": "pending"}],
    },
    arguments={"delivery": "7", "moment": "incident.identified"},
)


class Compose(Protocol):
    def __call__(self, **changes: object) -> Outbound: ...


@pytest.fixture
def to_slack() -> Compose:
    return lambda **changes: replace(TO_SLACK, **changes)


@pytest.fixture
def to_mail() -> Compose:
    return lambda **changes: replace(TO_MAIL, **changes)


@pytest.fixture
def to_webhook() -> Compose:
    return lambda **changes: replace(TO_WEBHOOK, **changes)
