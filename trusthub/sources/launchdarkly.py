"""LaunchDarkly: webhooks, each of which is an entry of the audit log.

An entry says that a flag was switched, and not for which share of the users: percentages are in rules, which it omits.
See https://launchdarkly.com/docs/home/infrastructure/webhooks.
"""

import re
from datetime import UTC, datetime

from trusthub.domain.events import RolloutEvent
from trusthub.errors import PayloadError
from trusthub.sources.base import Inbound, Payload, verify_hmac_or_token, web_links
from trusthub.sources.flags import Flag, flag_event, switched

RESOURCE = re.compile(r"proj/(?P<project>[^:;]+)[^:]*:env/(?P<environment>[^:;]+)[^:]*:flag/(?P<flag>[^:;]+)")
SWITCH = "updateOn"
VERBS = {"turned on": True, "turned off": False}


class LaunchDarkly:
    """LaunchDarkly's integration "Webhooks"."""

    name = "launchdarkly"
    event_types = frozenset({"flag.on", "flag.off", "flag.changed", "other"})
    headers: frozenset[str] = frozenset()

    def verify(self, inbound: Inbound, secret: str) -> None:
        verify_hmac_or_token(inbound, secret, header="x-ld-signature")

    def parse(self, inbound: Inbound) -> list[RolloutEvent]:
        entry = inbound.json()
        accesses = entry.get("accesses")
        return [
            _read(entry, found, access.optional_text("action") or "", inbound)
            for access in (accesses.items() if accesses else [])
            if (found := RESOURCE.match(access.optional_text("resource") or ""))
        ]


def _read(entry: Payload, where: "re.Match[str]", action: str, inbound: Inbound) -> RolloutEvent:
    on = _switch(entry, where["environment"]) if action == SWITCH else None
    site = entry.optional_text("_links", "site", "href")
    return flag_event(
        Flag(where["project"], where["flag"], where["environment"]),
        kind={None: "flag.changed", True: "flag.on", False: "flag.off"}[on],
        at=_time(entry) or inbound.received_at,
        key=f"{entry.text('_id')} {where[0]} {action}",
        meaning=(None, None) if on is None else switched(on=on),
        actor=entry.optional_text("member", "email") or "",
        links=web_links(("LaunchDarkly", f"https://app.launchdarkly.com{site}" if site else None)),
    )


def _switch(entry: Payload, environment: str) -> bool | None:
    """Return which way the flag was switched: by the words of the entry, else by the state that it may show."""
    said = entry.optional_text("titleVerb") or ""
    by_words = next((on for words, on in VERBS.items() if said.startswith(words)), None)
    state = entry.dig("currentVersion", "environments", environment)
    return by_words if by_words is not None or state is None else state.flag("on")


def _time(entry: Payload) -> datetime | None:
    milliseconds = entry.number("date")
    if milliseconds is None:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise PayloadError("date must be milliseconds since 1970.") from error
