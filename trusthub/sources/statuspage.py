"""Statuspage: the webhook of a provider's page that we subscribed to. What it says is about a dependency of ours.

Nothing is signed: the token is in the address that we gave the page.
See https://support.atlassian.com/statuspage/docs/enable-webhook-notifications/.
"""

from trusthub.domain.events import AlertEvent
from trusthub.sources.base import Inbound, Payload, fingerprint, verify_token, web_links

OVER = frozenset({"resolved", "postmortem", "completed"})
PLANNED = frozenset({"scheduled", "in_progress", "verifying"})
"""States of a maintenance, which was announced and is no alert."""
WELL = frozenset({"operational", "under_maintenance"})


class Statuspage:
    """Any page that Atlassian Statuspage runs, or that speaks like one."""

    name = "statuspage"
    event_types = frozenset({"incident", "incident.resolved", "component", "component.operational", "maintenance"})
    headers: frozenset[str] = frozenset()

    def verify(self, inbound: Inbound, secret: str) -> None:
        verify_token(inbound, secret)

    def parse(self, inbound: Inbound) -> list[AlertEvent]:
        payload = inbound.json()
        page = payload.text("page", "id")
        incident = payload.get("incident")
        if incident is None:
            return [_component(payload, page, inbound)]
        return [] if incident.text("status") in PLANNED else [_incident(incident, page, inbound)]


def _incident(incident: Payload, page: str, inbound: Inbound) -> AlertEvent:
    state, updates, components = incident.text("status"), incident.get("incident_updates"), incident.get("components")
    newest = next(iter(updates.items()), None) if updates else None
    touched = [component.optional_text("name") for component in components.items()] if components else []
    firing = state not in OVER and incident.optional_text("impact") != "none"
    return AlertEvent(
        kind="incident" if firing else "incident.resolved",
        names=_names(page, touched),
        alert=f"{page}/{incident.text('id')}",
        firing=firing,
        occurred_at=incident.time("created_at" if firing else "updated_at") or inbound.received_at,
        duplicate_key=newest.text("id") if newest else fingerprint(incident.text("id"), state),
        title=incident.optional_text("name") or "",
        severity=incident.optional_text("impact") or "",
        links=web_links(("Provider's page", incident.optional_text("shortlink"))),
    )


def _component(payload: Payload, page: str, inbound: Inbound) -> AlertEvent:
    component, update = payload["component"], payload["component_update"]
    state = update.text("new_status")
    return AlertEvent(
        kind="component.operational" if state in WELL else "component",
        names=_names(page, [component.optional_text("name")]),
        alert=f"{page}/{component.text('id')}",
        firing=state not in WELL,
        occurred_at=update.time("created_at") or inbound.received_at,
        duplicate_key=update.text("id"),
        title=f"{component.optional_text('name') or page}: {state.replace('_', ' ')}",
        severity=state,
    )


def _names(page: str, components: list[str | None]) -> tuple[str, ...]:
    """Return what may stand under `watches`: the page's id with a component, the component, the page's id alone."""
    known = [name for name in components if name]
    return tuple(dict.fromkeys((*(f"{page}/{name}" for name in known), *known, page)))
