"""How fast, and when to try again. Waits after Svix's schedule, shortened: a status message is soon worth less."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from trusthub.errors import DeliveryError

SCHEDULE = (1.0, 5.0, 15.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds before the second, third, ... attempt; the last one repeats."""
JITTER = 0.2
LONGEST_WAIT = 900.0
"""Seconds. A provider's Retry-After is obeyed up to here, so that one header cannot silence us for a day."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the hub keeps on."""

    give_up: timedelta = timedelta(hours=1)
    """After this long without success a delivery is dead: it is shown, and a person can send it again."""
    doubt: timedelta = timedelta(minutes=2)
    """How long to ask a provider whether it has a message, before it is sent a second time."""


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Pace:
    """What a destination takes: `burst` messages at once, and one more after each `interval`. A token bucket."""

    burst: int
    interval: timedelta

    def spend(self, full_at: datetime | None, now: datetime) -> tuple[datetime, datetime]:
        """Take a token from a bucket that is full at `full_at`.

        Return when the bucket is full again, and when the next token is there.
        """
        full = max(full_at or now, now) + self.interval
        return full, max(now, full - (self.burst - 1) * self.interval)


def next_attempt(
    error: DeliveryError, attempt: int, first: datetime, now: datetime, rng: Random, patience: Patience = PATIENCE
) -> datetime | None:
    """Return when to try again after the failed attempt number `attempt` (from 1), or None when it is hopeless."""
    if error.permanent or now - first >= patience.give_up:
        return None
    wait = SCHEDULE[min(attempt, len(SCHEDULE)) - 1] * rng.uniform(1 - JITTER, 1 + JITTER)
    if error.retry_after is not None:
        wait = max(wait, retry_after(error))
    return now + timedelta(seconds=wait)


def retry_after(error: DeliveryError) -> float:
    """Return the seconds that a provider asked us to wait, as far as that is obeyed."""
    return min(error.retry_after or 0.0, LONGEST_WAIT)
