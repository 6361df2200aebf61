"""How much a hook takes: refused requests by address, accepted ones only where a connection has a `rate`.

Whoever guesses tokens is slowed down. Whoever sends from the same address with the right secret is not: what is small
enough is verified all the same, and only what is refused counts. Counts are kept in memory, by each process.
"""

import math
import time

from limits import RateLimitItem, RateLimitItemPerMinute, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

REFUSED = RateLimitItemPerMinute(60)
"""Requests of one address that may be refused before the answer is only to wait."""
SMALL = 1024 * 1024
"""Bytes that are still read and verified from an address that has been refused too often."""


class Limits:
    """The counters of one process."""

    def __init__(self) -> None:
        """Start at zero."""
        self._windows = MovingWindowRateLimiter(MemoryStorage())

    def refused(self, address: str) -> int:
        """Count a refused request; return the seconds to wait if there were too many, else 0."""
        return self._hit(REFUSED, "refused", address)

    def exhausted(self, address: str) -> int:
        """Return the seconds to wait if too many requests of an address were refused, else 0. Counts nothing."""
        return 0 if self._windows.test(REFUSED, "refused", address) else self._wait(REFUSED, "refused", address)

    def accepted(self, connection: str, rate: str | None) -> int:
        """Count a request of a connection; return the seconds to wait if that is more than its rate, else 0."""
        return self._hit(parse(rate), "accepted", connection) if rate else 0

    def _hit(self, item: RateLimitItem, *key: str) -> int:
        return 0 if self._windows.hit(item, *key) else self._wait(item, *key)

    def _wait(self, item: RateLimitItem, *key: str) -> int:
        return max(1, math.ceil(self._windows.get_window_stats(item, *key).reset_time - time.time()))
