"""When to try again. Numbers after Svix's schedule, shortened because a status message is only worth so much later."""

from datetime import datetime, timedelta
from random import Random

from trusthub.errors import DeliveryError

SCHEDULE = (1.0, 5.0, 15.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds before the second, third, ... attempt; the last one repeats."""
JITTER = 0.2
GIVE_UP = timedelta(hours=1)
"""After this long without success a delivery is dead: it is shown, and a person can send it again."""
LONGEST_WAIT = 900.0
"""Seconds. A provider's Retry-After is obeyed up to here, so that one header cannot silence us for a day."""


def next_attempt(error: DeliveryError, attempt: int, first: datetime, now: datetime, rng: Random) -> datetime | None:
    """Return when to try again after the failed attempt number `attempt` (from 1), or None when it is hopeless."""
    if error.permanent or now - first >= GIVE_UP:
        return None
    wait = SCHEDULE[min(attempt, len(SCHEDULE)) - 1] * rng.uniform(1 - JITTER, 1 + JITTER)
    if error.retry_after is not None:
        wait = max(wait, min(error.retry_after, LONGEST_WAIT))
    return now + timedelta(seconds=wait)
