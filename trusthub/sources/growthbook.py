"""GrowthBook: event webhooks, with safe rollouts and ramp schedules.

See https://docs.growthbook.io/app/webhooks/event-webhooks and https://docs.growthbook.io/features/safe-rollouts.
"""

from dataclasses import replace
from datetime import UTC, datetime

from trusthub.domain.events import Evidence, Phase, RolloutEvent
from trusthub.errors import PayloadError, UnknownEventError
from trusthub.sources.base import EVERYBODY, Inbound, Payload, fingerprint, verify_hmac_or_token
from trusthub.sources.flags import Flag, flag_event

PHASES: dict[str, Phase] = {
    "feature.saferollout.ship": Phase.COMPLETED,
    "feature.saferollout.rollback": Phase.ROLLING_BACK,  # a guardrail metric got worse
    "feature.saferollout.unhealthy": Phase.FAILED,  # the measurement is unsound, which says nothing about the product
    "feature.rampSchedule.actions.started": Phase.STARTED,
    "feature.rampSchedule.actions.step.advanced": Phase.PROGRESSING,
    "feature.rampSchedule.actions.step.approvalRequired": Phase.PAUSED,
    "feature.rampSchedule.actions.jumped": Phase.PROGRESSING,
    "feature.rampSchedule.actions.completed": Phase.COMPLETED,
    "feature.rampSchedule.actions.rolledBack": Phase.ROLLED_BACK,
    "feature.revision.reverted": Phase.ROLLED_BACK,
}
EVIDENCE = {"feature.saferollout.rollback": Evidence.FAILED_ANALYSIS}
MEANS = {Phase.COMPLETED: EVERYBODY, Phase.ROLLED_BACK: 0.0, Phase.STARTED: 0.0}
FAMILIES = ("feature.", "experiment.", "savedGroup.", "constant.", "config.", "user.", "webhook.")
"""Everything else that GrowthBook tells of. It moves nobody, or says so in an event above."""


class GrowthBook:
    """GrowthBook, open source and hosted."""

    name = "growthbook"
    event_types = frozenset({*PHASES, "other"})
    headers: frozenset[str] = frozenset()

    def verify(self, inbound: Inbound, secret: str) -> None:
        verify_hmac_or_token(inbound, secret, header="x-growthbook-signature")

    def parse(self, inbound: Inbound) -> list[RolloutEvent]:
        payload = inbound.json()
        kind = payload.text("event")
        if kind not in PHASES:
            if kind.startswith(FAMILIES):
                return []
            raise UnknownEventError(kind)
        thing = payload.dig("data", "object") or payload["data"]
        flag = thing.hint("featureId") or thing.hint("feature") or thing.text("id")
        at = _time(payload)
        phase = PHASES[kind]
        project = thing.hint("project") or next(iter(_texts(payload, "projects")), "")
        events = [
            flag_event(
                Flag(project, flag, environment),
                kind=kind,
                at=at or inbound.received_at,
                key=fingerprint(self.name, kind, flag, environment, at or inbound.body),
                meaning=(phase, MEANS.get(phase, _share(thing))),
                actor=payload.optional_text("user", "email") or "",
            )
            for environment in _environments(payload, thing)
        ]
        evidence, reason = EVIDENCE.get(kind, Evidence.NONE), thing.hint("reason") or ""
        return [replace(event, evidence=evidence, reason=reason) for event in events]


def _environments(payload: Payload, thing: Payload) -> list[str | None]:
    """Return the environments that an event is about, each of which has a rollout of its own."""
    one = thing.hint("environment")
    return [one] if one else list(dict.fromkeys(_texts(payload, "environments"))) or [None]


def _texts(payload: Payload, key: str) -> list[str]:
    found = payload.get(key)
    members = found.value if found and isinstance(found.value, list) else []
    return [member for member in members if isinstance(member, str) and member]


def _share(thing: Payload) -> float | None:
    """Return the percentage of a step, where the schedule says one."""
    return next((share for key in ("percent", "percentage", "coverage") if (share := thing.percent_hint(key))), None)


def _time(payload: Payload) -> datetime | None:
    """Return when it happened: a number of milliseconds, or ISO 8601."""
    found = payload.get("created")
    if found is None or isinstance(found.value, str):
        return payload.time("created")
    milliseconds = payload.number("created") or 0.0
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise PayloadError("created must be milliseconds since 1970, or an ISO 8601 time.") from error
