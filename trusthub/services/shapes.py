"""The shape of a message for what is no mail and no Slack: its words alone, with its buttons as links below them."""

from trusthub.channels.base import Outbound
from trusthub.domain.message import Button
from trusthub.rendering import markdown
from trusthub.services.hub import Hub
from trusthub.store.outbox import Claimed

PLAIN = frozenset({"webhook", "apprise"})
"""The channels that take it so."""


def plain(hub: Hub, claimed: Claimed) -> Outbound:
    """Give a frozen message its three forms: Markdown, HTML and text, without a layout or a footer."""
    delivery, frozen = claimed.delivery, claimed.delivery.payload
    buttons = tuple(Button(**button) for button in frozen["buttons"])
    links = "\n".join(f"- [{button.label}]({button.url})" for button in buttons)
    words = "\n\n".join(filter(None, (frozen["body"], links)))
    return Outbound(
        key=f"{delivery.key}@{hub.tokens.key_id}",  # as for every channel: two hubs may share a receiver
        to=frozen["to"],
        subject=frozen["subject"],
        text=markdown.to_text(words),
        html=str(markdown.to_html(words)),
        slack="",
        markdown=markdown.silent(words),
        promise=frozen.get("promise", ""),
        data=frozen.get("data", {}),
        buttons=buttons,
        conversation=delivery.conversation,
        parent=claimed.parent,
        arguments={"delivery": str(delivery.id), "moment": delivery.moment},
    )
