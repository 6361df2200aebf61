"""Our own contract: one flat JSON object, for every tool that has no module here. README.md beside this file has it.

It is strict where the other sources are lenient: whoever writes it can correct it, and should hear of it at once.
"""

import difflib
from collections.abc import Sequence
from datetime import datetime

from trusthub.domain.contract import ALERT_KEYS, ALERTS, EVENTS, IMPLIED, KEYS, WORDS
from trusthub.domain.events import AlertEvent, Evidence, Link, RolloutEvent, SourceEvent, Strategy
from trusthub.errors import PayloadError
from trusthub.sources.base import Inbound, Payload, about, fingerprint, verify_token, web_links

EVIDENCE = (Evidence.NONE, Evidence.FAILED_ANALYSIS, Evidence.ALERT, Evidence.COMPLAINTS)
"""A person's word is not sent by a machine: staff say it in the console."""
MOST_STEPS = 1000


class Generic:
    """A script, a pipeline, or a tool of your own."""

    name = "generic"
    event_types = frozenset(WORDS)
    headers: frozenset[str] = frozenset()

    def verify(self, inbound: Inbound, secret: str) -> None:
        verify_token(inbound, secret)

    def parse(self, inbound: Inbound) -> list[SourceEvent]:
        said = inbound.json()
        kind = _one_of(said, "event", WORDS, said["event"].optional_text() or "")
        keys = ALERT_KEYS if kind in ALERTS else KEYS
        for key in said.value:
            if key not in keys:
                message = f"{key!a:.60} is no key of this contract.{_near(key, keys)}"
                raise PayloadError(message)
        component = said["component"].optional_text()
        if not component:
            message = "component is empty. Send the name that the site's `watches` have."
            raise PayloadError(message)
        return [read(said, inbound, kind, [component])]


def read(said: Payload, inbound: Inbound, kind: str, names: Sequence[str]) -> SourceEvent:
    """Return what an object of our contract says; `kind` is the sender's own word for it.

    Raises PayloadError that names the key and the cure.
    """
    found = tuple(dict.fromkeys(names))
    make = _alert if said.text("event") in ALERTS else _rollout
    return make(said, inbound, kind, found)


def _alert(said: Payload, inbound: Inbound, kind: str, names: tuple[str, ...]) -> AlertEvent:
    occurred_at, environment = said.time("occurred_at"), said.optional_text("environment")
    return AlertEvent(
        kind=kind,
        names=names,
        alert=said.optional_text("alert") or "/".join(filter(None, (names[0], environment))),
        firing=ALERTS[said.text("event")],
        occurred_at=occurred_at or inbound.received_at,
        duplicate_key=said.optional_text("id") or _key(inbound, occurred_at),
        title=said.optional_text("title") or "",
        severity=said.optional_text("severity") or "",
        environment=environment,
        links=_links(said),
    )


def _rollout(said: Payload, inbound: Inbound, kind: str, names: tuple[str, ...]) -> RolloutEvent:
    phase, occurred_at, exposure = EVENTS[said.text("event")], said.time("occurred_at"), said.percent("exposure")
    environment, to_version = said.optional_text("environment"), said.optional_text("to_version")
    return RolloutEvent(
        kind=kind,
        names=names,
        attempt=said.optional_text("attempt") or "/".join(filter(None, (names[0], environment, to_version))),
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
        metrics=_texts(said, "metrics"),
        reason=said.optional_text("reason") or "",
        actor=said.optional_text("actor") or "",
        links=_links(said),
        known_risks=_texts(said, "known_risks"),
        unknown_risks=_texts(said, "unknown_risks"),
    )


def _key(inbound: Inbound, occurred_at: datetime | None) -> str:
    return fingerprint("generic", inbound.body, occurred_at or about(inbound.received_at))


def _near(word: str, words: Sequence[str]) -> str:
    near = difflib.get_close_matches(word[:60], words, n=1)
    return f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(words)}."


def _one_of(said: Payload, key: str, words: Sequence[str], default: str) -> str:
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
