"""Slack on loopback, which notes when each message came."""

import time

from tests.providers import Slack
from tests.providers.http import Answer, Call


class Provider(Slack):
    """Remembers the moment of each call, on the clock that the benchmarks use."""

    def __init__(self) -> None:
        super().__init__()
        self.came: list[tuple[float, str]] = []
        """When, and the text."""

    def take(self, call: Call) -> tuple[Answer, bool]:
        self.came.append((time.perf_counter(), str(call.body.get("text", ""))))
        return super().take(call)

    def wait_until(self, count: int, seconds: float = 30.0) -> None:
        """Wait until so many calls came."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.came) >= count, seconds):
                raise AssertionError(f"{len(self.came)} of {count} messages came within {seconds} s")
