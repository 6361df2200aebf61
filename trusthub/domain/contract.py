"""The words of our own contract: one flat JSON object. The README.md of the sources has it for those who send it."""

from trusthub.domain.events import Phase

EVENTS = {
    "rollout.planned": Phase.PLANNED,
    "rollout.started": Phase.STARTED,
    "rollout.progressed": Phase.PROGRESSING,
    "rollout.paused": Phase.PAUSED,
    "rollout.promoting": Phase.PROMOTING,
    "rollout.completed": Phase.COMPLETED,
    "rollout.failed": Phase.FAILED,
    "rollback.started": Phase.ROLLING_BACK,
    "rollback.finished": Phase.ROLLED_BACK,
}
ALERTS = {"alert.firing": True, "alert.resolved": False}
"""Whether an alert begins or ends."""
WORDS = (*EVENTS, *ALERTS)

IMPLIED = {Phase.COMPLETED: 100.0, Phase.ROLLED_BACK: 0.0}
"""Percent of exposure that these phases mean, when none is sent."""

# fmt: off
KEYS = [
    "event", "component", "environment", "attempt", "from_version", "to_version", "artifact",
    "strategy", "exposure", "step", "steps", "evidence", "metrics", "reason", "actor",
    "occurred_at", "id", "links", "known_risks", "unknown_risks", "rollback",
]
ALERT_KEYS = ["event", "component", "environment", "alert", "title", "severity", "occurred_at", "id", "links"]
# fmt: on
