"""What we can say about when somebody will answer: how long first answers took lately, and who waits already."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

LATELY = timedelta(days=30)
LEAST = 5
"""First answers below which nothing can be said."""
_STEPS = tuple(timedelta(minutes=each) for each in (5, 10, 15, 30, 60, 120, 240, 480, 720, 1440))


@dataclass(frozen=True, slots=True)
class ReplyTime:
    """Half of the last `count` first answers came within `within`."""

    within: timedelta
    count: int


def reply_time(took: Sequence[timedelta], longest_wait: timedelta | None = None) -> ReplyTime | None:
    """Return what to tell somebody who has just written; None when nothing honest can be said.

    `took` are the first answers of the last 30 days; `longest_wait` is how long the one who waits longest has waited.
    When that is longer than half of the answers took, the queue is slower than its past: then the past says nothing.
    The time is rounded up, and a time of more than a day is no news to anybody.
    """
    if len(took) < LEAST:
        return None
    half = timedelta(seconds=median(each.total_seconds() for each in took))
    within = next((step for step in _STEPS if half <= step), None)
    if within is None or (longest_wait is not None and longest_wait > within):
        return None
    return ReplyTime(within, len(took))
