"""Prometheus Alertmanager: its webhook, version 4.

It signs nothing, and sends a group again at every `repeat_interval`, and once from each of its instances.
See https://prometheus.io/docs/alerting/latest/configuration/#webhook_config.
"""

from trusthub.domain.events import AlertEvent
from trusthub.sources.alerting import STATES, alerts_in
from trusthub.sources.base import Inbound, verify_token


class Alertmanager:
    """Alertmanager, and whatever speaks like it."""

    name = "alertmanager"
    event_types = frozenset(STATES)
    headers: frozenset[str] = frozenset()

    def verify(self, inbound: Inbound, secret: str) -> None:
        verify_token(inbound, secret)

    def parse(self, inbound: Inbound) -> list[AlertEvent]:
        return alerts_in(self.name, inbound)
