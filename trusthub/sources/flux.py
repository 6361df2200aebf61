"""Flux: the notification controller's providers `generic` and `generic-hmac`.

See https://fluxcd.io/flux/components/notification/providers/ and https://fluxcd.io/flux/components/notification/events/.
"""

import re

from trusthub.domain.events import Evidence, Phase, RolloutEvent, Strategy
from trusthub.errors import UnknownEventError
from trusthub.sources.base import Inbound, Payload, fingerprint, succeeded, verify_hmac_or_token
from trusthub.sources.flagger_sentences import understand
from trusthub.sources.versions import of_revision

REASONS: dict[str, Phase | None] = {
    "InstallSucceeded": Phase.COMPLETED,
    "UpgradeSucceeded": Phase.COMPLETED,
    "ReconciliationSucceeded": Phase.COMPLETED,
    "InstallFailed": Phase.FAILED,
    "UpgradeFailed": Phase.FAILED,
    "TestFailed": Phase.FAILED,  # a Helm test, which is no measurement of what customers get
    "RollbackFailed": Phase.FAILED,
    "ReconciliationFailed": Phase.FAILED,
    "HealthCheckFailed": Phase.FAILED,
    "ValidationFailed": Phase.FAILED,
    "BuildFailed": Phase.FAILED,
    "RollbackSucceeded": Phase.ROLLED_BACK,
    "TestSucceeded": None,
    "UninstallSucceeded": None,  # taking a release away is no rollback: nothing earlier comes back
    "UninstallFailed": None,
    "ArtifactFailed": None,  # the source could not be fetched; what runs stays
    "DependencyNotReady": None,
    "DriftDetected": None,
    "NoDriftDetected": None,
    "Progressing": None,
    "ProgressingWithRetry": None,
    "PruneFailed": None,
}
CANARY = "canary"
"""Flagger's events come through Flux too, as sentences about an object of kind Canary."""
REVISION = re.compile(r"(?P<ref>[^@]*)@(sha1|sha256):(?P<digest>[0-9a-f]+)", re.ASCII)


class Flux:
    """Flux' notification controller."""

    name = "flux"
    event_types = frozenset({*REASONS, CANARY})
    headers: frozenset[str] = frozenset()

    def verify(self, inbound: Inbound, secret: str) -> None:
        """Accept the HMAC of `generic-hmac`, else the token that `generic` sends as a header or in the address."""
        verify_hmac_or_token(inbound, secret, header="x-signature", prefix="sha256=")

    def parse(self, inbound: Inbound) -> list[RolloutEvent]:
        event = inbound.json()
        thing = event["involvedObject"]
        kind, name, namespace = thing.text("kind"), thing.text("name"), thing.optional_text("namespace") or ""
        reason, message = event.text("reason"), event.optional_text("message") or ""
        canary = kind == "Canary"
        if not canary and reason not in REASONS:
            raise UnknownEventError(reason)
        revision = _said(event, "revision")
        place = f"{kind}/{namespace}/{name}"
        at = event.time("timestamp")
        rolls_back = reason == "RollbackSucceeded" and not canary
        phase, exposure, evidence = _meaning(reason, message, canary=canary)
        return [
            RolloutEvent(
                kind=CANARY if canary else reason,
                names=tuple(dict.fromkeys(filter(None, (f"{namespace}/{name}" if namespace else "", name)))),
                # A rollback event has the revision that comes back, so it is an attempt of its own.
                attempt=f"{place}/rollback/{at}" if rolls_back else place if canary else f"{place}/{revision}",
                occurred_at=at or inbound.received_at,
                duplicate_key=fingerprint(self.name, thing.optional_text("uid") or place, reason, message, at),
                phase=phase,
                strategy=Strategy.CANARY if canary else Strategy.ROLLING,
                environment=_said(event, "environment", "env", "cluster"),
                namespace=namespace or None,
                to_version=_version(event, revision),
                artifact=revision,
                exposure=exposure,
                rollback=rolls_back,
                evidence=evidence,
                reason=message if event.optional_text("severity") == "error" else "",
                actor=event.optional_text("reportingController") or "",
            )
        ]


def _meaning(reason: str, message: str, *, canary: bool) -> tuple[Phase | None, float | None, Evidence]:
    if canary:
        _, sentence, found = understand(message)
        weight = found.get("weight")
        return sentence.phase, min(float(weight), 100.0) if weight else sentence.exposure, sentence.evidence
    phase = REASONS[reason]
    return (*succeeded(None), Evidence.NONE) if phase is Phase.COMPLETED else (phase, None, Evidence.NONE)


def _version(event: Payload, revision: str | None) -> str | None:
    """Return the application's version if the chart names one, else the tag, chart version or short commit."""
    found = REVISION.fullmatch(revision or "")
    ref, commit = (found["ref"], found["digest"]) if found else (revision, (revision or "").rpartition("/")[2])
    return _said(event, "app-version") or of_revision(ref, commit)


def _said(event: Payload, *keys: str) -> str | None:
    """Return the first of `keys` in the metadata, with or without the prefix that Flux sometimes leaves in front."""
    metadata = event.get("metadata")
    if metadata is None or not isinstance(metadata.value, dict):
        return None
    plain = {name.rpartition("/")[2]: name for name in metadata.value}
    return next((text for key in keys if key in plain and (text := metadata.hint(plain[key]))), None)
