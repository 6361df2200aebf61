"""Flagger: the `event` and `post-rollout` webhooks of a Canary.

An event is a sentence, so the sentences are the table (flagger, pkg/controller/scheduler*.go). The `phase` beside them
is often one step behind, because the events are sent before the status is written: the sentence decides.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from trusthub.domain.events import Evidence, Phase, RolloutEvent, Strategy
from trusthub.errors import PayloadError
from trusthub.sources.base import Inbound, Payload, about, fingerprint, verify_token
from trusthub.sources.versions import of_image


class Sentence(NamedTuple):
    """What one of Flagger's sentences means here."""

    pattern: str
    phase: Phase | None = None
    exposure: float | None = None
    evidence: Evidence = Evidence.NONE


SENTENCES = {
    "initialization-done": Sentence("Initialization done!"),  # a Canary was adopted; no version was rolled out
    "new-revision": Sentence("New revision detected! Scaling up", Phase.STARTED, 0.0),
    "analysis-restarted": Sentence("New revision detected! Restarting analysis", Phase.STARTED, 0.0),  # a new checksum
    "analysis-started": Sentence("Starting canary analysis"),
    "check-passed": Sentence(r"[A-Z][a-z]+(-[a-z]+)* check .* passed"),
    "canary-weight": Sentence(r"Advance \S+ canary weight (?P<weight>\d{1,3})", Phase.PROGRESSING),
    "canary-iteration": Sentence(
        r"Advance \S+ canary iteration (?P<step>\d{1,4})/(?P<steps>\d{1,4})", Phase.PROGRESSING
    ),
    "waiting": Sentence(r"Halt \S+ advancement waiting for ", Phase.PAUSED),
    "halt": Sentence("Halt "),  # one failed check of several; repeated until the threshold or until it passes
    "all-to-canary": Sentence(r"(Stop .* and r|R)out(e|ing) all traffic to canary", Phase.PROGRESSING, 100.0),
    "template-copied": Sentence(r"Copying \S+ template spec to ", Phase.PROMOTING),
    # The primary has the new version by now and is ready: its weight is no share of the old version.
    "primary-weight": Sentence(r"Advance \S+ primary weight ", Phase.PROMOTING, 100.0),
    "all-to-primary": Sentence("Routing all traffic to primary", Phase.PROMOTING, 100.0),
    "promotion-completed": Sentence("Promotion completed!", Phase.COMPLETED, 100.0),
    # The primary did not become ready on the new version, and Flagger moved everybody to the canary, which runs it too
    # (https://github.com/fluxcd/flagger/pull/1931). The attempt failed, and nobody was rolled back.
    "promotion-failed": Sentence(r"Promotion of \S+ failed", Phase.FAILED, 100.0),
    "checks-failed": Sentence(
        r"Rolling back \S+ failed checks threshold reached", Phase.ROLLING_BACK, evidence=Evidence.FAILED_ANALYSIS
    ),
    "rolling-back": Sentence(r"Rolling back \S+ ", Phase.ROLLING_BACK),  # by hand, or out of time: no sign of harm
    "canary-failed": Sentence("Canary failed! Scaling down", Phase.ROLLED_BACK, 0.0),  # sent after traffic was moved
}
"""In order: the first that matches counts. Some are repeated at every interval."""

PATTERNS = {kind: re.compile(sentence.pattern, re.ASCII) for kind, sentence in SENTENCES.items()}
OTHER = "event"
"""Any other sentence: worth keeping, often the wording of an error."""

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
    event_types = frozenset({*SENTENCES, OTHER, *(f"post-rollout.{phase.lower()}" for phase in POST_ROLLOUT)})
    headers: frozenset[str] = frozenset()

    def verify(self, inbound: Inbound, secret: str) -> None:
        verify_token(inbound, secret)

    def parse(self, inbound: Inbound) -> list[RolloutEvent]:
        payload = inbound.json()
        name, namespace = payload.text("name"), payload.text("namespace")
        phase, checksum = payload.optional_text("phase") or "", payload.optional_text("checksum") or "-"
        message = payload.optional_text("metadata", "eventMessage")
        kind, meaning, found = _understand(message) if message else _after_rollout(phase)
        at = _when(payload)
        image = _said(payload, "image")
        weight = found.get("weight")
        known_as = (_said(payload, "component", "service"), f"{namespace}/{name}", name)
        return [
            RolloutEvent(
                kind=kind,
                names=tuple(dict.fromkeys(filter(None, known_as))),
                attempt=f"{namespace}/{name}/{checksum}",
                occurred_at=at or inbound.received_at,
                duplicate_key=fingerprint(
                    self.name, namespace, name, checksum, phase, message, at or about(inbound.received_at)
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
                reason=_reason(payload, kind, message),
            )
        ]


def _understand(message: str) -> tuple[str, Sentence, dict[str, str]]:
    for kind, pattern in PATTERNS.items():
        found = pattern.match(message)
        if found:
            return kind, SENTENCES[kind], found.groupdict()
    return OTHER, Sentence(""), {}


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
