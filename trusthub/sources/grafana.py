"""Grafana Alerting: its webhook contact point, which has Alertmanager's shape and may sign.

See https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/.
"""

from datetime import UTC, datetime

from trusthub.domain.events import AlertEvent
from trusthub.errors import SignatureError
from trusthub.sources.alerting import STATES, alerts_in
from trusthub.sources.base import Inbound, fresh, verify_hmac, verify_token

SIGNATURE = "x-grafana-alerting-signature"
TIMESTAMP = "x-grafana-alerting-timestamp"
"""Grafana has no name for it until somebody gives it one; README.md says to give it this one."""


class Grafana:
    """Grafana, its Cloud and Mimir's Alertmanager behind it."""

    name = "grafana"
    event_types = frozenset(STATES)
    headers: frozenset[str] = frozenset()

    def verify(self, inbound: Inbound, secret: str) -> None:
        """Accept the HMAC of the body, or of `<time>:<body>` where a time is sent; without a signature, the token."""
        if SIGNATURE not in inbound.headers:
            verify_token(inbound, secret)
            return
        stamp = inbound.headers.get(TIMESTAMP)
        signed = inbound.body if stamp is None else f"{stamp}:".encode() + inbound.body
        verify_hmac(inbound, secret, header=SIGNATURE, signed=signed)
        if stamp is not None:
            fresh(inbound, _moment(stamp))

    def parse(self, inbound: Inbound) -> list[AlertEvent]:
        return alerts_in(self.name, inbound)


def _moment(stamp: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(stamp), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise SignatureError(f"{TIMESTAMP} is no time in seconds since 1970.") from error
