"""Ways out. A new one is a module, a line in CHANNELS, a section in README.md and a folder of tests, and no more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from trusthub.channels import mail, smtp_server
from trusthub.channels.apprise import Apprise
from trusthub.channels.base import Channel, Outbound
from trusthub.channels.github import GitHub
from trusthub.channels.http import Door
from trusthub.channels.page import Page
from trusthub.channels.sandbox import Keep, Sandbox
from trusthub.channels.sendgrid import SendGrid
from trusthub.channels.slack import Slack
from trusthub.channels.smtp import Smtp
from trusthub.channels.webhook import Webhook
from trusthub.domain.destination import Destination
from trusthub.domain.site import Gate
from trusthub.errors import PlaybookError
from trusthub.settings import Settings

_NO_SLACK = "Set TRUSTHUB_SLACK_BOT_TOKEN to send it to Slack."
_NO_MAIL = "Set TRUSTHUB_SENDGRID_API_KEY or TRUSTHUB_SMTP_URL to send it by mail."
_NO_PROVIDER = "This destination is the sandbox."


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What channels are built from."""

    settings: Settings
    publish: Callable[[Outbound], str]
    keep: Keep
    support: str
    """`page.support` of the site: the sender, when TRUSTHUB_MAIL_FROM is not set."""
    destinations: Mapping[str, Destination]
    """Those of the site by lane, for channels whose addresses may hold a secret."""
    gates: Mapping[str, Gate]


def _slack(parts: Parts) -> Channel:
    settings = parts.settings
    if not (token := settings.slack_bot_token.get_secret_value()):
        return Sandbox(parts.keep, destination="slack", cure=_NO_SLACK)
    # Presses of buttons reach us only where Slack's signature can be verified.
    interactive = bool(settings.slack_signing_secret.get_secret_value())
    return Slack(token=token, api_url=_url("SLACK", settings.slack_api_url), interactive=interactive)


def _email(parts: Parts) -> Channel:
    settings = parts.settings
    key, smtp_url = settings.sendgrid_api_key.get_secret_value(), settings.smtp_url.get_secret_value()
    if not (key or smtp_url):
        return Sandbox(parts.keep, destination="email", cure=_NO_MAIL)
    sender = mail.sender(settings.mail_from or parts.support)
    if key:
        return SendGrid(api_key=key, api_url=_url("SENDGRID", settings.sendgrid_api_url), sender=sender)
    return Smtp(server=smtp_server.read(smtp_url), sender=sender)


def _page(parts: Parts) -> Channel:
    return Page(parts.publish)


def _github(parts: Parts) -> Channel:
    return GitHub(parts.gates)


def _webhook(parts: Parts) -> Channel:
    return Webhook(parts.destinations, Door(private=parts.settings.webhook_allow_private))


def _apprise(parts: Parts) -> Channel:
    return Apprise(parts.destinations)


def _sandbox(parts: Parts) -> Channel:
    return Sandbox(parts.keep, destination="sandbox", cure=_NO_PROVIDER)


CHANNELS: Mapping[str, Callable[[Parts], Channel]] = {
    "slack": _slack,
    "email": _email,
    "page": _page,
    "github": _github,
    "webhook": _webhook,
    "apprise": _apprise,
    "sandbox": _sandbox,
}
"""Kinds of destinations, and what builds the channel for each."""


def build(
    settings: Settings,
    *,
    publish: Callable[[Outbound], str],
    keep: Keep,
    support: str = "",
    destinations: Mapping[str, Destination] = MappingProxyType({}),
    gates: Mapping[str, Gate] = MappingProxyType({}),
) -> Mapping[str, Channel]:
    """Build every channel, once, at start. Raises PlaybookError when a setting or a destination cannot work."""
    parts = Parts(
        settings=settings, publish=publish, keep=keep, support=support, destinations=destinations, gates=gates
    )
    return {kind: make(parts) for kind, make in CHANNELS.items()}


def _url(name: str, url: str) -> str:
    """Let nothing but the web in: the SDKs open any address, files too."""
    if not url.startswith(("https://", "http://")):
        raise PlaybookError(f"TRUSTHUB_{name}_API_URL must start with https:// (or http:// for a local one): {url!r}")
    return url
