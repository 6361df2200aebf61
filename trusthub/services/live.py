"""One marked test message to each place where colleagues hear: whether what is configured works, before it must."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from trusthub.channels.base import Channel, Outbound
from trusthub.channels.sandbox import Sandbox
from trusthub.domain.message import Audience
from trusthub.domain.site import Site
from trusthub.errors import DeliveryError

_TEXT = (
    "This is a test by `trusthub check --live`, for {audience} of {name}. "
    "Nothing has happened and there is nothing to do. "
    "If you read this, messages about rollouts and incidents will reach you here."
)
_PROVIDERS = {"Smtp": "the mail server", "Webhook": "the webhook", "Apprise": "apprise"}


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one test message."""

    lane: str
    accepted: bool
    words: str
    """By whom it was accepted, or why not and what to do."""


def send(site: Site, made: Mapping[str, Channel], now: datetime) -> Iterator[Tried]:
    """Send to each place of stakeholders and support, and yield what became of each. Nothing goes to customers.

    `made` are the ways out. Each is tried once: who runs this sees why, and tries again.
    """
    customers = {place.lane for place in site.audiences.get(Audience.CUSTOMERS, ())}
    told: dict[str, list[str]] = {}
    for audience in (Audience.STAKEHOLDERS, Audience.SUPPORT):
        for place in site.audiences.get(audience, ()):
            told.setdefault(place.lane, []).append(audience.value)
    for lane, audiences in told.items():
        kind, _, to = lane.partition(":")
        if kind == "page" or lane in customers:
            yield Tried(lane, accepted=False, words="Customers read this, too: no test is sent there.")
        else:
            yield _try(lane, made[kind], _message(site.page.name, lane, to, " and ".join(audiences), now))


def _try(lane: str, channel: Channel, outbound: Outbound) -> Tried:
    provider = type(channel).__name__
    try:
        receipt = channel.send(outbound)
    except DeliveryError as error:
        return Tried(lane, accepted=False, words=str(error))
    if isinstance(channel, Sandbox):
        return Tried(lane, accepted=False, words=receipt.note)
    named = f" as {receipt.ref}" if receipt.ref else ""
    return Tried(
        lane, accepted=True, words=f"Accepted by {_PROVIDERS.get(provider, provider)}{named}. {receipt.note}".strip()
    )


def _message(name: str, lane: str, to: str, audience: str, now: datetime) -> Outbound:
    words = _TEXT.format(audience=audience, name=name)
    plain = words.replace("`", "")
    return Outbound(
        key=f"check:{lane}:{uuid.uuid4()}",
        to=to,
        subject=f"[Test] {name}: a test of trusthub",
        text=plain,
        html=f"<p>{_escaped(plain)}</p>",
        slack=_escaped(words),
        markdown=words,
        arguments={"moment": "test"},
        data={"at": now.isoformat(), "audience": audience},
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
