"""Posting reports to the hub's hook until it has accepted them."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
import urllib3

from trusthub.services.watch.follow import pause
from trusthub.services.watch.outbox import LATE, Outbox, Report

log = structlog.get_logger()

_TIMEOUT = 10.0
_IDLE = 0.2
"""Seconds after which somebody who does not lead, or has nothing to report, looks again."""
_ACCEPTED = 200
_UNREADABLE = frozenset({400, 413})
"""Answers that would be the same the next time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hub said to one report; status 0 when it could not be asked."""

    status: int
    words: str = ""
    wait: float = 0.0

    @property
    def accepted(self) -> bool:
        return self.status == _ACCEPTED


class Hub:
    """The hook of a hub. Redirects are not followed: they would carry the token elsewhere."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._pool = url, urllib3.PoolManager(retries=False, timeout=_TIMEOUT)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def post(self, report: Report) -> Answer:
        """Send one report."""
        headers = {**self._headers, "Content-Type": "application/json", "User-Agent": "trusthub"}
        try:
            answer = self._pool.request("POST", self._url, body=report.encoded, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            return Answer(0, f"The hub cannot be reached ({type(error).__name__}).")
        wait = answer.headers.get("Retry-After", "")
        return Answer(answer.status, _words(answer.data), float(wait) if wait.isdigit() else 0.0)


class Reporter:
    """Takes reports from the outbox while it leads."""

    def __init__(
        self, post: Callable[[Report], Answer], outbox: Outbox, leads: Callable[[], bool], clock: Callable[[], datetime]
    ) -> None:
        self._post, self._outbox, self._leads, self._clock = post, outbox, leads, clock
        self._said = ""

    def run(self, stop: threading.Event, took_over: Callable[[], None]) -> None:
        """Report until `stop` is set. `took_over` is called each time that we begin to lead."""
        led, failures = False, 0
        while not stop.is_set():
            leads = self._leads()
            if leads and not led:
                took_over()
            led = leads
            if not leads:
                self._outbox.forget(self._clock() - LATE)
                stop.wait(_IDLE)
                continue
            report = self._outbox.first(_IDLE)
            if report is not None and self._leads():
                wait = self._send(report, failures)
                failures = failures + 1 if wait else 0
                stop.wait(wait)

    def flush(self) -> Answer:
        """Report everything there is now; return the first answer that is no yes, else the last."""
        answer = Answer(_ACCEPTED)
        while (report := self._outbox.first(0)) is not None:
            answer = self._post(report)
            if not answer.accepted:
                return answer
            self._outbox.done(report)
        return answer

    def _send(self, report: Report, failures: int) -> float:
        """Send a report; return for how many seconds to wait before the next try, 0 when it is done."""
        answer = self._post(report)
        if answer.accepted or answer.status in _UNREADABLE:
            if not answer.accepted:
                log.error("watch.refused", attempt=report.attempt, phase=report.phase, reason=answer.words)
            self._outbox.done(report)
            self._said = ""
            return 0.0
        words = f"HTTP {answer.status} {answer.words}" if answer.status else answer.words
        if words != self._said:
            log.warning("watch.hub", reason=words, waiting=len(self._outbox))
        self._said = words
        return max(answer.wait, pause(failures))


def _words(body: bytes) -> str:
    try:
        return str(json.loads(body).get("error", ""))
    except (ValueError, AttributeError):
        return ""
