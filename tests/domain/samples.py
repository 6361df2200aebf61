"""Events and rollouts that several tests of the domain tell stories with."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from trusthub.domain.events import Phase, RolloutEvent
from trusthub.domain.message import Moment
from trusthub.domain.rollout import Rollout, Versions, observe

PLAN: dict[str, Any] = {
    "name": "default",
    "title": "Going back",
    "summary": "Release 2.7.4 again.",
    "owner": "Payments on call",
    "artifact": {"what": "the image by its digest", "versions": "the last ten are kept", "immutable": True},
    "layers": {
        layer: {"how": how, "time": "2m", "owner": "on call"}
        for layer, how in {"toggle": "none", "traffic": "the weight", "schema": "none", "configuration": "none"}.items()
    },
    "triggers": ["Three customers have confirmed the same harm."],
    "recovery": {"from": "2m", "to": "10m", "basis": "it did so the last time"},
    "sla": "Errors for the exposed share.",
    "known_risks": ["Payments are retried."],
    "unknown_risks": ["Load above 2,000 requests a second."],
    "document": "Do it.",
}
"""A complete plan, as it is written."""

NOON = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
EARLIER = Versions(("2.7.4",))


def at(minute: float) -> datetime:
    """Return the time so many minutes after the story began."""
    return NOON + timedelta(minutes=minute)


def event(phase: Phase | None, minute: float, exposure: float | None = None, **more: Any) -> RolloutEvent:
    """Return an event about Checkout 2.8.0."""
    said: dict[str, Any] = {
        "kind": str(phase),
        "names": ("checkout",),
        "attempt": "checkout/2.8.0",
        "occurred_at": at(minute),
        "duplicate_key": f"{phase} {minute}",
        "to_version": "2.8.0",
    }
    return RolloutEvent(**{**said, "phase": phase, "exposure": exposure, **more})


def follow(
    events: Iterable[RolloutEvent], versions: Versions = EARLIER, start: Rollout | None = None
) -> tuple[Rollout, list[Moment]]:
    """Return the rollout after the events, and the moments on the way."""
    rollout, moments = start or Rollout(), []
    for each in events:
        rollout, moment = observe(rollout, each, versions)
        moments += [moment] if moment else []
    return rollout, moments


def steps(rollout: Rollout) -> list[tuple[float, float]]:
    """Return the step function as minutes and percents."""
    return [((step.at - NOON) / timedelta(minutes=1), step.percent) for step in rollout.steps]
