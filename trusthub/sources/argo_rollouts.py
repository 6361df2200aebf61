"""Argo Rollouts: the notification engine's webhook, with the template that README.md beside this file documents.

A notification is sent from inside a reconciliation, about an object that is older than the event. `argo_snapshot` knows
what can be believed. The payload has no event time, no delivery id and no links.
"""

import hashlib
from dataclasses import replace
from datetime import datetime

from trusthub.domain.events import Phase, RolloutEvent, Strategy
from trusthub.errors import UnknownEventError
from trusthub.sources.argo_analysis import evidence_of, failed_metrics, reason_for, runs_behind
from trusthub.sources.argo_snapshot import Snapshot
from trusthub.sources.base import Inbound, fingerprint, verify_token
from trusthub.sources.versions import of_image

PHASES: dict[str, Phase | None] = {
    "on-rollout-updated": Phase.STARTED,
    "on-new-replica-set-created": Phase.STARTED,
    "on-scaling-replica-set": None,  # an autoscaler does this too
    "on-traffic-weight-updated": Phase.PROGRESSING,
    "on-rollout-step-completed": Phase.PROGRESSING,
    "on-rollout-paused": Phase.PAUSED,
    "on-rollout-resumed": Phase.PROGRESSING,  # sent after the step-completed of the pause itself
    "on-switch-service": None,  # blue-green's active service: PROMOTING, see _phase
    "on-analysis-run-running": None,
    "on-analysis-run-successful": None,
    "on-analysis-run-failed": Phase.FAILED,
    "on-analysis-run-error": Phase.FAILED,  # the measurement broke; Argo aborts all the same
    "on-analysis-run-inconclusive": Phase.PAUSED,
    "on-rollout-aborted": Phase.ROLLING_BACK,  # there is no "rolled back" event
    "on-skip-steps": Phase.ROLLED_BACK,
    "on-rollout-completed": Phase.COMPLETED,
}
"""Triggers are the reasons of the controller's Kubernetes events; the rest of them say nothing about customers."""

CERTAIN: dict[Phase | None, float] = {
    Phase.STARTED: 0.0,
    Phase.PROMOTING: 100.0,  # blue-green only: the active service was switched
    Phase.COMPLETED: 100.0,
    Phase.ROLLED_BACK: 0.0,
}
ROLLED_BACK = frozenset({"RolledBack", "FastRolledBack"})
RETURNING = frozenset(
    {"on-rollout-aborted", "on-scaling-replica-set", "on-traffic-weight-updated", "on-switch-service"}
)


class ArgoRollouts:
    """Argo Rollouts' controller."""

    name = "argo-rollouts"
    event_types = frozenset(PHASES)
    headers: frozenset[str] = frozenset()

    def verify(self, inbound: Inbound, secret: str) -> None:
        verify_token(inbound, secret)

    def parse(self, inbound: Inbound) -> list[RolloutEvent]:
        payload = inbound.json()
        trigger, seen = payload.text("trigger"), Snapshot(payload["rollout"])
        if trigger not in PHASES:
            raise UnknownEventError(trigger)
        runs = runs_behind(trigger, payload, seen)
        phase = _phase(trigger, seen)
        ending = seen.status("duration", "completionStatus") if not seen.stale else None
        image = seen.image if not seen.stale or trigger == "on-rollout-updated" else None  # else it is a later one's
        event = RolloutEvent(
            kind=trigger,
            names=seen.names,
            attempt=seen.attempt(),
            occurred_at=_when(trigger, seen) or inbound.received_at,
            duplicate_key=fingerprint(seen.attempt(), trigger, _occurrence(trigger, phase, seen, inbound.body)),
            phase=phase,
            strategy=seen.strategy,
            environment=payload.optional_text("environment"),
            namespace=seen.rollout.optional_text("metadata", "namespace"),
            to_version=of_image(image),
            artifact=image,
            exposure=_exposure(trigger, phase, seen),
            step=None if seen.stale else seen.step,
            steps=seen.steps,
            rollback=ending in ROLLED_BACK,
            superseded=ending == "Superseded",
            evidence=evidence_of(trigger, runs),
            metrics=failed_metrics(runs),
            reason=reason_for(trigger, runs, seen),
        )
        return [_of_the_attempt_before(event, seen) if trigger == "on-skip-steps" and phase else event]


def _phase(trigger: str, seen: Snapshot) -> Phase | None:
    if trigger in RETURNING and seen.aborted:
        back = Phase.ROLLED_BACK if _is_back(trigger, seen) else None
        return back or (Phase.ROLLING_BACK if trigger == "on-traffic-weight-updated" else PHASES[trigger])
    says_nothing = {
        # An unfinished revision is left for one that exists already: on-skip-steps follows and says what that is.
        "on-rollout-updated": seen.stale and not seen.settled,
        # A paused revision is left for a new one, which ends the pause without a word from anybody.
        "on-rollout-resumed": seen.stale,
        # The end of a promotion: the canary's weight goes to 0 because the canary has become the stable version.
        "on-traffic-weight-updated": seen.settled,
        # Only the list of steps was edited, or a complete revision is left for another within `rollbackWindow`.
        "on-skip-steps": seen.stale and seen.settled,
    }
    if says_nothing.get(trigger):
        return None
    if trigger == "on-traffic-weight-updated" and seen.pods_pending:
        return Phase.STARTED  # the services were pointed at the new revision, with no weight
    if trigger == "on-switch-service" and seen.strategy is Strategy.BLUE_GREEN and seen.switches_active:
        return Phase.PROMOTING
    return PHASES[trigger]


def _exposure(trigger: str, phase: Phase | None, seen: Snapshot) -> float | None:
    """Return the exposure from now on, where the snapshot shows it."""
    if phase in CERTAIN:
        told_as_it_goes = seen.strategy in {Strategy.CANARY, Strategy.BLUE_GREEN}
        return CERTAIN[phase] if phase is not Phase.STARTED or told_as_it_goes else None
    if trigger == "on-rollout-step-completed" or (trigger == "on-rollout-paused" and not seen.reaches_for_weight):
        return seen.planned
    return seen.planned if trigger == "on-traffic-weight-updated" and phase is Phase.PROGRESSING else None


def _is_back(trigger: str, seen: Snapshot) -> bool:
    """Whether an aborted rollout has nobody left on the new version."""
    if seen.strategy is Strategy.BLUE_GREEN:
        return seen.active_is_stable or trigger == "on-switch-service"
    if seen.canary_weight is not None:
        # With an abort the next weight is 0 at once, and this event is sent after it was set.
        return seen.canary_weight == 0 or (trigger == "on-traffic-weight-updated" and not seen.gradual)
    return trigger in {"on-scaling-replica-set", "on-traffic-weight-updated"} and not seen.has_canary


def _of_the_attempt_before(event: RolloutEvent, seen: Snapshot) -> RolloutEvent:
    """Return a SkipSteps as news of the revision that was left: the spec already names the one returned to."""
    return replace(event, attempt=seen.attempt(previous=True), to_version=None, artifact=None)


def _when(trigger: str, seen: Snapshot) -> datetime | None:
    return seen.rollout.time("status", "abortedAt") if trigger == "on-rollout-aborted" else None


def _occurrence(trigger: str, phase: Phase | None, seen: Snapshot, body: bytes) -> str:
    """Return what tells two events with the same trigger apart.

    A retry of the sender is byte for byte the same, so the version of the object does it: a rollout may pause, abort
    and be retried many times. But an aborted rollout is scaled again and again, and it was rolled back only once.
    """
    if phase is Phase.ROLLED_BACK and trigger != "on-skip-steps":
        once = seen.status("abortedAt")
        if once:
            return once
    version = seen.rollout.optional_text("metadata", "resourceVersion")
    return f"{version} {seen.step}" if version else hashlib.sha256(body).hexdigest()
