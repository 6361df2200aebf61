"""The public status page as a destination: publishing it is a delivery like any other, with its retries and history."""

from collections.abc import Callable

from trusthub.channels.base import Outbound, Receipt


class Page:
    """Renders the page from what is stored. What the message says is there already; only the moment counts."""

    def __init__(self, publish: Callable[[Outbound], str]) -> None:
        """`publish` brings the page up to date with a delivery and returns its version."""
        self._publish = publish

    def send(self, outbound: Outbound) -> Receipt:
        """Publish, and name the version that is now public."""
        return Receipt(ref=self._publish(outbound))
