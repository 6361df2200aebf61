"""What is still to be reported. It is kept in memory: after a restart the cluster itself is asked again."""

import json
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

log = structlog.get_logger()

LATE = timedelta(minutes=10)
"""What is older addresses no customer anyway."""
MOST = 200
"""Reports of one object that wait."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """One state of one object, as the body to post."""

    uid: str
    attempt: str
    phase: str
    seen_at: datetime
    body: dict[str, Any]

    @property
    def encoded(self) -> bytes:
        return json.dumps(self.body).encode()


class Outbox:
    """A queue in which a newer report takes the place of one that says the same phase of the same attempt."""

    def __init__(self) -> None:
        self._waiting: list[Report] = []
        self._changed = threading.Condition()

    def put(self, report: Report) -> None:
        """Add a report. No phase is lost, and no more than MOST reports of one object wait."""
        with self._changed:
            mine = [one for one in self._waiting if one.uid == report.uid]
            if mine and (mine[-1].attempt, mine[-1].phase) == (report.attempt, report.phase):
                # What the first of them said about the attempt before is said by the last.
                body = {**report.body, "before": mine[-1].body.get("before")}
                both = Report(
                    uid=report.uid, attempt=report.attempt, phase=report.phase, seen_at=report.seen_at, body=body
                )
                self._waiting[self._waiting.index(mine[-1])] = both
            else:
                self._waiting.append(report)
            if len(mine) >= MOST:
                log.error("watch.dropped", attempt=mine[0].attempt, phase=mine[0].phase)
                self._waiting.remove(mine[0])
            self._changed.notify_all()

    def first(self, seconds: float) -> Report | None:
        """Return the oldest report, which stays until it is `done`; None when there is none within `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting), seconds)
            return self._waiting[0] if self._waiting else None

    def done(self, report: Report) -> None:
        """Take out a report, unless a newer one has its place by now."""
        with self._changed:
            self._waiting = [one for one in self._waiting if one is not report]

    def waits(self, uid: str) -> bool:
        """Whether something about this object waits."""
        with self._changed:
            return any(one.uid == uid for one in self._waiting)

    def forget(self, before: datetime) -> None:
        """Leave out what is older than `before`: whoever leads has reported it."""
        with self._changed:
            self._waiting = [one for one in self._waiting if one.seen_at >= before]

    def __len__(self) -> int:
        with self._changed:
            return len(self._waiting)
