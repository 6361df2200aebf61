"""What the worker looks after in its rounds, and not in each of them."""

from datetime import datetime, timedelta


class Seldom:
    """Says when it is time to look again: at once, and then after each pause."""

    def __init__(self, pause: timedelta) -> None:
        self._pause = pause
        self._next: datetime | None = None

    def due(self, now: datetime) -> bool:
        """Whether it is time; from then on the next pause runs."""
        if self._next is not None and now < self._next:
            return False
        self._next = now + self._pause
        return True
