"""Which channel takes what, from the settings alone."""

import pytest
from pydantic import SecretStr

from tests.channels.conftest import Compose
from tests.providers import SendGrid, Slack, Smtp
from trusthub import channels
from trusthub.channels.apprise import Apprise
from trusthub.channels.github import GitHub as GitHubChannel
from trusthub.channels.page import Page
from trusthub.channels.sandbox import Sandbox
from trusthub.channels.sendgrid import SendGrid as SendGridChannel
from trusthub.channels.slack import Slack as SlackChannel
from trusthub.channels.smtp import Smtp as SmtpChannel
from trusthub.channels.webhook import Webhook
from trusthub.errors import PlaybookError
from trusthub.settings import Settings

SLACK = SecretStr("xoxb-1")
KEY = SecretStr("SG.1")
SMTP = SecretStr("smtp://mail.example")
OWN = {"page": Page, "github": GitHubChannel, "webhook": Webhook, "apprise": Apprise, "sandbox": Sandbox}
"""What needs no account of ours."""


class Kept(list[tuple[str, dict[str, object]]]):
    def __call__(self, kind: str, payload: dict[str, object]) -> str:
        self.append((kind, payload))
        return f"kept-{len(self)}"


@pytest.fixture
def kept() -> Kept:
    return Kept()


def kinds(settings: Settings, support: str = "help@acme.example") -> dict[str, type[object]]:
    built = channels.build(settings, publish=lambda _: "v1", keep=Kept(), support=support)
    return {kind: type(channel) for kind, channel in built.items()}


def test_with_nothing_set_every_message_is_kept_and_none_is_sent() -> None:
    assert kinds(Settings()) == OWN | {"slack": Sandbox, "email": Sandbox}


def test_what_is_set_is_used_and_sendgrid_wins() -> None:
    settings = Settings(slack_bot_token=SLACK, sendgrid_api_key=KEY, smtp_url=SMTP)
    assert kinds(settings) == OWN | {"slack": SlackChannel, "email": SendGridChannel}
    assert kinds(Settings(smtp_url=SMTP))["email"] is SmtpChannel


def test_every_registered_kind_is_built() -> None:
    assert set(kinds(Settings())) == set(channels.CHANNELS)


def test_the_sender_is_the_one_that_is_set_else_the_pages_support_address(
    sendgrid_provider: SendGrid, to_mail: Compose, kept: Kept
) -> None:
    for mail_from in ("Acme <status@acme.example>", ""):
        settings = Settings(sendgrid_api_key=KEY, sendgrid_api_url=sendgrid_provider.url, mail_from=mail_from)
        channels.build(settings, publish=str, keep=kept, support="help@acme.example")["email"].send(to_mail())
    senders = [body["from"] for body in sendgrid_provider.messages]
    assert senders == [{"email": "status@acme.example", "name": "Acme"}, {"email": "help@acme.example"}]


@pytest.mark.parametrize(("secret", "interactive"), [("", False), ("s", True)])
def test_buttons_act_only_where_slack_can_be_verified(
    slack_provider: Slack, to_slack: Compose, kept: Kept, secret: str, *, interactive: bool
) -> None:
    settings = Settings(slack_bot_token=SLACK, slack_api_url=slack_provider.url, slack_signing_secret=SecretStr(secret))
    channels.build(settings, publish=str, keep=kept)["slack"].send(to_slack())
    button = slack_provider.messages[0].blocks[-1]["elements"][0]
    assert ("action_id" in button, "url" in button) == (interactive, not interactive)


def test_mail_goes_out_through_smtp(smtp_provider: Smtp, to_mail: Compose, kept: Kept) -> None:
    settings = Settings(smtp_url=SecretStr(smtp_provider.url), mail_from="status@acme.example")
    channels.build(settings, publish=str, keep=kept)["email"].send(to_mail())
    assert smtp_provider.wait_for(1)[0]["From"] == "status@acme.example"


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (Settings(sendgrid_api_key=KEY), "TRUSTHUB_MAIL_FROM"),
        (Settings(smtp_url=SecretStr("mail.example"), mail_from="a@b.example"), "TRUSTHUB_SMTP_URL"),
        (Settings(slack_bot_token=SLACK, slack_api_url="file:///etc/passwd"), "TRUSTHUB_SLACK_API_URL"),
        (
            Settings(sendgrid_api_key=KEY, mail_from="a@b.example", sendgrid_api_url="api.sendgrid.com"),
            "TRUSTHUB_SENDGRID_API_URL",
        ),
    ],
)
def test_a_setting_that_cannot_work_is_told_at_start(settings: Settings, name: str) -> None:
    with pytest.raises(PlaybookError, match=name):
        kinds(settings, support="")


def test_publishing_the_page_is_a_delivery_whose_receipt_is_the_version(to_slack: Compose, kept: Kept) -> None:
    built = channels.build(Settings(), publish=lambda _: "v17", keep=kept)
    assert built["page"].send(to_slack(to="main")).ref == "v17"


def test_the_sandbox_keeps_all_that_would_be_shown_and_says_that_nothing_was_sent(
    to_slack: Compose, kept: Kept
) -> None:
    slack = channels.build(Settings(), publish=str, keep=kept)["slack"]
    receipt = slack.send(to_slack())
    assert receipt.ref == "kept-1"
    assert receipt.note.startswith("Kept in the sandbox and not sent. Set TRUSTHUB_SLACK_BOT_TOKEN")
    ((kind, payload),) = kept
    assert (kind, payload["destination"], payload["to"]) == ("kept", "slack", "#releases")
    assert payload["slack"] == to_slack().slack


def test_an_edit_in_the_sandbox_keeps_the_receipt_of_what_it_edits(to_slack: Compose, kept: Kept) -> None:
    slack = channels.build(Settings(), publish=str, keep=kept)["slack"]
    first = slack.send(to_slack()).ref
    assert slack.send(to_slack(parent=first, edit=True)).ref == first
    assert slack.send(to_slack(parent=first)).ref == "kept-3"
