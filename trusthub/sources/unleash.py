"""Unleash: its integration "Webhook", which signs nothing.

See https://docs.getunleash.io/reference/integrations/webhook and https://docs.getunleash.io/reference/events.
"""

from trusthub.domain.events import Phase, RolloutEvent
from trusthub.errors import UnknownEventError
from trusthub.sources.base import EVERYBODY, Inbound, Payload, verify_token
from trusthub.sources.flags import Flag, flag_event, switched

TYPES = frozenset(
    {
        "feature-environment-enabled",
        "feature-environment-disabled",
        "feature-strategy-add",
        "feature-strategy-update",
        "release-plan-progressions-paused",
        "release-plan-progressions-resumed",
        "safeguard-triggered",
    }
)
SILENT = frozenset(
    {
        "feature-created", "feature-updated", "feature-archived", "feature-revived", "feature-deleted",
        "feature-completed", "feature-uncompleted", "feature-stale-on", "feature-stale-off", "feature-tagged",
        "feature-untagged", "feature-metadata-updated", "feature-project-change", "feature-strategy-remove",
        "feature-environment-variants-updated", "feature-potentially-stale-on", "strategy-order-changed",
    }
)  # fmt: skip
"""Events about a flag that switch nothing."""


class Unleash:
    """Unleash, open source and hosted."""

    name = "unleash"
    event_types = frozenset({*TYPES, "feature-created"})
    headers: frozenset[str] = frozenset()

    def verify(self, inbound: Inbound, secret: str) -> None:
        verify_token(inbound, secret)

    def parse(self, inbound: Inbound) -> list[RolloutEvent]:
        event = inbound.json()
        kind = event.text("type")
        if kind in SILENT:
            return []
        if kind not in TYPES:
            raise UnknownEventError(kind)
        project = event.optional_text("project") or ""
        return [
            flag_event(
                Flag(project, event.text("featureName"), event.optional_text("environment")),
                kind=kind,
                at=event.time("createdAt") or inbound.received_at,
                key=str(event["id"].integer()),
                meaning=_meaning(kind, event),
                actor=event.optional_text("createdBy") or "",
            )
        ]


def _meaning(kind: str, event: Payload) -> tuple[Phase | None, float | None]:
    match kind:
        case "feature-environment-enabled":
            return switched(on=True)
        case "feature-environment-disabled":
            return switched(on=False)
        case "release-plan-progressions-paused":
            return Phase.PAUSED, None
        case "release-plan-progressions-resumed":
            return Phase.PROGRESSING, None
        case "feature-strategy-add" | "feature-strategy-update":
            share = _share(event)
            return (None, None) if share is None else switched(on=True, share=share)
        case _:  # a safeguard stops a progression; whether users go back is said by the events that follow
            return Phase.PAUSED, None


def _share(event: Payload) -> float | None:
    """Return the percentage of a gradual rollout, which Unleash writes as text."""
    parameters = event.dig("data", "parameters")
    text = str(parameters.value.get("rollout", "")) if parameters and isinstance(parameters.value, dict) else ""
    return min(float(text), EVERYBODY) if text.isascii() and text.isdigit() else None
