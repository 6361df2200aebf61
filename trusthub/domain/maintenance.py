"""Planned work: when customers are reminded of it, and what happens when its time is over."""

from collections.abc import Iterable
from datetime import datetime, timedelta

LONGEST = timedelta(days=14)
"""A longer window is a mistake: nobody plans around it."""
_FRESH = 4
"""Who has read of it less than a quarter of the lead ago needs no reminder."""


def check(start: datetime, end: datetime, now: datetime) -> None:
    """Raise ValueError when a window (UTC-aware times) cannot be planned at `now`; the text says what to change."""
    if start <= now:
        raise ValueError("The work has to begin in the future. Give a later time.")
    check_end(start, end, now)


def check_end(start: datetime, end: datetime, now: datetime) -> None:
    """Raise ValueError when work that begins, or began, at `start` cannot end then."""
    if end <= max(start, now):
        raise ValueError("The work has to end after it begins, and in the future. Give a later end.")
    if end - start > LONGEST:
        raise ValueError(f"The work would take more than {LONGEST.days} days. Plan it in parts.")


def reminders(now: datetime, start: datetime, leads: Iterable[timedelta]) -> tuple[datetime, ...]:
    """Return when customers are reminded of work that they hear of now, the first time first."""
    return tuple(sorted(start - lead for lead in set(leads) if start - lead - now >= lead / _FRESH))


def is_due(due: datetime, now: datetime, start: datetime, leads: Iterable[timedelta]) -> bool:
    """Whether the reminder that was set for `due` is still to be sent: no later one has come, nor the work itself."""
    times = {start - lead for lead in leads}
    return due in times and now < start and not any(due < each <= now for each in times)
