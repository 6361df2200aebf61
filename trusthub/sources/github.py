"""GitHub: the `deployment` and `deployment_status` webhooks of a repository or an organisation.

GitHub knows no share of traffic and no rollback, so a workflow may say both: in the deployment's `payload` and `task`.
See https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_status.
"""

from urllib.parse import parse_qs

from trusthub.domain.events import Phase, RolloutEvent, Strategy
from trusthub.errors import PayloadError, UnknownEventError
from trusthub.sources.base import Inbound, Payload, fingerprint, succeeded, verify_hmac_or_token, web_links
from trusthub.sources.versions import of_revision

STATES: dict[str, Phase | None] = {
    "waiting": Phase.PAUSED,  # for a reviewer or a wait timer
    "queued": Phase.STARTED,
    "pending": Phase.STARTED,
    "in_progress": Phase.PROGRESSING,
    "success": Phase.COMPLETED,
    "failure": Phase.FAILED,  # a job failed, which is no sign of harm
    "error": Phase.FAILED,
    "inactive": None,  # a later deployment to the same environment took over; GitHub sends it rarely
}
TELLING = frozenset({Phase.FAILED, Phase.PAUSED})
"""Phases whose description says why; the others' only say that."""
ROLLBACK_TASKS = frozenset({"rollback", "deploy:rollback"})
"""By convention only: GitHub's documentation has `deploy` as the default task, and leaves the rest to its users."""
SILENT = frozenset({"ping", "deployment_review", "workflow_run", "release"})
"""A review is told by the status `waiting` and the one that follows; a workflow run has no environment, and its
deployments have statuses of their own; a release publishes, and moves nobody."""


class GitHub:
    """github.com and GitHub Enterprise Server."""

    name = "github"
    event_types = frozenset({*SILENT, "deployment", *(f"deployment_status.{state}" for state in STATES)})
    headers = frozenset({"x-github-event", "x-github-delivery"})

    def verify(self, inbound: Inbound, secret: str) -> None:
        """Accept the HMAC of the raw body; a webhook without a secret may have the token in its address instead.

        See https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries.
        """
        verify_hmac_or_token(inbound, secret, header="x-hub-signature-256", prefix="sha256=")

    def parse(self, inbound: Inbound) -> list[RolloutEvent]:
        kind = inbound.headers.get("x-github-event")
        if kind is None:
            message = (
                "The header X-GitHub-Event is missing. Send the webhook from GitHub, or replay it with its headers."
            )
            raise PayloadError(message)
        if kind in SILENT:
            return []
        if kind not in {"deployment", "deployment_status"}:
            raise UnknownEventError(kind)
        payload = _form(inbound) or inbound.json()
        deployment = payload["deployment"]
        status = payload["deployment_status"] if kind == "deployment_status" else None
        extra, task = _extra(deployment), deployment.optional_text("task") or "deploy"
        phase, exposure = _progress(status, extra)
        news = status or deployment
        commit = deployment.optional_text("sha")
        return [
            RolloutEvent(
                kind=f"{kind}.{status.text('state')}" if status else kind,
                names=_names(payload, extra, task),
                attempt=str(deployment["id"].integer()),
                occurred_at=news.time("created_at") or inbound.received_at,
                duplicate_key=inbound.headers.get("x-github-delivery") or fingerprint(self.name, kind, inbound.body),
                phase=phase,
                strategy=_strategy(extra),
                environment=deployment.optional_text("environment"),
                to_version=extra.hint("version") or of_revision(deployment.optional_text("ref"), commit),
                artifact=commit,
                exposure=exposure,
                rollback=task in ROLLBACK_TASKS,
                reason=(status.optional_text("description") if status and phase in TELLING else None) or "",
                actor=news.optional_text("creator", "login") or payload.optional_text("sender", "login") or "",
                links=web_links(
                    ("Log", news.optional_text("log_url")),
                    ("Workflow run", payload.optional_text("workflow_run", "html_url")),
                    ("Target", news.optional_text("target_url")),
                    ("Environment", news.optional_text("environment_url")),
                ),
            )
        ]


def _form(inbound: Inbound) -> Payload | None:
    """Return the `payload` field of a form, the other content type that a webhook can be set to."""
    if not inbound.body.startswith(b"payload="):
        return None
    fields = parse_qs(inbound.body.decode("ascii", "replace"))
    return Payload.decode("".join(fields.get("payload", [])).encode("utf-8", "replace"))


def _extra(deployment: Payload) -> Payload:
    """Return what the workflow said about the deployment: an object, or a string that may hold one."""
    extra = deployment.get("payload")
    if extra is None or isinstance(extra.value, dict):
        return extra or Payload({}, "deployment.payload")
    try:
        return Payload(Payload.decode(str(extra.value).encode()).value, extra.path)
    except PayloadError:
        return Payload({}, extra.path)


def _names(payload: Payload, extra: Payload, task: str) -> tuple[str, ...]:
    repository = payload.text("repository", "full_name")
    service = extra.hint("service") or extra.hint("component")
    special = f"{repository}:{task}" if task != "deploy" else None
    return tuple(dict.fromkeys(filter(None, (service, special, repository, payload.text("repository", "name")))))


def _progress(status: Payload | None, extra: Payload) -> tuple[Phase | None, float | None]:
    if status is None:
        return Phase.STARTED, None
    phase, share = STATES.get(status.text("state")), extra.percent_hint("percentage")
    if phase is Phase.COMPLETED:
        return succeeded(share)
    return phase, share if phase is Phase.PROGRESSING else None


def _strategy(extra: Payload) -> Strategy:
    said = extra.hint("strategy") or Strategy.ROLLING
    return Strategy(said) if said in set(Strategy) else Strategy.UNKNOWN
