"""What a channel is: it takes one finished message to one place, and says how that went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from trusthub.domain.message import Button
from trusthub.domain.recipient import Became

TIMEOUT = 10.0
"""Seconds that a provider has to answer. A lane's lease is three times as long."""


PERSONAL = "-trusthub-personal-"
"""Stands in a mail to many for the token that each reader's links have, in texts, HTML and headers."""
REPLY = "-trusthub-reply-"
"""Stands in `reply_to` for the token that says whose answer it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """One message for one destination, in every shape a channel may need. Nothing is left to be worded."""

    key: str
    """Stays the same when the message is sent again, so that a provider or a reader can tell a repeat."""
    to: str
    """`#releases` or a channel id for Slack, an address for mail, `main` for the page; else a name."""
    subject: str
    text: str
    html: str
    slack: str
    """Slack mrkdwn, already escaped."""
    markdown: str = ""
    """The words as they were written, for services that take Markdown; no mention in them is live."""
    promise: str = ""
    """The time of the next update as the message says it, such as `14:36 UTC`: no split may hide it."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """The message's facts for a machine, as README.md has them for webhooks. JSON."""
    buttons: tuple[Button, ...] = ()
    conversation: str = ""
    """Messages of one conversation belong together: a Slack thread, a mail thread."""
    parent: str | None = None
    """The receipt of the conversation's first message here; None when this is the first."""
    edit: bool = False
    """Replace the parent's text instead of adding a message. Only where the channel can; never for mail."""
    broadcast: bool = False
    """Also show a reply in the channel itself: for news that must not stay hidden in a thread."""
    unsubscribe_url: str | None = None
    """Where a mail reader's own button stops these messages (RFC 8058)."""
    sender: str | None = None
    """Who it is from, such as `Acme status <status@acme.example>`, when that is not who all mail is from. Mail only."""
    reply_to: str | None = None
    """Where an answer goes, when that is not the sender. Mail only."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    """Ids that the provider gives back with its receipts. No personal data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A provider took the message."""

    ref: str | None = None
    """The provider's name for it: `<channel>:<ts>` for Slack, the message id for mail."""
    status: int | None = None
    note: str = ""
    """What a person should know about how it went; empty when all is as asked."""
    became: Became | None = None
    """What became of the recipients of a mail, when that is not recorded yet."""
    anew: bool = False
    """The conversation's first message is gone here, and this one took its place: it is the parent from now on."""


class Channel(Protocol):
    """One way to reach people. A module per channel; registered in `channels.CHANNELS`."""

    def send(self, outbound: Outbound) -> Receipt:
        """Send once, without retrying. Raises DeliveryError when the provider did not take it."""


class Envelope(NamedTuple):
    """One recipient of a mail to many."""

    id: int
    """The hub's name for this recipient. It comes back with what the provider reports."""
    address: str
    token: str
    """What PERSONAL becomes for this recipient."""
    reply: str = ""
    """What REPLY becomes."""


class Ledger(Protocol):
    """Where a channel writes, while it sends to many, who has the mail: after a crash only the others get it."""

    def taken(self, envelopes: Sequence[Envelope], ref: str | None) -> None:
        """Record that the provider has the mail to these, under its name `ref`.

        They are in the order in which they came, and of those in between none waits any more.
        """

    def refused(self, envelopes: Sequence[Envelope], why: str) -> None:
        """Record that the provider will never take the mail to these."""


class Mailer(Channel, Protocol):
    """A channel for mail: it also takes one text to many, who do not see each other."""

    def send_many(self, outbound: Outbound, envelopes: Sequence[Envelope], ledger: Ledger) -> Receipt:
        """Send once to each. Raises DeliveryError when the ledger does not have them all; `outbound.to` is for show."""
