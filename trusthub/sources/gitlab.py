"""GitLab: the deployment, release and feature flag webhooks of a project or a group.

See https://docs.gitlab.com/user/project/integrations/webhook_events/.
"""

import binascii
import hmac
import re
from datetime import UTC, datetime

from standardwebhooks import Webhook

from trusthub.domain.events import Phase, RolloutEvent, Strategy
from trusthub.errors import SignatureError, UnknownEventError
from trusthub.sources.base import (
    EVERYBODY,
    Inbound,
    Payload,
    about,
    fingerprint,
    fresh,
    succeeded,
    verify_token,
    web_links,
)
from trusthub.sources.versions import COMMIT, of_revision

STATES: dict[str, Phase | None] = {
    "created": Phase.STARTED,
    "blocked": Phase.PAUSED,  # for an approval
    "approved": Phase.PROGRESSING,
    "rejected": Phase.FAILED,  # the job that fails because of it is no second failure
    "running": Phase.STARTED,
    "success": Phase.COMPLETED,
    "failed": Phase.FAILED,  # a job failed, which is no sign of harm
    "canceled": Phase.FAILED,
}
IDENTITY = ("webhook-id", "idempotency-key", "x-gitlab-event-uuid")
"""Headers that are equal for every try of one delivery, best first."""
ZONE = re.compile(r" (?=[+-]\d{4}$)| UTC$")
"""GitLab writes two kinds of times; this is what the older one lacks to be ISO 8601."""
SILENT = frozenset({"release"})
"""A release publishes, and moves nobody."""


class GitLab:
    """gitlab.com and GitLab of one's own."""

    name = "gitlab"
    event_types = frozenset({*SILENT, *(f"deployment.{state}" for state in STATES), "feature_flag"})
    headers = frozenset(IDENTITY)

    def verify(self, inbound: Inbound, secret: str) -> None:
        """Accept a signature by Standard Webhooks, else the secret in X-Gitlab-Token, else our token."""
        if "webhook-signature" in inbound.headers:
            _verify_signature(inbound, secret)
        elif "x-gitlab-token" in inbound.headers:
            if not secret or not hmac.compare_digest(inbound.headers["x-gitlab-token"].encode(), secret.encode()):
                raise SignatureError("X-Gitlab-Token is not this connection's secret.")
        else:
            verify_token(inbound, secret)

    def parse(self, inbound: Inbound) -> list[RolloutEvent]:
        payload = inbound.json()
        kind = payload.text("object_kind")
        if kind in SILENT:
            return []
        identity = next((inbound.headers[key] for key in IDENTITY if inbound.headers.get(key)), None)
        identity = identity or fingerprint(self.name, inbound.body, about(inbound.received_at))
        if kind == "deployment":
            return [_deployment(payload, identity, inbound)]
        if kind == "feature_flag":
            return [_flag(payload, identity, inbound)]
        raise UnknownEventError(kind)


def _deployment(payload: Payload, identity: str, inbound: Inbound) -> RolloutEvent:
    state, project = payload.text("status"), payload["project"]
    if state not in STATES:
        raise UnknownEventError(f"deployment.{state}")
    phase, exposure = STATES[state], None
    if phase is Phase.COMPLETED:
        phase, exposure = succeeded(None)
    commit = (payload.optional_text("commit_url") or "").rpartition("/")[2]
    commit = commit if COMMIT.fullmatch(commit) else payload.optional_text("short_sha") or ""
    return RolloutEvent(
        kind=f"deployment.{state}",
        names=_names(project),
        attempt=f"{project['id'].integer()}/{payload['deployment_id'].integer()}",
        occurred_at=_time(payload, "status_changed_at") or inbound.received_at,
        duplicate_key=identity,
        phase=phase,
        strategy=Strategy.ROLLING,
        environment=payload.optional_text("environment"),
        to_version=of_revision(payload.optional_text("ref"), commit),
        artifact=commit or None,
        exposure=exposure,
        reason=payload.optional_text("approval", "comment") or "" if state == "rejected" else "",
        actor=payload.optional_text("approver", "username") or payload.optional_text("user", "username") or "",
        links=web_links(
            ("Job", payload.optional_text("deployable_url")),
            ("Commit", payload.optional_text("commit_url")),
            ("Environment", payload.optional_text("environment_external_url")),
        ),
    )


def _flag(payload: Payload, identity: str, inbound: Inbound) -> RolloutEvent:
    """Return what a feature flag's switch means. The hook does not say for which environment it is."""
    project, flag = payload["project"], payload["object_attributes"]
    name, on = flag.text("name"), flag.flag("active")
    path = project.text("path_with_namespace")
    return RolloutEvent(
        kind="feature_flag",
        names=tuple(dict.fromkeys((f"{path}/{name}", name, *_names(project)))),
        attempt=f"{path}/{name}",
        occurred_at=inbound.received_at,
        duplicate_key=identity,
        phase=Phase.COMPLETED if on else Phase.ROLLED_BACK,
        strategy=Strategy.FLAG,
        artifact=name,
        exposure=EVERYBODY if on else 0.0,
        actor=payload.optional_text("user", "username") or "",
        links=web_links(("Project", project.optional_text("web_url"))),
    )


def _names(project: Payload) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (project.text("path_with_namespace"), project.optional_text("name")))))


def _time(payload: Payload, key: str) -> datetime | None:
    text = payload.optional_text(key)
    plain = ZONE.sub(lambda found: "Z" if "UTC" in found[0] else "", text) if text else None
    return Payload({key: plain}).time(key)


def _verify_signature(inbound: Inbound, secret: str) -> None:
    """Check by https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md."""
    if not secret:
        raise SignatureError("This connection has no secret.")
    identity, stamp = inbound.headers.get("webhook-id", ""), inbound.headers.get("webhook-timestamp", "")
    try:
        sent_at = datetime.fromtimestamp(int(stamp), UTC)
        expected = Webhook(secret).sign(identity, sent_at, inbound.body.decode())
    except (ValueError, OverflowError, OSError, RuntimeError, binascii.Error) as error:
        message = "webhook-timestamp, or this connection's secret (whsec_...), is not as Standard Webhooks has it."
        raise SignatureError(message) from error
    offered = inbound.headers["webhook-signature"].split()
    fits = [hmac.compare_digest(each.encode(), expected.encode()) for each in offered]
    if not any(fits):
        raise SignatureError("No signature in webhook-signature fits the body and this connection's secret.")
    fresh(inbound, sent_at)
