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

from trusthub.channels.base import Channel, Outbound
from trusthub.domain.message import Button, Rendered
from trusthub.domain.pacing import next_attempt
from trusthub.errors import DeliveryError
from trusthub.rendering import markdown
from trusthub.rendering.markdown import Footer
from trusthub.services import shapes, timers
from trusthub.services.hub import Hub
from trusthub.store import outbox, presence
from trusthub.store.outbox import Claimed, Outcome, channel_of
from trusthub.store.presence import Presence

log = structlog.get_logger()

SENDERS = 16
"""Messages under way at once. Providers answer in tens of milliseconds; more threads would only wait."""
SHARE = 8
"""Of these for one channel: a provider that hangs must not hold up the others, least of all the page."""
_HANDFUL = 4
"""Lanes to claim at once, so that one channel does not get far above its share."""
_LOOK = 0.05
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
        housekeeping: Callable[[], None] = lambda: None,
        seed: int | None = None,
    ) -> None:
        """Prepare a worker; `run` starts it.

        `housekeeping` is called about once a second; `seed` makes the jitter of tests exact.
        """
        self._housekeeping = housekeeping
        self._hub, self._channels = hub, channels
        self._random = random.Random(seed)  # noqa: S311 -- jitter, not a secret
        self._name = ""
        self._wake, self._stop = threading.Event(), threading.Event()
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="send")
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

    def stop(self) -> None:
        """Ask the worker to stop after what it is sending now."""
        self._stop.set()
        self._wake.set()

    def step(self) -> int:
        """Hand due deliveries to the senders and fire due timers; return how much there was."""
        now = self._hub.clock()
        with self._hub.database.reading() as session:
            lane, timer = outbox.next_due(session, busy=self._busy()), timers.next_due(session)
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
            tokens = outbox.leases(session, now)
        under_way = self._under_way.copy().values()
        known = {each.token for each in under_way}
        living = {name for name in map(outbox.owner_of, tokens) if name not in {"", self._name} and others.lives(name)}
        lost = {token for token in tokens - known if outbox.owner_of(token) not in {"", *living}}
        slow = {each.token for each in under_way if each.since + outbox.LEASE / 3 < now}
        gone, self._lost = lost & self._lost, lost
        if gone or slow:
            with self._hub.database.transaction() as session:
                outbox.release(session, gone, now)
                outbox.renew(session, slow, now)

    def _begin(self, now: datetime) -> int:
        """Claim as much as there are free senders, and hand it to them."""
        free = min(SENDERS - len(self._under_way), _HANDFUL)
        claimed = self._claim(now, free) if free else []
        for each in claimed:
            self._under_way[each.attempt_id] = each
            self._pool.submit(self._deliver, each)
        return len(claimed)

    def _claim(self, now: datetime, limit: int) -> list[Claimed]:
        with self._hub.database.transaction() as session:
            return outbox.claim(session, now, limit, owner=self._name, busy=self._busy())

    def _busy(self, *, but: int | None = None) -> list[str]:
        """Return the channels that have their share of the senders, not counting the sender of ticket `but`."""
        lanes = [each.delivery.lane for ticket, each in self._under_way.copy().items() if ticket != but]
        return [channel for channel, count in Counter(map(channel_of, lanes)).items() if count >= SHARE]

    def _deliver(self, first: Claimed) -> int:
        """Send a message, then what is due next for as long as there is something; return how many."""
        count, ticket, claimed = 0, first.attempt_id, [first]
        try:
            while claimed:
                self._under_way[ticket] = claimed[0]
                claimed = self._settle(claimed[0], self._send(claimed[0]), self._busy(but=ticket))
                count += 1
        finally:
            self._under_way.pop(ticket, None)
            self._wake.set()
        return count

    def _settle(self, done: Claimed, outcome: Outcome, busy: list[str]) -> list[Claimed]:
        """Record the outcome, and claim what is due next in the same transaction: one commit for each message.

        While the database is away it tries again for as long as the lease lasts. After that, whoever takes the lane
        next finds the open attempt and says so.
        """
        until = time.monotonic() + outbox.LEASE.total_seconds()
        while time.monotonic() < until:
            try:
                now = self._hub.clock()
                with self._hub.database.transaction() as session:
                    held = outbox.settle(session, done, now, outcome)
                    more = [] if self._stop.is_set() else outbox.claim(session, now, 1, owner=self._name, busy=busy)
            except SQLAlchemyError as error:
                log.warning("delivery.unsettled", delivery_id=done.delivery.id, error=type(error).__name__)
                time.sleep(_PAUSE)
            else:
                if not held:
                    log.warning("delivery.lease_lost", delivery_id=done.delivery.id)
                return more
        return []

    def _send(self, claimed: Claimed) -> Outcome:
        """Call the channel once."""
        delivery, started, sending = claimed.delivery, time.monotonic(), False
        try:
            channel, message = self._channel(delivery.lane), outbound(self._hub, claimed)
            sending = True
            receipt = channel.send(message)
        except DeliveryError as error:
            return self._failed(claimed, error)
        except Exception as error:  # a bug in a channel must not stop the others, nor lose the message
            log.exception("delivery.crashed", delivery_id=delivery.id, lane=_hidden(delivery.lane))
            return self._failed(claimed, DeliveryError(f"{type(error).__name__} inside the hub", ambiguous=sending))
        log.info(
            "delivery.sent",
            delivery_id=delivery.id,
            lane=_hidden(delivery.lane),
            moment=delivery.moment,
            seconds=round(time.monotonic() - started, 3),
        )
        leads = receipt.ref is not None and (claimed.parent is None or receipt.anew)
        return Outcome(sent=True, status=receipt.status, words=receipt.note, ref=receipt.ref, leads=leads)

    def _channel(self, lane: str) -> Channel:
        name = channel_of(lane)
        if name not in self._channels:
            raise DeliveryError(f"This version has no channel {name!r}.")
        return self._channels[name]

    def _failed(self, claimed: Claimed, error: DeliveryError) -> Outcome:
        delivery, now = claimed.delivery, self._hub.clock()
        again = next_attempt(error, delivery.attempts, delivery.first_attempt_at or now, now, self._random)
        words = str(error).replace(delivery.payload["to"], "the address")  # errors are kept longer than addresses
        log.warning(
            "delivery.failed",
            delivery_id=delivery.id,
            lane=_hidden(delivery.lane),
            error=words,
            retry_at=again.isoformat() if again else None,
        )
        return Outcome(sent=False, retry_at=again, status=error.status, words=words, ambiguous=error.ambiguous)


def outbound(hub: Hub, claimed: Claimed) -> Outbound:
    """Give a frozen message the shapes that its channel may need; each takes longer to make than to store."""
    delivery, frozen = claimed.delivery, claimed.delivery.payload
    if (channel := channel_of(delivery.lane)) in shapes.PLAIN:
        return shapes.plain(hub, claimed)
    mail, chat = channel != "slack", channel != "email"
    buttons = tuple(Button(**button) for button in frozen["buttons"])
    rendered = Rendered(subject=frozen["subject"], body=frozen["body"], slack=frozen["slack"], buttons=buttons)
    token = frozen.get("unsubscribe")
    unsubscribe = f"{hub.base_url}/subscriptions/{token}" if token else None
    footer = Footer(
        page=hub.page.name,
        page_url=hub.page.url,
        why=frozen.get("why", "you asked for news"),
        answer_url=frozen.get("answer_url"),
        unsubscribe_url=unsubscribe,
    )
    return Outbound(
        key=f"{delivery.key}@{hub.tokens.key_id}",  # two hubs may share a sender or a workspace
        to=frozen["to"],
        subject=rendered.subject,
        text=markdown.to_email_text(hub.configuration.templates, rendered, footer) if mail else "",
        html=markdown.to_email(hub.configuration.templates, rendered, footer) if mail else "",
        slack=markdown.to_slack(rendered.slack or rendered.body) if chat else "",
        buttons=buttons,
        conversation=delivery.conversation,
        parent=claimed.parent,
        edit=frozen.get("edit", False),
        broadcast=frozen.get("broadcast", False),
        promise=frozen.get("promise", ""),
        unsubscribe_url=unsubscribe,
        arguments={
            **frozen.get("arguments", {}),
            "delivery": str(delivery.id),
            "moment": delivery.moment,
            "hub": hub.tokens.key_id,
        },
    )


def _hidden(lane: str) -> str:
    """Keep customers' addresses out of the log."""
    return lane if channel_of(lane) != "email" or "@" not in lane else f"email:*@{lane.rpartition('@')[2]}"
