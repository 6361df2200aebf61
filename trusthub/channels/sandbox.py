"""Takes the place of a provider that is not set up: the message is kept and shown, and not sent."""

from collections.abc import Callable, Mapping, Sequence

from trusthub.channels.base import Envelope, Ledger, Outbound, Receipt

Keep = Callable[[str, dict[str, object]], str]
"""Stores a payload under its kind and returns its id."""


class Sandbox:
    """Keeps messages, so that everything works before the first account exists, and says plainly that none was sent."""

    def __init__(self, keep: Keep, *, destination: str, cure: str) -> None:
        """`destination` is the kind it stands in for; `cure` says what to set so that messages leave for real."""
        self._keep, self._destination, self.cure = keep, destination, cure

    def send(self, outbound: Outbound) -> Receipt:
        """Keep the message. An edit keeps the receipt of what it edits, as Slack does."""
        ref = self._keep("kept", {"destination": self._destination, **_payload(outbound)})
        edited = outbound.parent if outbound.edit else None
        return Receipt(ref=edited or ref, note=f"Kept in the sandbox and not sent. {self.cure}")

    def send_many(self, outbound: Outbound, envelopes: Sequence[Envelope], ledger: Ledger) -> Receipt:
        """Keep the message once, for all of them."""
        receipt = self.send(outbound)
        ledger.taken(envelopes, receipt.ref)
        return receipt


def _payload(outbound: Outbound) -> dict[str, object]:
    return {
        "key": outbound.key,
        "to": outbound.to,
        "subject": outbound.subject,
        "text": outbound.text,
        "html": outbound.html,
        "slack": outbound.slack,
        "buttons": [_button(button.label, button.url, danger=button.danger) for button in outbound.buttons],
        "parent": outbound.parent,
        "edit": outbound.edit,
        "broadcast": outbound.broadcast,
        "reply_to": outbound.reply_to,
        "unsubscribe_url": outbound.unsubscribe_url,
    }


def _button(label: str, url: str, *, danger: bool) -> Mapping[str, object]:
    return {"label": label, "url": url, "danger": danger}
