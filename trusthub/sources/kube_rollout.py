"""An Argo Rollout (argoproj.io/v1alpha1) as a watch shows it: unlike in a notification, the status is of now.

It is believed as soon as `observedGeneration` is the generation; until then it speaks of the revision before.
"""

from datetime import datetime

from trusthub.domain.events import Evidence, Phase, Strategy
from trusthub.sources.argo_analysis import CURRENT, cause
from trusthub.sources.argo_snapshot import Snapshot
from trusthub.sources.base import EVERYBODY, Payload
from trusthub.sources.kube_state import State, condition, image_of

OUT_OF_TIME = "ProgressDeadlineExceeded"
CERTAIN = {Phase.PROMOTING: EVERYBODY, Phase.COMPLETED: EVERYBODY, Phase.ROLLED_BACK: 0.0}


def read(rollout: Payload, target: Payload | None = None, _primary: Payload | None = None) -> State | None:
    """Return where the newest revision stands; None while the status is about an older one, or says nothing."""
    seen = Snapshot(rollout)
    phase = None if seen.stale or not seen.status("currentPodHash") else _phase(seen)
    if phase is None:
        return None
    failed = [one for one in _runs(seen) if one.optional_text("status") == "Failed"]
    troubled = phase in (Phase.FAILED, Phase.ROLLING_BACK, Phase.ROLLED_BACK)
    progressing = condition(rollout, "Progressing")
    since = (progressing.optional_text("lastTransitionTime") or "") if progressing else ""
    image = seen.image or image_of(target)
    return State(
        attempt=seen.attempt(),
        phase=phase,
        strategy=seen.strategy,
        mark=seen.status("currentPodHash"),
        stable=seen.status("stableRS"),
        image=image,
        exposure=_exposure(phase, seen),
        step=seen.step,
        steps=seen.steps,
        evidence=Evidence.FAILED_ANALYSIS if failed and troubled else Evidence.NONE,
        reason=_reason(seen, failed) if troubled else "",
        at=_when(phase, rollout),
        since=seen.status("abortedAt") or since if troubled else since if phase is not Phase.COMPLETED else "",
    )


def _phase(seen: Snapshot) -> Phase | None:
    if seen.aborted:
        return Phase.ROLLED_BACK if _is_back(seen) else Phase.ROLLING_BACK
    if seen.settled:  # pods that die or are scaled make it Degraded or Progressing now and then, and change no version
        return Phase.COMPLETED if seen.status("phase") in (None, "Healthy") else None
    progressing = condition(seen.rollout, "Progressing")
    if progressing and progressing.optional_text("reason") == OUT_OF_TIME:
        return Phase.FAILED
    if seen.status("blueGreen", "activeSelector") == seen.status("currentPodHash"):
        return Phase.PROMOTING
    if seen.status("phase") == "Paused":
        return Phase.PAUSED
    return Phase.PROGRESSING if _moves(seen) else Phase.STARTED


def _moves(seen: Snapshot) -> bool:
    """Whether users can be on the new version: by its weight, or by its pods where no traffic is routed."""
    if seen.strategy is Strategy.BLUE_GREEN:
        return False
    return bool(seen.canary_weight) if seen.canary_weight is not None else seen.has_canary


def _is_back(seen: Snapshot) -> bool:
    if seen.strategy is Strategy.BLUE_GREEN:
        return seen.active_is_stable
    return not _moves(seen)


def _exposure(phase: Phase, seen: Snapshot) -> float | None:
    """Return the percent of traffic on the new version: the weight that is set, else the plan's where it is reached."""
    if phase in CERTAIN:
        return CERTAIN[phase]
    if phase is Phase.STARTED:
        return None if seen.strategy is Strategy.ROLLING else 0.0
    if seen.strategy is not Strategy.CANARY:
        return None
    if seen.canary_weight is not None:
        return seen.share(seen.canary_weight)
    under_way = phase in (Phase.PROGRESSING, Phase.PAUSED) and not seen.reaches_for_weight
    return seen.planned if under_way else None


def _runs(seen: Snapshot) -> list[Payload]:
    """Return what the status says of the analysis runs that decide."""
    return [run for place in CURRENT if (run := seen.rollout.dig("status", *place))]


def _reason(seen: Snapshot, failed: list[Payload]) -> str:
    said = [f"{one.optional_text('name')}: {one.optional_text('message') or 'no message'}" for one in failed]
    return "; ".join(said) or cause(seen)


def _when(phase: Phase, rollout: Payload) -> datetime | None:
    """Return when it became so. Weights and steps have no time of their own."""
    if phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK):
        return rollout.time("status", "abortedAt") if phase is Phase.ROLLING_BACK else None
    progressing = condition(rollout, "Progressing")
    return progressing.time("lastUpdateTime") if progressing and phase in (Phase.COMPLETED, Phase.FAILED) else None
