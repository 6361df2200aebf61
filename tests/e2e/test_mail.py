"""The same words by SMTP, for those who have no SendGrid."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.house import House, house
from tests.e2e.test_publicity import canary, rolled_back
from tests.providers import Smtp


@pytest.fixture
def smtp() -> Iterator[Smtp]:
    with Smtp() as made:
        yield made


@pytest.fixture
def hub(tmp_path: Path, smtp: Smtp) -> Iterator[House]:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, sendgrid_api_key="", smtp_url=smtp.url) as made:
        yield made


def test_a_rollback_is_mailed_as_one_conversation(hub: House, smtp: Smtp) -> None:
    canary(hub)
    rolled_back(hub)
    mails = smtp.wait_for(3)
    assert hub.sendgrid.messages == []
    rollback = mails[-1]
    assert rollback["To"] == "releases@acme.example"
    assert rollback["Subject"] == "Checkout: rolling back from 2.8.0 to 2.7.4"
    assert rollback["References"] == mails[-2]["References"]
    assert len({mail["Message-ID"] for mail in mails}) == len(mails)
    assert rollback["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, html = (part.get_content() for part in rollback.iter_parts())
    for words in ("Up to 5 % of Checkout requests", "Customers have been told."):
        assert words in text
        assert words in html


def test_without_any_provider_mail_is_kept_and_said_to_be(tmp_path: Path) -> None:
    with house(f"sqlite:///{tmp_path}/kept.db", tmp_path, sendgrid_api_key="", slack_bot_token="") as hub:
        canary(hub)
        rolled_back(hub)
        assert hub.slack.calls == []
        assert hub.sendgrid.messages == []
        hub.sign_in()
        told = hub.web.get(f"/console/incidents/{hub.incident()}").text
        assert "kept in the sandbox, not sent" in told
        console = hub.web.get("/console/deliveries").text
        assert "Kept, not sent" in console
        assert "TRUSTHUB_SENDGRID_API_KEY" in console
