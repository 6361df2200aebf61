"""Flagger: the `event` and `post-rollout` webhooks of a Canary, and its alerts in the shape of Slack or Teams.

An event is a sentence, so the sentences are the table (flagger, pkg/controller/scheduler*.go). The `phase` beside them
is often one step behind, because the events are sent before the status is written: the sentence decides.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from trusthub.domain.events import Phase, RolloutEvent, Strategy
from trusthub.errors import PayloadError
from trusthub.sources import flagger_alert
from trusthub.sources.base import Inbound, Payload, about, fingerprint, verify_token
from trusthub.sources.flagger_alert import ALERTS
from trusthub.sources.flagger_sentences import OTHER, SENTENCES, Sentence, failed_metrics, understand
from trusthub.sources.versions import of_image

POST_ROLLOUT = {
    "Succeeded": Sentence("", Phase.COMPLETED, 100.0),
    # It follows "Canary failed!" (rolled back) and may follow a failed promotion (not rolled back) all the same.
    "Failed": Sentence("", Phase.FAILED),
}
GATE = (
    "metadata.eventMessage is missing and phase is {phase!r}: this is neither an `event` nor a `post-rollout` hook. "
    "A gate must not point here, because an answer in the 200s would approve the rollout or roll it back."
)


class Flagger:
    """Flagger's controller, which can send no header: the token is in the address."""

    name = "flagger"
    event_types = frozenset({*SENTENCES, *ALERTS, OTHER, *(f"post-rollout.{phase.lower()}" for phase in POST_ROLLOUT)})
    headers: frozenset[str] = frozenset()

    def verify(self, inbound: Inbound, secret: str) -> None:
        verify_token(inbound, secret)

    def parse(self, inbound: Inbound) -> list[RolloutEvent]:
        payload = inbound.json()
        if flagger_alert.is_alert(payload):
            return [flagger_alert.read(payload, inbound)]
        message = payload.optional_text("metadata", "eventMessage")
        kind, meaning, found = understand(message) if message else _after_rollout(payload.optional_text("phase") or "")
        return [_event(payload, inbound, kind, meaning, found)]


def asked(inbound: Inbound) -> RolloutEvent:
    """Return the rollout that Flagger asks a gate about, as planned: the request is the same, but has no sentence."""
    return _event(inbound.json(), inbound, "gate", Sentence("", Phase.PLANNED), {})


def _event(payload: Payload, inbound: Inbound, kind: str, meaning: Sentence, found: Mapping[str, str]) -> RolloutEvent:
    name, namespace = payload.text("name"), payload.text("namespace")
    phase, checksum = payload.optional_text("phase") or "", payload.optional_text("checksum") or "-"
    message = payload.optional_text("metadata", "eventMessage")
    at = _when(payload)
    image = _said(payload, "image")
    weight = found.get("weight")
    known_as = (_said(payload, "component", "service"), f"{namespace}/{name}", name)
    return RolloutEvent(
        kind=kind,
        names=tuple(dict.fromkeys(filter(None, known_as))),
        attempt=f"{namespace}/{name}/{checksum}",
        occurred_at=at or inbound.received_at,
        duplicate_key=fingerprint(
            Flagger.name, namespace, name, checksum, phase, message, at or about(inbound.received_at)
        ),
        phase=meaning.phase,
        strategy=_strategy(payload, kind),
        environment=_said(payload, "environment", "env", "cluster"),
        namespace=namespace,
        from_version=_said(payload, "from_version", "fromVersion"),
        to_version=_said(payload, "to_version", "toVersion", "version") or of_image(image),
        artifact=image,
        exposure=min(float(weight), 100.0) if weight else meaning.exposure,
        step=int(found["step"]) if "step" in found else None,
        steps=int(found["steps"]) if "steps" in found else None,
        evidence=meaning.evidence,
        metrics=failed_metrics(message or ""),
        reason=_reason(payload, kind, message),
    )


def _after_rollout(phase: str) -> tuple[str, Sentence, dict[str, str]]:
    if phase not in POST_ROLLOUT:
        raise PayloadError(GATE.format(phase=phase))
    return f"post-rollout.{phase.lower()}", POST_ROLLOUT[phase], {}


def _reason(payload: Payload, kind: str, message: str | None) -> str:
    """Return the sentence if it says why: Flagger warns then. "Canary failed!" only says that."""
    warns = payload.optional_text("metadata", "eventType") == "Warning"
    return message if message and warns and kind != "canary-failed" else ""


def _strategy(payload: Payload, kind: str) -> Strategy:
    """Return what the metadata says, else a guess: only some sentences of a blue-green Canary differ."""
    said = _said(payload, "strategy")
    if said in set(Strategy):
        return Strategy(said)
    return Strategy.BLUE_GREEN if kind in {"canary-iteration", "all-to-canary"} else Strategy.CANARY


def _said(payload: Payload, *keys: str) -> str | None:
    """Return the first of `keys` in the metadata, which whoever wrote the Canary chose."""
    return next(filter(None, (payload.optional_text("metadata", key) for key in keys)), None)


def _when(payload: Payload) -> datetime | None:
    """Return the event's own time, a string of milliseconds. A post-rollout hook has none."""
    text = payload.optional_text("metadata", "timestamp")
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,14}", text):
        message = f"metadata.timestamp must be milliseconds since 1970, not {text!r}."
        raise PayloadError(message)
    return datetime.fromtimestamp(int(text) / 1000, UTC)
