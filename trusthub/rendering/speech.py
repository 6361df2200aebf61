"""How a language says times, numbers and lists: its own patterns, and Babel's rules for what all software needs."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import babel
from babel.dates import format_date, format_skeleton, get_timezone_name
from babel.lists import format_list
from babel.numbers import format_decimal
from babel.units import format_unit
from jinja2 import pass_context
from jinja2.exceptions import FilterArgumentError
from jinja2.runtime import Context

from trusthub.rendering.filters import kind, single_line

ZONE = "time zone"
"""Where a message's context has the reader's zone. No template can read a name with a space in it."""
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
"""Seconds, and Babel's name for so many."""
_ABBREVIATION = re.compile(r"[A-Z]{2,5}")


@dataclass(frozen=True, slots=True)
class Speech:
    """One language, with the time zone that times are said in."""

    rules: babel.Locale
    percents: str
    spans: str
    patterns: Mapping[str, tuple[str, ...]]
    """By the name of a filter: without the date, with it, and for a range with both dates."""
    zone: str = "UTC"

    def clock(self, at: object, *day: object) -> str:
        """Return `14:02 UTC`. With `day` (a time, or None): with the date, unless it is that of `day`."""
        return self._said("clock", at, day)

    def at(self, at: object, *day: object) -> str:
        """Return `at 14:02 UTC`, dated as `clock` is."""
        return self._said("at", at, day)

    def by(self, at: object, *day: object) -> str:
        """Return `by 14:02 UTC`, dated as `clock` is."""
        return self._said("by", at, day)

    def since(self, at: object, *day: object) -> str:
        """Return `since 14:02 UTC`, dated as `clock` is."""
        return self._said("since", at, day)

    def moment(self, at: object) -> str:
        """Return `14:02 UTC on 22 November 2026`."""
        return self._said("clock", at, (None,))

    def date(self, at: object) -> str:
        """Return `22 November 2026`."""
        return format_date(self._local(at), "long", locale=self.rules)

    def period(self, start: object, end: object, day: object = None) -> str:
        """Return `from 14:02 to 14:09 UTC`, with the date unless it is that of `day`; with both when they differ."""
        return self._range("period", "at", (self._local(start), self._local(end)), day)

    def between(self, start: object, end: object, day: object = None) -> str:
        """Return `between 14:08 and 14:16 UTC`, dated as `period` is."""
        return self._range("between", "by", (self._local(start), self._local(end)), day)

    def percent(self, value: object) -> str:
        """Return `5 %` for 5.0 and `0.1 %` for 0.1. What is above 0 never reads as 0."""
        share = _number(value)
        exact = round(share, 1) if share >= 1 else round(max(share, 0.01) if share else 0, 2)
        return self.percents.format(number=format_decimal(exact, locale=self.rules))

    def number(self, value: object) -> str:
        """Return `48,200` for 48200."""
        return format_decimal(_number(value), locale=self.rules)

    def share(self, value: object, whole: object) -> str:
        """Return how many `value` percent of `whole` are, rounded up: 5 percent of 48200 is `2,410`."""
        return self.number(math.ceil(round(_number(value) * _number(whole) / 100, 6)))

    def listed(self, names: object) -> str:
        """Return names as a sentence has them: `Checkout, Search and Sign-in`."""
        if not isinstance(names, list | tuple):
            message = f"listed needs a list, and this is {kind(names)}."
            raise FilterArgumentError(message)
        return format_list([single_line(name) for name in names], locale=self.rules)

    def duration(self, seconds: object) -> str:
        """Return `24 hours`, `2 days` or `90 minutes`: in the largest unit of which it is a whole number above 1."""
        amount = _number(seconds)
        size, unit = next(
            each for each in _UNITS if amount >= each[0] * (2 if each[0] > 1 else 0) and not amount % each[0]
        )
        return self._unit(amount / size, unit)

    def span(self, shortest: object, longest: object) -> str:
        """Return `2 to 10 minutes` for 120 and 600 seconds."""
        least, most = _number(shortest) / 60, _number(longest) / 60
        return self.spans.format(**{"from": format_decimal(least, locale=self.rules), "to": self._unit(most, "minute")})

    def lasted(self, span: timedelta) -> str:
        """Return `1 hour 5 minutes`: the two largest units, at least a minute."""
        days, rest = divmod(max(round(span.total_seconds() / 60), 1), 24 * 60)
        hours, minutes = divmod(rest, 60)
        parts = [(days, "day"), (hours, "hour"), (0 if days else minutes, "minute")]
        return " ".join(self._unit(count, unit) for count, unit in parts if count)

    def filters(self) -> Mapping[str, Callable[..., str]]:
        """Return these as filters that say times in the zone of what is rendered."""
        return {name: _filter(self, name) for name in FILTERS}

    def page_filters(self) -> Mapping[str, Callable[..., str]]:
        """Return those that pages have, which are a few more."""
        more = {"lasted": self.lasted, "uptime": self.uptime, "weekday": self.weekday}
        return {**self.filters(), **more}

    def uptime(self, value: object) -> str:
        """Return `99.98 %` for 99.989: rounded down, so that only what never failed reads as 100 %."""
        exact = math.floor(round(_number(value) * 100, 6)) / 100
        return self.percents.format(number=format_decimal(exact, locale=self.rules))

    def weekday(self, at: object) -> str:
        """Return `Sunday`."""
        return format_date(self._local(at), "EEEE", locale=self.rules)

    def month(self, at: object) -> str:
        """Return `November 2026`."""
        return format_skeleton("yMMMM", self._local(at), locale=self.rules)

    def elsewhere(self, zone: str) -> "Speech":
        """Return the same language for readers in another time zone (an IANA name)."""
        return self if zone == self.zone else replace(self, zone=zone)

    def _unit(self, count: float, unit: str) -> str:
        return format_unit(count, unit, locale=self.rules)

    def _said(self, form: str, at: object, day: tuple[object, ...]) -> str:
        when = self._local(at)
        bare, dated = self.patterns[form]
        pattern = bare if not day or self._same_day(when, day[0]) else dated
        return pattern.format(time=f"{when:%H:%M}", zone=self._zone(when), date=self.date(when))

    def _range(self, form: str, single: str, times: tuple[datetime, datetime], day: object) -> str:
        start, end = times
        if f"{start:%F %H:%M}" == f"{end:%F %H:%M}":
            return self._said(single, end, (day,))
        same, dated, two = self.patterns[form]
        pattern = two if start.date() != end.date() else same if self._same_day(end, day) else dated
        words = {"from": f"{start:%H:%M}", "from_zone": self._zone(start), "from_date": self.date(start)}
        return pattern.format(**words, to=f"{end:%H:%M}", zone=self._zone(end), date=self.date(end))

    def _same_day(self, when: datetime, day: object) -> bool:
        return day is not None and when.date() == self._local(day).date()

    def _local(self, at: object) -> datetime:
        if not isinstance(at, datetime) or at.tzinfo is None:
            message = f"needs a time with its zone, and got {kind(at)}"
            raise FilterArgumentError(message)
        return at.astimezone(ZoneInfo(self.zone))

    def _zone(self, when: datetime) -> str:
        """Return `UTC`, `CET`, or in German `MEZ`; where this language has no short name, `UTC+05:30`."""
        if self.zone == "UTC":
            return "UTC"
        name = get_timezone_name(when, width="short", locale=self.rules)
        return name if _ABBREVIATION.fullmatch(name) else f"UTC{when.isoformat()[-6:]}"


FILTERS = (
    "at", "between", "by", "clock", "date", "duration", "listed", "moment", "month", "number", "percent", "period",
    "share", "since", "span",
)  # fmt: skip
"""The filters that each language has words of its own for."""


def _filter(speech: Speech, name: str) -> Callable[..., str]:
    @pass_context
    def said(context: Context, *values: object) -> str:
        here = speech.elsewhere(context.get(ZONE) or speech.zone)
        found: str = getattr(here, name)(*values)
        return found

    return said


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"needs a number, and got {kind(value)}"
        raise FilterArgumentError(message)
    return value
