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


_UNFINISHED = UNDER_WAY | {Phase.FAILED}


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
    known = before or {}
    same = known.get("attempt") == state.attempt
    returns = (
        not same and known.get("phase") in _UNFINISHED and state.mark is not None and state.mark == known.get("stable")
    )
    return {
        "attempt": state.attempt,
        "phase": state.phase,
        "stable": state.stable or known.get("stable"),
        "leaves": known.get("leaves") if same else known.get("attempt") if returns else None,
    }


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
    """Return what a state says of an attempt that was not complete: it was taken back, or replaced by a newer one.

    An attempt that failed may get there after all; then it goes on before it is complete.
    """
    was, attempt = _was(payload), payload.optional_text("before", "attempt")
    done = state.phase is Phase.COMPLETED
    if attempt == state.attempt:
        overcame = replace(
            event, phase=Phase.PROGRESSING, exposure=None, duplicate_key=f"{event.duplicate_key} goes on"
        )
        left = payload.optional_text("before", "leaves")
        return [overcame] * (done and was is Phase.FAILED) + [_back(event, left, done=True)] * bool(done and left)
    if attempt is None or was not in _UNFINISHED:
        return []
    if state.mark is not None and state.mark == payload.optional_text("before", "stable"):
        return [_back(event, attempt, done=done)]
    return [replace(_left(event, attempt), superseded=True)] * (was in UNDER_WAY)


def _back(event: RolloutEvent, attempt: str | None, *, done: bool) -> RolloutEvent:
    """Return that users are taken off an attempt, or are off it, because what was stable before is brought back."""
    phase = Phase.ROLLED_BACK if done else Phase.ROLLING_BACK
    return replace(_left(event, attempt), phase=phase, exposure=0.0 if done else None)


def _left(event: RolloutEvent, attempt: str | None) -> RolloutEvent:
    """Return an event about an earlier attempt, of which it only says that it was left."""
    return replace(
        event,
        attempt=attempt or "",
        duplicate_key=fingerprint(event.duplicate_key, attempt),
        phase=None,
        from_version=None,
        to_version=None,
        artifact=None,
        exposure=None,
        step=None,
        steps=None,
        evidence=Evidence.NONE,
        reason="",
    )


def _was(payload: Payload) -> Phase | None:
    """Return the phase of what the watch said last of this object."""
    said = payload.optional_text("before", "phase")
    return Phase(said) if said in set(Phase) else None
