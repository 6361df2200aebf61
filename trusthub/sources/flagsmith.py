"""Flagsmith: the webhooks of an environment and of an organisation, which both tell of one change.

See https://docs.flagsmith.com/third-party-integrations/webhook and https://docs.flagsmith.com/administration-and-security/governance-and-compliance/audit-logs.
"""

from trusthub.domain.events import RolloutEvent
from trusthub.errors import UnknownEventError
from trusthub.sources.base import Inbound, Payload, fingerprint, verify_hmac_or_token
from trusthub.sources.flags import Flag, flag_event, switched

SILENT = frozenset({"FLAG_DELETED", "NEW_VERSION_PUBLISHED", "AUDIT_LOG_CREATED"})
"""A flag that is deleted was tidied up; a version is followed by what changed in it; the log repeats the rest."""
CHANGED = "FLAG_UPDATED"


class Flagsmith:
    """Flagsmith, open source and hosted."""

    name = "flagsmith"
    event_types = frozenset({CHANGED, *SILENT})
    headers: frozenset[str] = frozenset()

    def verify(self, inbound: Inbound, secret: str) -> None:
        verify_hmac_or_token(inbound, secret, header="x-flagsmith-signature")

    def parse(self, inbound: Inbound) -> list[RolloutEvent]:
        payload = inbound.json()
        kind = payload.text("event_type")
        if kind in SILENT:
            return []
        if kind != CHANGED:
            raise UnknownEventError(kind)
        data = payload["data"]
        state, before = data["new_state"], data.get("previous_state")
        feature, at = state["feature"], data.time("timestamp")
        project = feature.optional_text("project", "name") or ""
        flag = Flag(project, feature.text("name"), state.optional_text("environment", "name"))
        on = state.flag("enabled")
        moved = before is None or before.flag("enabled") != on
        return [
            flag_event(
                flag,
                kind=kind,
                at=at or inbound.received_at,
                # Of the change and not of the request: both webhooks tell of it.
                key=fingerprint(self.name, *flag, on, _for_some(state), at or inbound.body),
                meaning=switched(on=on) if moved and not _for_some(state) else (None, None),
                actor=data.optional_text("changed_by") or "",
            )
        ]


def _for_some(state: Payload) -> bool:
    """Whether the state is of one segment or one identity only, which is not the environment's."""
    return state.get("feature_segment") is not None or state.get("identity") is not None
