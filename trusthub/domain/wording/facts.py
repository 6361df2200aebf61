"""What is known about an incident: whether a text says it, and how a rewrite is filled with it."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Facts = Mapping[str, Any]
"""Facts by name, as in templates/README.md; values as a template gets them, or as JSON has them."""

_NAMES: Mapping[str, tuple[str, ...]] = {
    "what": ("what", "task", "component"),
    "who": ("who",),
    "from": ("start", "exposed_from", "opened_at"),
    "to": ("end", "exposed_until", "rollback_finished_at", "resolved_at"),
    "next": ("next_update",),
    "old": ("from_version",),
    "new": ("to_version",),
    "count": ("failed",),
    "zone": ("time_zone",),
    "link": ("answer_url", "incident_url", "support_address"),
}
"""Which facts may stand in a slot of a rewrite, the most exact first."""
_SLOT = re.compile(r"\{(\w+)\}")
_HOURS = 24


def time_of(value: object) -> datetime | None:
    """Return a time that a fact holds, or None. Text is read as ISO 8601; a time without a zone is UTC."""
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT?", value):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return None


def shown(text: str, value: object, facts: Facts) -> bool:
    """Whether a text in small letters says what a fact holds: a time in UTC or the page's zone, a number, a name."""
    if (moment := time_of(value)) is not None:
        return any(form in text for zone in _zones(facts) for form in _clock(moment.astimezone(zone)))
    if isinstance(value, bool):
        return True
    if isinstance(value, int | float):
        return any(form in text for form in (f"{value:g}", f"{value:,}", f"{value:,}".replace(",", ".")))
    return str(value).casefold() in text


def filled(rewrite: str, facts: Facts, shown_as: Mapping[str, str]) -> str:
    """Put facts into a rewrite. A slot without a fact keeps words that say what belongs there, in braces."""

    def fill(match: "re.Match[str]") -> str:
        for name in _NAMES.get(match[1], (match[1],)):
            value = facts.get(name)
            if value is not None and value != "":
                return _written(value, facts)
        return "{" + shown_as.get(match[1], match[1]) + "}"

    return _SLOT.sub(fill, rewrite)


def _written(value: object, facts: Facts) -> str:
    moment = time_of(value)
    if moment is not None:
        local = moment.astimezone(next(_zones(facts)))
        return f"{local:%H:%M} {local.tzname()}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _zones(facts: Facts) -> Iterator[tzinfo]:
    """Yield the zone of the readers, when it is known, and UTC."""
    if (zone := _zone(facts.get("time_zone"))) is not None:
        yield zone
    yield UTC


def _zone(name: object) -> tzinfo | None:
    try:
        return ZoneInfo(str(name)) if name else None
    except (ValueError, ZoneInfoNotFoundError):
        return None


def _clock(moment: datetime) -> Iterator[str]:
    yield f"{moment:%H:%M}"
    half = moment.hour % 12 or 12
    if moment.hour < _HOURS // 2 or half != moment.hour:
        suffix = "am" if moment.hour < _HOURS // 2 else "pm"
        for space in ("", " "):
            yield f"{half}:{moment:%M}{space}{suffix}"
            if not moment.minute:
                yield f"{half}{space}{suffix}"
