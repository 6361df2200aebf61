"""What Alertmanager and Grafana send alike: a group of alerts, each with labels, annotations and two times."""

from collections.abc import Mapping
from datetime import datetime

from trusthub.domain.events import AlertEvent
from trusthub.errors import UnknownEventError
from trusthub.sources.base import Inbound, Payload, fingerprint, web_links

STATES = {"firing": True, "resolved": False}
WORDS = {"alerting": "firing", "ok": "resolved"}
"""Grafana's older words for the same."""
NAMES = ("component", "service", "app", "app_kubernetes_io_name", "deployment", "job")
"""Labels that name a component by habit, most specific first. With a namespace, `namespace/name` comes before it."""
ENVIRONMENTS = ("environment", "env")
_EPOCH = 1970
"""Both senders write the year 1 for a time that is not there."""


def alerts_in(source: str, inbound: Inbound) -> list[AlertEvent]:
    """Return one event for each alert of the group. Raises PayloadError when one of them cannot be read."""
    return [_read(source, alert, inbound) for alert in inbound.json()["alerts"].items()]


def _read(source: str, alert: Payload, inbound: Inbound) -> AlertEvent:
    labels, annotations = _words(alert, "labels"), _words(alert, "annotations")
    began, ended = _time(alert, "startsAt"), _time(alert, "endsAt")
    status = WORDS.get(alert.text("status"), alert.text("status"))
    if status not in STATES:
        raise UnknownEventError(status)
    firing = STATES[status]
    identity = alert.optional_text("fingerprint") or fingerprint(sorted(labels.items()))
    return AlertEvent(
        kind=status,
        names=_names(labels),
        alert=f"{identity} {began}",
        firing=firing,
        occurred_at=(began if firing else ended) or inbound.received_at,
        duplicate_key=fingerprint(source, identity, began, status),  # the group is sent again at every repeat_interval
        title=annotations.get("summary") or annotations.get("description") or labels.get("alertname", ""),
        severity=labels.get("severity", ""),
        environment=next((labels[key] for key in ENVIRONMENTS if labels.get(key)), None),
        namespace=labels.get("namespace"),
        links=web_links(
            ("Alert", alert.optional_text("generatorURL")),
            ("Runbook", annotations.get("runbook_url")),
            ("Dashboard", alert.optional_text("dashboardURL")),
            ("Panel", alert.optional_text("panelURL")),
        ),
    )


def _names(labels: Mapping[str, str]) -> tuple[str, ...]:
    found = [labels[key] for key in NAMES if labels.get(key)]
    within = [f"{labels['namespace']}/{name}" for name in found[:1] if labels.get("namespace") and "/" not in name]
    return tuple(dict.fromkeys((*within, *found))) or (labels.get("alertname") or "alert",)


def _words(alert: Payload, key: str) -> dict[str, str]:
    """Return labels or annotations: anybody may set any, so what is no text is left alone."""
    found = alert.get(key)
    return {name: text for name in (found.value if found else {}) if (text := found.hint(name))} if found else {}


def _time(alert: Payload, key: str) -> datetime | None:
    at = alert.time(key)
    return at if at and at.year >= _EPOCH else None
