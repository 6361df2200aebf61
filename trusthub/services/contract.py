"""What a webhook's receiver reads of a moment besides its words: `data` of the contract in channels/README.md."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from trusthub.domain.message import Audience, Moment
from trusthub.services.hub import Hub
from trusthub.store.tables import Incident

if TYPE_CHECKING:  # which tells what this describes
    from trusthub.services.announce import Telling


_MISSED = frozenset({Moment.PROMISE_MISSED, Moment.MAINTENANCE_OVERRUN})


def data(session: Session, hub: Hub, telling: "Telling", audience: Audience) -> dict[str, Any]:
    """Return the facts of a moment as JSON. Customers' webhooks get public facts only."""
    return {
        "at": _time(telling.now),
        "audience": audience.value,
        "conversation": telling.conversation,
        "incident": _incident(session, hub, telling.incident_id),
        "components": _components(hub, telling.facts),
        "rollout": _rollout(telling, public=audience.public),
        "promises": _promises(telling),
    }


def _incident(session: Session, hub: Hub, incident_id: int | None) -> dict[str, Any] | None:
    row = session.get(Incident, incident_id) if incident_id else None
    if row is None:
        return None
    return {
        "id": row.public_id,
        "name": row.name,
        "state": row.state,
        "impact": row.impact,
        "url": hub.incident_url(row.public_id) if row.public else None,
        "resolved_at": _time(row.resolved_at),
    }


def _components(hub: Hub, facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Name the components; one that site.yaml does not list has no id."""
    names = facts.get("components") or filter(None, [facts.get("component")])
    ids = {component.name: component.id for component in hub.configuration.site.components}
    return [{"id": ids.get(name), "name": name} for name in names]


def _rollout(telling: "Telling", *, public: bool) -> dict[str, Any] | None:
    facts = telling.facts
    if public and telling.moment is Moment.INCIDENT_HOLDING:
        return None  # it names no cause, and a version would
    found = {"from_version": facts.get("from_version"), "to_version": facts.get("to_version")}
    if telling.rollout_id is None and not any(found.values()):
        return None
    inside = {"environment": facts.get("environment"), "strategy": facts.get("strategy")}
    return found | ({} if public else {**inside, "exposure": facts.get("exposure")})


def _promises(telling: "Telling") -> list[dict[str, Any]]:
    """List what is promised now, and the promise that this message says was missed."""
    facts = telling.facts
    found: list[dict[str, Any]] = []
    if due := facts.get("next_update"):
        found.append({"kind": "next_update", "due": _time(due), "standing": "pending"})
    if due := facts.get("recovery_until"):
        earliest = _time(facts.get("recovery_from"))
        found.append({"kind": "recovery", "earliest": earliest, "due": _time(due), "standing": "pending"})
    if telling.moment in _MISSED and (due := facts.get("promised_by")):
        found.append({"kind": facts.get("promise_kind"), "due": _time(due), "standing": "missed"})
    return found


def _time(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else None
