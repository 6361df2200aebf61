"""Flagger's alerts, as an AlertProvider of type slack or msteams sends them: a sentence and a few fields.

They know less than the events: no checksum, no weight, and no word when traffic has been moved back.
See https://docs.flagger.app/usage/alerting.
"""

import re

from trusthub.domain.events import Evidence, Phase, RolloutEvent, Strategy
from trusthub.errors import PayloadError
from trusthub.sources.base import Inbound, Payload, about, fingerprint
from trusthub.sources.flagger_sentences import Sentence

ALERTS = {
    "alert.new-revision": Sentence("New revision detected, progressing canary analysis", Phase.STARTED, 0.0),
    "alert.initialized": Sentence(r"New \S+ detected, initialization completed"),
    "alert.waiting": Sentence(r"Canary .*is waiting for approval", Phase.PAUSED),
    "alert.completed": Sentence(r"Canary analysis .*promotion finished", Phase.COMPLETED, 100.0),
    "alert.promotion-failed": Sentence("Promotion failed", Phase.FAILED, 100.0),
    "alert.checks-failed": Sentence(
        "Failed checks threshold reached", Phase.ROLLING_BACK, evidence=Evidence.FAILED_ANALYSIS
    ),
    "alert.deadline": Sentence("Progress deadline exceeded", Phase.ROLLING_BACK),
    "alert.manual": Sentence("Rolling back manual webhook invoked", Phase.ROLLING_BACK),
}
PATTERNS = {kind: re.compile(sentence.pattern, re.ASCII) for kind, sentence in ALERTS.items()}
OTHER = "event"


def is_alert(payload: Payload) -> bool:
    """Whether the body has the shape of a Slack message, or of a Teams card."""
    return "attachments" in payload.value or payload.value.get("@type") == "MessageCard"


def read(payload: Payload, inbound: Inbound) -> RolloutEvent:
    """Return what an alert says. Raises PayloadError when it names no Canary."""
    card = next(iter(payload["attachments" if "attachments" in payload.value else "sections"].items()), None)
    if card is None:
        raise PayloadError("The alert is empty: it has no attachment and no section.")
    who = card.optional_text("author_name") or card.text("activitySubtitle")
    said = card.optional_text("text") or card.optional_text("activityTitle") or payload.optional_text("summary") or ""
    name, _, namespace = who.partition(".")
    kind = next((kind for kind, pattern in PATTERNS.items() if pattern.match(said)), OTHER)
    meaning = ALERTS.get(kind, Sentence(""))
    return RolloutEvent(
        kind=kind,
        names=tuple(dict.fromkeys(filter(None, (f"{namespace}/{name}" if namespace else "", name)))) or (who,),
        attempt=f"{namespace}/{name}",
        occurred_at=inbound.received_at,
        duplicate_key=fingerprint("flagger-alert", who, said, about(inbound.received_at)),
        phase=meaning.phase,
        strategy=Strategy.CANARY,
        namespace=namespace or None,
        exposure=meaning.exposure,
        evidence=meaning.evidence,
        reason=said if meaning.phase in {Phase.ROLLING_BACK, Phase.FAILED} else "",
    )
