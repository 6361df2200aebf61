"""Our own contract: one flat JSON object, for every tool that has no module here. README.md beside this file has it.

It is strict where the other sources are lenient: whoever writes it can correct it, and should hear of it at once.
"""

import difflib
from datetime import datetime

from trusthub.domain.events import Evidence, Link, Phase, RolloutEvent, Strategy
from trusthub.errors import PayloadError
from trusthub.sources.base import Inbound, Payload, about, fingerprint, verify_token, web_links

EVENTS = {
    "rollout.planned": Phase.PLANNED,
    "rollout.started": Phase.STARTED,
    "rollout.progressed": Phase.PROGRESSING,
    "rollout.paused": Phase.PAUSED,
    "rollout.promoting": Phase.PROMOTING,
    "rollout.completed": Phase.COMPLETED,
    "rollout.failed": Phase.FAILED,
    "rollback.started": Phase.ROLLING_BACK,
    "rollback.finished": Phase.ROLLED_BACK,
}
IMPLIED = {Phase.COMPLETED: 100.0, Phase.ROLLED_BACK: 0.0}
"""What these phases mean, when no exposure is sent."""

# fmt: off
KEYS = [
    "event", "component", "environment", "attempt", "from_version", "to_version", "artifact",
    "strategy", "exposure", "step", "steps", "evidence", "reason", "actor",
    "occurred_at", "id", "links", "known_risks", "unknown_risks", "rollback",
]
# fmt: on
EVIDENCE = (Evidence.NONE, Evidence.FAILED_ANALYSIS, Evidence.ALERT, Evidence.COMPLAINTS)
"""A person's word is not sent by a machine: staff say it in the console."""
MOST_STEPS = 1000


class Generic:
    """A script, a pipeline, or a tool of your own."""

    name = "generic"
    event_types = frozenset(EVENTS)
    headers: frozenset[str] = frozenset()

    def verify(self, inbound: Inbound, secret: str) -> None:
        verify_token(inbound, secret)

    def parse(self, inbound: Inbound) -> list[RolloutEvent]:
        said = inbound.json()
        for key in said.value:
            if key not in KEYS:
                message = f"{key!a:.60} is no key of this contract.{_near(key, KEYS)}"
                raise PayloadError(message)
        kind = _one_of(said, "event", list(EVENTS), said["event"].optional_text() or "")
        phase, component, occurred_at = EVENTS[kind], said["component"].optional_text(), said.time("occurred_at")
        if not component:
            message = "component is empty. Send the name that the site's `watches` have."
            raise PayloadError(message)
        environment, to_version = said.optional_text("environment"), said.optional_text("to_version")
        exposure = said.percent("exposure")
        return [
            RolloutEvent(
                kind=kind,
                names=(component,),
                attempt=said.optional_text("attempt") or "/".join(filter(None, (component, environment, to_version))),
                occurred_at=occurred_at or inbound.received_at,
                duplicate_key=said.optional_text("id") or _key(inbound, occurred_at),
                phase=phase,
                strategy=Strategy(_one_of(said, "strategy", list(Strategy), "unknown")),
                environment=environment,
                from_version=said.optional_text("from_version"),
                to_version=to_version,
                artifact=said.optional_text("artifact"),
                exposure=IMPLIED.get(phase) if exposure is None else exposure,
                step=_count(said, "step"),
                steps=_count(said, "steps"),
                rollback=said.flag("rollback"),
                evidence=Evidence(_one_of(said, "evidence", list(EVIDENCE), "none")),
                reason=said.optional_text("reason") or "",
                actor=said.optional_text("actor") or "",
                links=_links(said),
                known_risks=_texts(said, "known_risks"),
                unknown_risks=_texts(said, "unknown_risks"),
            )
        ]


def _key(inbound: Inbound, occurred_at: datetime | None) -> str:
    return fingerprint("generic", inbound.body, occurred_at or about(inbound.received_at))


def _near(word: str, words: list[str]) -> str:
    near = difflib.get_close_matches(word[:60], words, n=1)
    return f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(words)}."


def _one_of(said: Payload, key: str, words: list[str], default: str) -> str:
    word = said.optional_text(key) or default
    if word not in words:
        message = f"{key} {word!a:.60} is unknown. Send one of: {', '.join(words)}."
        raise PayloadError(message)
    return word


def _count(said: Payload, key: str) -> int | None:
    number = said.integer(key)
    if number is not None and not 1 <= number <= MOST_STEPS:
        message = f"{key} must be from 1 to {MOST_STEPS}, not {number}."
        raise PayloadError(message)
    return number


def _texts(said: Payload, key: str) -> tuple[str, ...]:
    found = said.get(key)
    return tuple(item.text() for item in found.items()) if found else ()


def _links(said: Payload) -> tuple[Link, ...]:
    found = said.get("links")
    pairs = [(link.text("label"), link.text("url")) for link in found.items()] if found else []
    links = web_links(*pairs)
    if len(links) != len(pairs):
        message = "Every one of links needs a url of its own that starts with https:// or http://."
        raise PayloadError(message)
    return links
