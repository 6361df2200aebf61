"""A whole watch: a follower for each kind and namespace, a lease if there is one, and the reporter."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from trusthub.services.watch import follow
from trusthub.services.watch import lease as leases
from trusthub.services.watch.book import Book
from trusthub.services.watch.outbox import Outbox, Report
from trusthub.services.watch.report import Answer, Reporter
from trusthub.services.watch.resources import DEPLOYMENTS, MANAGERS, Missing

_MANAGERS_WAIT = 60.0
"""Seconds that Deployments wait for the kinds that may claim them."""


class Api(follow.Api, leases.Api, Protocol):
    """A cluster."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to follow, and how."""

    environment: str | None = None
    namespaces: Sequence[str] = ()
    """None means all."""
    selector: str | None = None
    lease: tuple[str, str] | None = None
    """Namespace and name, when several run."""
    identity: str = ""
    duration: int = leases.DURATION
    """Seconds after which the lease may be taken."""
    stream: int = follow.STREAM
    absent: float = follow.ABSENT


def _now() -> datetime:
    return datetime.now(UTC)


class Watch:
    """Everything that runs in one process."""

    def __init__(
        self,
        api: Api,
        post: Callable[[Report], Answer],
        options: Options,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.outbox = Outbox()
        self.book = Book(self.outbox, api.get, clock, options.environment)
        self._options, self._stop = options, threading.Event()
        self._managers, self._deployments = (
            [
                follow.Follower(
                    api,
                    self.book,
                    kind,
                    namespace=namespace,
                    selector=options.selector,
                    stream=options.stream,
                    absent=options.absent,
                )
                for kind in kinds
                for namespace in options.namespaces or (None,)
            ]
            for kinds in (MANAGERS, (DEPLOYMENTS,))
        )
        place = options.lease
        self._lease = leases.Lease(api, place, options.identity, duration=options.duration) if place else None
        self._reporter = Reporter(post, self.outbox, self._leads, clock)

    def once(self) -> tuple[list[Report], list[str], Answer]:
        """List and report everything once.

        Return what is there, the kinds that are not installed, and the hub's answer. Raises Unreachable.
        """
        absent: dict[str, None] = {}
        for follower in (*self._managers, *self._deployments):
            try:
                follower.list()
            except Missing:
                absent[follower.resource.kind] = None
        return self.book.reports(), list(absent), self._reporter.flush()

    def run(self) -> None:
        """Follow and report until `stop`. What waits for the hub then is told again by the list of the next start."""
        threads = [threading.Thread(target=one.run, args=(self._stop,), daemon=True) for one in self._managers]
        threads += [
            threading.Thread(target=self._after_managers, args=(one,), daemon=True) for one in self._deployments
        ]
        threads += [threading.Thread(target=self._contend, daemon=True)] if self._lease else []
        for thread in threads:  # daemons: a stream that is silent must not hold up the end
            thread.start()
        self._reporter.run(self._stop, self.book.retell if self._lease else lambda: None)
        if self._lease:
            self._lease.release()

    def stop(self) -> None:
        """End `run` soon. May be called from a signal."""
        self._stop.set()

    def _leads(self) -> bool:
        return self._lease is None or self._lease.held

    def _after_managers(self, follower: follow.Follower) -> None:
        for manager in self._managers:
            manager.listed.wait(_MANAGERS_WAIT)
        follower.run(self._stop)

    def _contend(self) -> None:
        while self._lease and not self._stop.is_set():
            self._lease.contend()
            self._stop.wait(min(leases.RENEW, self._options.duration / 5))
