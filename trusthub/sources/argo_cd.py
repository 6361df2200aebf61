"""Argo CD: its notifications, sent by templates of ours. The catalog's own templates send text, which says too little.

See https://argo-cd.readthedocs.io/en/stable/operator-manual/notifications/.
"""

from datetime import timedelta

from trusthub.domain.events import Phase, RolloutEvent, Strategy
from trusthub.errors import PayloadError, UnknownEventError
from trusthub.sources.base import Inbound, Payload, fingerprint, verify_token, web_links
from trusthub.sources.versions import of_revision

PHASES: dict[str, Phase | None] = {
    "on-created": None,
    "on-deleted": None,
    "on-sync-running": Phase.STARTED,
    "on-sync-succeeded": Phase.PROGRESSING,  # the manifests are in the cluster, the pods are on their way
    "on-deployed": Phase.COMPLETED,
    "on-sync-failed": Phase.FAILED,
    "on-health-degraded": Phase.FAILED,  # only while it can be this sync's doing, see SETTLING
    "on-sync-status-unknown": None,
}
SETTLING = timedelta(minutes=10)
"""A Degraded this long after a sync has other reasons: a node that went away, an autoscaler, a bad night."""
ENDS = frozenset({"on-sync-succeeded", "on-sync-failed"})
TEXT = (
    "The body is no JSON object. The catalog's templates send only text: paste the ones from the section Argo CD of "
    "trusthub/sources/README.md."
)


class ArgoCD:
    """Argo CD's notifications controller."""

    name = "argo-cd"
    event_types = frozenset(PHASES)
    headers: frozenset[str] = frozenset()

    def verify(self, inbound: Inbound, secret: str) -> None:
        verify_token(inbound, secret)

    def parse(self, inbound: Inbound) -> list[RolloutEvent]:
        if not inbound.body.lstrip().startswith(b"{"):
            raise PayloadError(TEXT)
        payload = inbound.json()
        trigger, app = payload.text("trigger"), payload["app"]
        if trigger not in PHASES:
            raise UnknownEventError(trigger)
        metadata, operation = app["metadata"], app.dig("status", "operationState") or Payload({}, "app.status")
        name, namespace = metadata.text("name"), app.optional_text("spec", "destination", "namespace")
        began, ended = operation.time("startedAt"), operation.time("finishedAt")
        revision = operation.optional_text("syncResult", "revision") or app.optional_text("status", "sync", "revision")
        attempt = f"{metadata.optional_text('namespace') or ''}/{name}/{began or revision or '-'}"
        happened = {"on-sync-running": began, **dict.fromkeys(ENDS, ended)}.get(trigger)
        settled = ended is not None and inbound.received_at > ended + SETTLING
        address = payload.optional_text("argocdUrl")
        return [
            RolloutEvent(
                kind=trigger,
                names=_names(metadata, name, namespace),
                attempt=attempt,
                occurred_at=happened or inbound.received_at,
                duplicate_key=fingerprint(self.name, attempt, trigger, revision),
                phase=None if trigger == "on-health-degraded" and settled else PHASES[trigger],
                strategy=Strategy.ROLLING,
                environment=payload.optional_text("environment"),
                namespace=namespace,
                from_version=_before(app, revision),
                to_version=of_revision(revision, revision),
                artifact=revision,
                reason=(operation.optional_text("message") or "") if PHASES[trigger] is Phase.FAILED else "",
                actor=_actor(operation),
                links=web_links(("Argo CD", f"{address}/applications/{name}" if address else None)),
            )
        ]


def _names(metadata: Payload, name: str, namespace: str | None) -> tuple[str, ...]:
    labels = metadata.get("labels") or Payload({})
    label = labels.hint("app.kubernetes.io/name") or labels.hint("app")
    return tuple(dict.fromkeys(filter(None, (f"{namespace}/{name}" if namespace else None, label, name))))


def _before(app: Payload, revision: str | None) -> str | None:
    """Return the version that was synced before this one, from the application's own history."""
    history = app.dig("status", "history")
    past = [entry.optional_text("revision") for entry in history.items()] if history else []
    earlier = next((each for each in reversed(past) if each and each != revision), None)
    return of_revision(earlier, earlier)


def _actor(operation: Payload) -> str:
    by = operation.dig("operation", "initiatedBy")
    if by is None:
        return ""
    return by.optional_text("username") or ("automated sync" if by.flag("automated") else "")
