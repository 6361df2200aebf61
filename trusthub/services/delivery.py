"""The worker: claims deliveries, sends them without holding a transaction, and records how that went."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from trusthub.channels.base import Channel
from trusthub.domain.pacing import PATIENCE, Patience
from trusthub.services import recipients, timers
from trusthub.services.hub import Hub
from trusthub.services.sending import Sender
from trusthub.store import holds, leases, outbox, presence
from trusthub.store.leases import LEASE
from trusthub.store.outbox import Claimed, Outcome, channel_of
from trusthub.store.presence import Presence

log = structlog.get_logger()

SHARE = 8
"""Messages that one worker has under way at once through one channel. Each channel has as many, whatever the others
do: a provider that hangs holds up nobody else."""
RISKY = SHARE // 2
"""Of these for destinations that failed last: dead ones, waiting for their timeouts, leave room for the others."""
_HANDFUL = 4
"""Lanes to claim at once, so that one channel does not get far above its share."""
_LOOK = 0.02
"""Seconds between looks for work that another process committed."""
_ROUND = 0.7
"""Seconds between rounds: leases are renewed, and those that nobody knows any more end in the second round."""
_PAUSE = 0.5
"""Seconds to wait when the database does not answer."""


class Worker:
    """Sends what the outbox holds, in one thread that claims and several that send."""

    def __init__(
        self,
        hub: Hub,
        channels: Mapping[str, Channel],
        *,
        patience: Patience = PATIENCE,
        housekeeping: Callable[[], None] = lambda: None,
        seed: int | None = None,
    ) -> None:
        """Prepare a worker; `run` starts it.

        `housekeeping` is called about once a second; `seed` makes the jitter of tests exact.
        """
        self._housekeeping = housekeeping
        self._hub = hub
        self._sender = Sender(hub, channels, patience, random.Random(seed))  # noqa: S311 -- jitter, not a secret
        self._name = ""
        self._wake, self._stop = threading.Event(), threading.Event()
        self._most = SHARE * max(len(channels), 1)
        self._pool = ThreadPoolExecutor(self._most, thread_name_prefix="send")
        self._under_way: dict[int, Claimed] = {}
        self._heard = -1
        self._due: datetime | None = hub.clock()
        self._round, self._lost = 0.0, set[str]()
        hub.database.on_commit(self._wake.set)

    def run(self, *, alive: Callable[[], bool] = lambda: True) -> None:
        """Work until `stop` is called or `alive` says no; then finish what is under way and return its lanes."""
        self._name = presence.new_name()
        while not self._stop.is_set() and alive():
            try:
                with presence.join(self._hub.database, self._name) as others:
                    self._work(others, alive)
            except (SQLAlchemyError, OSError) as error:
                log.warning("worker.database", error=type(error).__name__)
                self._stop.wait(_PAUSE)
        self.stop()
        self._pool.shutdown(wait=True)
        self._hub.traces.flush()

    def stop(self) -> None:
        """Ask the worker to stop after what it is sending now."""
        self._stop.set()
        self._wake.set()

    def step(self) -> int:
        """Hand due deliveries to the senders and fire due timers; return how much there was."""
        now = self._hub.clock()
        with self._hub.database.reading() as session:
            lane = outbox.next_due(session, now, busy=self._busy(), wary=self._wary())
            timer = timers.next_due(session)
        count = self._begin(now) if lane and lane <= now else 0
        if timer and timer <= now:
            count += timers.fire(self._hub, now)
        self._due = now if count else min(filter(None, (lane, timer)), default=None)
        return count

    def drain(self) -> int:
        """Send everything that is due now, one by one, in this thread; return how many. For tests and commands."""
        count = 0
        while timers.fire(self._hub, self._hub.clock()):
            pass
        while claimed := self._claim(self._hub.clock(), 1):
            count += self._deliver(claimed[0])
        return count

    def _work(self, others: Presence, alive: Callable[[], bool]) -> None:
        while not self._stop.is_set() and alive():
            try:
                if time.monotonic() >= self._round:
                    self._make_rounds(others)
                    self._housekeeping()
                busy = self._something_new(others) and self.step()
            except SQLAlchemyError:
                raise
            except Exception:  # a timer or a page that fails must not stop deliveries
                log.exception("worker.crashed")
                self._stop.wait(_PAUSE)
            else:
                if not busy:
                    self._wake.wait(_LOOK)
        self.stop()
        self._pool.shutdown(wait=True)  # while others still see us: the lanes under way stay ours

    def _something_new(self, others: Presence) -> bool:
        changes = others.changes()
        due = self._due is not None and self._due <= self._hub.clock()
        if not due and changes == self._heard and not self._wake.is_set():
            return False
        self._heard = changes
        self._wake.clear()  # before looking: what is committed from now on wakes us again
        return True

    def _make_rounds(self, others: Presence) -> None:
        """Renew the leases of what is still being sent, and end those of which nobody knows any more.

        They must be found twice: a worker that lost its connection comes back, and a fresh claim takes a moment.
        """
        self._round = time.monotonic() + _ROUND
        now = self._due = self._hub.clock()
        with self._hub.database.reading() as session:
            tokens = leases.leases(session, now)
        under_way = self._under_way.copy().values()
        known = {each.token for each in under_way}
        living = {name for name in map(leases.owner_of, tokens) if name not in {"", self._name} and others.lives(name)}
        lost = {token for token in tokens - known if leases.owner_of(token) not in {"", *living}}
        slow = [each for each in under_way if each.until - LEASE * 2 / 3 < now]
        gone, self._lost = lost & self._lost, lost
        if gone or slow:
            with self._hub.database.transaction() as session:
                leases.release(session, gone, now)
                leases.renew(session, {each.token for each in slow}, now)
        for each in slow:
            each.until = now + LEASE

    def _begin(self, now: datetime) -> int:
        """Claim as much as there are free senders, and hand it to them."""
        free = min(self._most - len(self._under_way), _HANDFUL)
        claimed = self._claim(now, free) if free else []
        for each in claimed:
            self._under_way[each.attempt_id] = each
            self._pool.submit(self._deliver, each)
        return len(claimed)

    def _claim(self, now: datetime, limit: int) -> list[Claimed]:
        with self._hub.database.transaction() as session:
            return outbox.claim(session, now, limit, owner=self._name, busy=self._busy(), wary=self._wary())

    def _busy(self, *, but: int | None = None) -> list[str]:
        """Return the channels that have their share of the senders, not counting the sender of ticket `but`."""
        return self._crowded(SHARE, [each for ticket, each in self._under_way.copy().items() if ticket != but])

    def _wary(self, *, but: int | None = None) -> list[str]:
        """Return the channels in which enough senders try destinations that failed last."""
        under_way = self._under_way.copy().items()
        return self._crowded(RISKY, [each for ticket, each in under_way if ticket != but and each.fails])

    def _crowded(self, most: int, under_way: list[Claimed]) -> list[str]:
        count = Counter(channel_of(each.delivery.lane) for each in under_way)
        return [channel for channel, number in count.items() if number >= most]

    def _deliver(self, first: Claimed) -> int:
        """Send a message, then what is due next for as long as there is something; return how many."""
        count, ticket, claimed = 0, first.attempt_id, [first]
        try:
            while claimed:
                self._under_way[ticket] = claimed[0]
                claimed = self._settle(claimed[0], self._sender.attempt(claimed[0]), ticket)
                count += 1
        finally:
            self._under_way.pop(ticket, None)
            self._wake.set()
        return count

    def _settle(self, done: Claimed, outcome: Outcome, ticket: int) -> list[Claimed]:
        """Record the outcome, and claim what is due next in the same transaction: one commit for each message.

        While the database is away it tries again for as long as the lease lasts. After that, whoever takes the lane
        next finds the open attempt and says so.
        """
        busy, wary = self._busy(but=ticket), self._wary(but=ticket)
        until = time.monotonic() + LEASE.total_seconds()
        while time.monotonic() < until:
            try:
                now = self._hub.clock()
                with self._hub.database.transaction() as session:
                    self._record(session, done, outcome, now)
                    if self._stop.is_set():
                        return []
                    return outbox.claim(session, now, 1, owner=self._name, busy=busy, wary=wary)
            except SQLAlchemyError as error:
                log.warning("delivery.unsettled", delivery_id=done.delivery.id, error=type(error).__name__)
                time.sleep(_PAUSE)
        return []

    def _record(self, session: Session, done: Claimed, outcome: Outcome, now: datetime) -> None:
        delivery = done.delivery
        if outcome.became is not None:
            recipients.settle(session, delivery.id, outcome.became)
        if outbox.settle(session, done, now, outcome, self._sender.pace(delivery.lane)):
            if outcome.hold is not None:
                holds.wait(session, channel_of(delivery.lane), outcome.hold)
            return
        log.warning("delivery.lease_lost", delivery_id=delivery.id, sent=outcome.sent)
        if outcome.asked and (outcome.sent or outcome.ambiguous):
            outbox.sent_late(session, done, now, outcome.ref)
