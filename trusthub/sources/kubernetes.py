"""`trusthub watch kubernetes`: the objects of a cluster, posted as its API gave them when they say something new.

The body is `{"type", "retold", "seenAt", "object"}`, and where they help `environment`, `target` and `primary` (the
Deployments that a Canary moves, or that a Rollout refers to) and `before` (what the watch said last of this object).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from trusthub.domain.events import Evidence, Phase, RolloutEvent
from trusthub.domain.rollout import UNDER_WAY
from trusthub.errors import UnknownEventError
from trusthub.sources import kube_canary, kube_deployment, kube_rollout
from trusthub.sources.argo_snapshot import Snapshot
from trusthub.sources.base import Inbound, Payload, fingerprint, verify_token
from trusthub.sources.kube_state import State, managed
from trusthub.sources.versions import of_image

KINDS: Mapping[str, Callable[[Payload, Payload | None, Payload | None], State | None]] = {
    "Rollout": kube_rollout.read,
    "Canary": kube_canary.read,
    "Deployment": kube_deployment.read,
}
_USUAL = ("started", "progressing", "paused", "completed", "failed")
_RETURNS = ("promoting", "rolling_back", "rolled_back")
PHASES = {"Rollout": (*_USUAL, *_RETURNS), "Canary": ("planned", *_USUAL, *_RETURNS), "Deployment": _USUAL}
_PROMPT = timedelta(minutes=1)
"""The cluster's times are whole seconds. Ours tells the order of what happens within one; after an outage theirs is
nearer to the truth."""


class Kubernetes:
    """The watch of a cluster."""

    name = "kubernetes"
    event_types = frozenset(f"{kind}.{phase}" for kind, phases in PHASES.items() for phase in phases)
    headers: frozenset[str] = frozenset()

    def verify(self, inbound: Inbound, secret: str) -> None:
        verify_token(inbound, secret)

    def parse(self, inbound: Inbound) -> list[RolloutEvent]:
        payload = inbound.json()
        state = look(payload)
        if state is None:
            return []
        event = _event(payload, state, payload.time("seenAt") or inbound.received_at)
        return [*_of_the_attempt_before(payload, event, state), event]


def look(payload: Payload) -> State | None:
    """Return where the object in a body stands; None when it says nothing, is gone, or is another object's to tell.

    Raises UnknownEventError for a kind that is not followed, and PayloadError for what cannot be read.
    """
    thing = payload["object"]
    kind = thing.text("kind")
    if kind not in KINDS:
        raise UnknownEventError(kind)
    if payload.optional_text("type") == "DELETED" or (kind == "Deployment" and managed(thing)):
        return None
    state = KINDS[kind](thing, payload.get("target"), payload.get("primary"))
    if state and kind == "Canary" and state.phase is Phase.ROLLED_BACK and _was(payload) is Phase.PROMOTING:
        # The primary did not become ready on the new version, and Flagger moved everybody to the canary.
        return replace(state, phase=Phase.FAILED, exposure=100.0)
    return state


def memory(state: State, before: Mapping[str, str | None] | None) -> dict[str, str | None]:
    """Return what to send as `before` with the next body about this object."""
    return {"attempt": state.attempt, "phase": state.phase, "stable": state.stable or (before or {}).get("stable")}


def _event(payload: Payload, state: State, seen_at: datetime) -> RolloutEvent:
    thing, retold = payload["object"], payload.flag("retold")
    late = state.at is not None and (retold or seen_at - state.at > _PROMPT)
    return RolloutEvent(
        kind=f"{thing.text('kind')}.{state.phase}",
        names=Snapshot(thing).names,
        attempt=state.attempt,
        occurred_at=state.at if late and state.at else seen_at,
        duplicate_key=fingerprint(Kubernetes.name, *state.news, state.since),
        phase=state.phase,
        strategy=state.strategy,
        environment=payload.optional_text("environment"),
        namespace=thing.optional_text("metadata", "namespace"),
        from_version=of_image(state.from_image),
        to_version=of_image(state.image),
        artifact=state.image,
        exposure=state.exposure,
        step=state.step,
        steps=state.steps,
        retold=retold,
        evidence=state.evidence,
        reason=state.reason,
    )


def _of_the_attempt_before(payload: Payload, event: RolloutEvent, state: State) -> list[RolloutEvent]:
    """Return what a new attempt says of one that was not complete: it was taken back, or replaced by a newer one.

    An attempt that failed may get there after all; then it goes on before it is complete.
    """
    phase, attempt = _was(payload), payload.optional_text("before", "attempt")
    unfinished = phase in UNDER_WAY or phase is Phase.FAILED
    if not unfinished or attempt is None:
        return []
    key = fingerprint(event.duplicate_key, "before", attempt)
    if attempt == state.attempt:
        overcame = phase is Phase.FAILED and state.phase is Phase.COMPLETED
        return [replace(event, phase=Phase.PROGRESSING, exposure=None, duplicate_key=key)] if overcame else []
    left = replace(
        event,
        attempt=attempt,
        duplicate_key=key,
        to_version=None,
        artifact=None,
        from_version=None,
        step=None,
        steps=None,
        exposure=None,
        evidence=Evidence.NONE,
        reason="",
    )
    if state.mark is not None and state.mark == payload.optional_text("before", "stable"):
        gone = state.phase is Phase.COMPLETED
        return [replace(left, phase=Phase.ROLLED_BACK if gone else Phase.ROLLING_BACK, exposure=0.0 if gone else None)]
    return [replace(left, phase=None, superseded=True)] if phase in UNDER_WAY else []


def _was(payload: Payload) -> Phase | None:
    """Return the phase of what the watch said last of this object."""
    said = payload.optional_text("before", "phase")
    return Phase(said) if said in set(Phase) else None
