"""A Deployment (apps/v1): its rolling update, from the status alone.

See https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status.
"""

from trusthub.domain.events import Phase, Strategy
from trusthub.sources.base import EVERYBODY, Payload
from trusthub.sources.kube_state import State, condition, image_of, place

REVISION = "deployment.kubernetes.io/revision"
"""Set by the controller. It grows with each new pod template, `rollout undo` included, and never with scaling."""
DONE = "NewReplicaSetAvailable"
"""The reason of the condition Progressing from the end of a rollout until the next: pods that die or are scaled, and a
deployment that is paused, do not take it back as long as no deadline ran out."""


def read(deployment: Payload, _target: Payload | None = None, _primary: Payload | None = None) -> State | None:
    """Return where its newest revision stands; None while the status is about an older one, or says nothing."""
    revision = deployment.optional_text("metadata", "annotations", REVISION)
    asked, seen = deployment.integer("metadata", "generation"), deployment.integer("status", "observedGeneration")
    if revision is None or seen is None or (asked or 0) > seen:
        return None
    progressing = condition(deployment, "Progressing")
    phase = _phase(deployment, progressing)
    if phase is None:
        return None
    image, exposure = image_of(deployment), _exposure(deployment, phase)
    rolling = deployment.optional_text("spec", "strategy", "type") in (None, "RollingUpdate")
    return State(
        attempt=f"{place(deployment)}/{revision}",
        phase=phase,
        strategy=Strategy.ROLLING if rolling else Strategy.UNKNOWN,
        mark=image,
        stable=image if phase is Phase.COMPLETED else None,
        image=image,
        exposure=exposure,
        reason=_reason(deployment, progressing) if phase is not Phase.COMPLETED else "",
        at=progressing.time("lastUpdateTime") if progressing and phase in (Phase.COMPLETED, Phase.FAILED) else None,
        # A pause changes the spec; a deadline that ran out and progress after it change the condition.
        since=(progressing.optional_text("lastTransitionTime") or "") if progressing else "",
    )


def _phase(deployment: Payload, progressing: Payload | None) -> Phase | None:
    said = progressing.optional_text("reason") if progressing else None
    if progressing and progressing.optional_text("status") == "False":
        return Phase.FAILED  # ProgressDeadlineExceeded, ReplicaSetCreateError. Kubernetes never goes back by itself
    pods, new = _count(deployment, "replicas"), _count(deployment, "updatedReplicas")
    if said == DONE:
        return Phase.COMPLETED if pods == new else None
    if progressing is None and pods == new:  # no deadline is set, so there is no condition
        return Phase.COMPLETED if _count(deployment, "availableReplicas") >= _wanted(deployment) else None
    if deployment.flag("spec", "paused"):
        return Phase.PAUSED
    return Phase.PROGRESSING if new else Phase.STARTED


def _exposure(deployment: Payload, phase: Phase) -> float | None:
    """Return the percent of pods that are new. Requests follow pods, as far as nothing else routes them.

    A new pod that is not ready yet counts: what is said to customers is "up to".
    """
    if phase is Phase.COMPLETED:
        return EVERYBODY
    if phase is Phase.STARTED:
        return 0.0
    wanted = _wanted(deployment)
    return float(min(EVERYBODY, round(100 * _count(deployment, "updatedReplicas") / wanted))) if wanted else None


def _reason(deployment: Payload, progressing: Payload | None) -> str:
    """Return why it does not go on: pods that cannot be made, else what the condition says once it failed."""
    failure = condition(deployment, "ReplicaFailure")
    if failure and failure.optional_text("status") == "True":
        return failure.optional_text("message") or ""
    failed = progressing is not None and progressing.optional_text("status") == "False"
    return (progressing.optional_text("message") or "") if progressing and failed else ""


def _count(deployment: Payload, key: str) -> int:
    """Return a count of the status, which leaves out what is zero."""
    return max(0, deployment.integer("status", key) or 0)


def _wanted(deployment: Payload) -> int:
    wanted = deployment.integer("spec", "replicas")
    return 1 if wanted is None else max(0, wanted)
