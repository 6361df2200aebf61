"""How long a component worked: what incidents did to it, day by day, and what of that counts against its uptime."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from trusthub.domain.incident import ComponentStatus

SHARES: Mapping[ComponentStatus, float] = {ComponentStatus.MAJOR_OUTAGE: 100.0, ComponentStatus.PARTIAL_OUTAGE: 30.0}
"""Percent of a time that counts as down. The page tells its readers; what is not here does not count."""
_WORST_LAST = (
    ComponentStatus.MAINTENANCE,
    ComponentStatus.DEGRADED,
    ComponentStatus.PARTIAL_OUTAGE,
    ComponentStatus.MAJOR_OUTAGE,
)
_DAY = timedelta(days=1)
_NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A time in which a component did not fully work."""

    began: datetime
    ended: datetime | None
    """None while it lasts."""
    status: ComponentStatus


@dataclass(frozen=True, slots=True)
class Day:
    """What was known of a component on one day (UTC)."""

    first: datetime
    """Its midnight."""
    known: timedelta
    """How much of it has passed while the component was on the page."""
    spent: Mapping[ComponentStatus, timedelta]
    """How long it was in each status but `operational`; of several at once the worst counts."""

    @property
    def worst(self) -> ComponentStatus | None:
        """The worst that happened; None for a day without trouble."""
        return max(self.spent, key=_WORST_LAST.index, default=None)


def troubles(
    began: datetime, shown: Sequence[tuple[datetime, ComponentStatus]], ended: datetime | None
) -> tuple[Trouble, ...]:
    """Return what one incident did to a component, from when it began to when it ended (None while it lasts).

    `shown` is what the page showed from when on, oldest first. The first of it counts from the beginning: people are
    told later than it begins, and an incident that is written down afterwards is told of when it is over.
    """
    starts = [began, *(max(at, began) for at, _ in shown[1:])]
    ends = [*starts[1:], None]
    found = []
    for start, end, (_, status) in zip(starts, ends, shown, strict=True):
        until = min((each for each in (end, ended) if each is not None), default=None)
        if status is not ComponentStatus.OPERATIONAL and (until is None or until > start):
            found.append(Trouble(start, until, status))
    return tuple(found)


def days(known: Iterable[Trouble], *, since: datetime, now: datetime, count: int) -> tuple[Day, ...]:
    """Return the last `count` days up to today, oldest first. Before `since` nothing is known."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    all_of_them, firsts = tuple(known), [midnight - back * _DAY for back in reversed(range(count))]
    return tuple(_day(all_of_them, max(first, since), min(first + _DAY, now), first) for first in firsts)


def uptime(of: Sequence[Day]) -> float | None:
    """Return how much of the known time it worked, in percent (0-100); None when nothing is known."""
    known = sum((day.known for day in of), _NONE)
    if not known:
        return None
    lost = sum((spent * SHARES.get(status, 0.0) / 100 for day in of for status, spent in day.spent.items()), _NONE)
    return 100.0 * (1 - lost / known)


def _day(known: Sequence[Trouble], start: datetime, end: datetime, first: datetime) -> Day:
    if end <= start:
        return Day(first, _NONE, {})
    touching = [each for each in known if each.began < end and (each.ended is None or each.ended > start)]
    edges = {start, end}
    for each in touching:
        edges |= {max(each.began, start), min(each.ended or end, end)}
    spent: dict[ComponentStatus, timedelta] = {}
    for left, right in pairwise(sorted(edges)):
        here = [each.status for each in touching if each.began <= left and (each.ended is None or each.ended >= right)]
        if here:
            worst = max(here, key=_WORST_LAST.index)
            spent[worst] = spent.get(worst, _NONE) + (right - left)
    return Day(first, end - start, spent)
