"""Flagger's Canary (flagger.app/v1beta1), from its status (flagger, pkg/apis/flagger/v1beta1/status.go)."""

from trusthub.domain.events import Evidence, Phase, Strategy
from trusthub.sources.base import EVERYBODY, Payload, fingerprint
from trusthub.sources.kube_state import State, image_of, place

PHASES: dict[str, Phase | None] = {
    "Initializing": None,
    "Initialized": None,  # adopted; no version was rolled out
    "Waiting": Phase.PLANNED,  # for the gate before the beginning
    "Progressing": Phase.PROGRESSING,
    "WaitingPromotion": Phase.PAUSED,
    "Promoting": Phase.PROMOTING,
    "Finalising": Phase.PROMOTING,
    "Succeeded": Phase.COMPLETED,
    "Failed": Phase.ROLLED_BACK,  # written after the traffic was moved
    "Terminating": None,
    "Terminated": None,
}
CERTAIN = {"Waiting": 0.0, "Finalising": EVERYBODY, "Succeeded": EVERYBODY, "Failed": 0.0}
NEW_IS_PRIMARY = frozenset({"Finalising", "Succeeded"})


def read(canary: Payload, target: Payload | None = None, primary: Payload | None = None) -> State | None:
    """Return where the newest analysis stands. The images are those of the Deployments that Flagger moves."""
    said = canary.optional_text("status", "phase") or ""
    checksum = canary.optional_text("status", "lastAppliedSpec")
    phase = PHASES.get(said)
    if phase is None or checksum is None:
        return None
    weight, step = canary.percent("status", "canaryWeight") or 0.0, canary.integer("status", "iterations") or None
    failed = _checks_failed(canary)
    if said == "Progressing":
        phase = Phase.ROLLING_BACK if failed else phase if weight or step else Phase.STARTED
    tracked = canary.dig("status", "trackedConfigs")
    at = canary.time("status", "lastTransitionTime")
    old = image_of(primary)
    return State(
        attempt=f"{place(canary)}/{fingerprint(checksum, tracked.value if tracked else '')[:16]}",
        phase=phase,
        strategy=_strategy(canary),
        mark=checksum,
        stable=canary.optional_text("status", "lastPromotedSpec"),
        # The target may be one version further by the time that a rollout is over; the primary is what it brought.
        image=old if said in NEW_IS_PRIMARY and old else image_of(target),
        from_image=old if said not in NEW_IS_PRIMARY and phase is not Phase.PROMOTING else None,
        exposure=CERTAIN.get(said, _moving(phase, weight)),
        step=step,
        steps=canary.integer("spec", "analysis", "iterations") or None,
        evidence=Evidence.FAILED_ANALYSIS if failed else Evidence.NONE,
        reason=f"{canary.integer('status', 'failedChecks')} checks failed." if failed else "",
        at=at,
        since=at.isoformat() if at else "",
    )


def _moving(phase: Phase, weight: float) -> float | None:
    """Return the exposure while it moves. Iterations route by header or mirror, and say no share."""
    if phase is Phase.STARTED:
        return 0.0
    return weight if weight and phase is not Phase.PROMOTING else None


def _checks_failed(canary: Payload) -> bool:
    """Whether the next tick rolls back: the count is set to 0 once that is done."""
    checks, threshold = canary.number("status", "failedChecks"), canary.number("spec", "analysis", "threshold")
    progressing = canary.optional_text("status", "phase") == "Progressing"
    return progressing and bool(threshold) and (checks or 0) >= (threshold or 0)


def _strategy(canary: Payload) -> Strategy:
    analysis = canary.dig("spec", "analysis")
    if analysis is None:
        return Strategy.CANARY
    return Strategy.BLUE_GREEN if analysis.get("iterations") and not analysis.get("match") else Strategy.CANARY
