"""PagerDuty: generic webhooks, version 3.

See https://developer.pagerduty.com/docs/webhooks-overview and https://developer.pagerduty.com/docs/verifying-webhook-signatures.
"""

import hashlib
import hmac

from trusthub.domain.events import AlertEvent
from trusthub.errors import SignatureError, UnknownEventError
from trusthub.sources.base import Inbound, verify_token, web_links

FIRING = {
    "incident.triggered": True,
    "incident.reopened": True,
    "incident.resolved": False,
}
SILENT = frozenset(
    {
        "pagey.ping",  # the test button
        *(f"service.{word}" for word in ("created", "deleted", "updated")),
        # Who looks at an incident says nothing about the component.
        *(
            f"incident.{word}"
            for word in (
                "acknowledged", "action_invocation.created", "action_invocation.terminated",
                "action_invocation.updated", "annotated", "conference_bridge.updated", "custom_field_values.updated",
                "delegated", "escalated", "incident_type.changed", "priority_updated", "reassigned",
                "responder.added", "responder.replied", "role.assigned", "service_updated",
                "status_update_published", "unacknowledged", "workflow.completed", "workflow.started",
            )
        ),
    }
)  # fmt: skip
SIGNATURE = "x-pagerduty-signature"


class PagerDuty:
    """PagerDuty's webhook subscriptions."""

    name = "pagerduty"
    event_types = frozenset({*FIRING, "pagey.ping", "incident.acknowledged"})
    headers = frozenset({"x-webhook-id"})

    def verify(self, inbound: Inbound, secret: str) -> None:
        """Accept the HMAC if any of the signatures fits: while a secret is changed there are two."""
        if SIGNATURE not in inbound.headers:
            verify_token(inbound, secret)
            return
        expected = "v1=" + hmac.new(secret.encode(), inbound.body, hashlib.sha256).hexdigest()
        offered = inbound.headers[SIGNATURE].split(",")
        fits = [hmac.compare_digest(each.strip().encode(), expected.encode()) for each in offered]
        if not secret or not any(fits):
            message = "No signature in X-PagerDuty-Signature fits the body and this connection's secret."
            raise SignatureError(message)

    def parse(self, inbound: Inbound) -> list[AlertEvent]:
        event = inbound.json()["event"]
        kind = event.text("event_type")
        if kind in SILENT:
            return []
        if kind not in FIRING:
            raise UnknownEventError(kind)
        incident = event["data"]
        service = incident.dig("service")
        names = [service.optional_text("summary"), service.optional_text("id")] if service else []
        return [
            AlertEvent(
                kind=kind,
                names=tuple(dict.fromkeys(filter(None, names))) or (incident.text("id"),),
                alert=incident.text("id"),
                firing=FIRING[kind],
                occurred_at=event.time("occurred_at") or inbound.received_at,
                duplicate_key=inbound.headers.get("x-webhook-id") or event.text("id"),
                title=incident.optional_text("title") or "",
                severity=incident.optional_text("priority", "summary") or incident.optional_text("urgency") or "",
                links=web_links(("PagerDuty", incident.optional_text("html_url"))),
            )
        ]
