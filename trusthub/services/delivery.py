"""The worker: claims deliveries, sends them without holding a transaction, and records how that went."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from trusthub.channels.base import Channel, Outbound, Receipt
from trusthub.domain.message import Button, Rendered
from trusthub.domain.pacing import next_attempt
from trusthub.errors import DeliveryError
from trusthub.rendering import markdown
from trusthub.rendering.markdown import Footer
from trusthub.services import timers
from trusthub.services.hub import Hub
from trusthub.store import outbox
from trusthub.store.outbox import Claimed

log = structlog.get_logger()

SENDERS = 8
"""Messages under way at once. Providers answer in tens of milliseconds; more threads would only wait."""
_LOOK = 0.05
"""Seconds between looks for work that another process committed."""
_PAUSE = 1.0
"""Seconds to wait when the database does not answer."""


class Worker:
    """Sends what the outbox holds, in one thread that claims and several that send."""

    def __init__(
        self,
        hub: Hub,
        channels: Mapping[str, Channel],
        *,
        seed: int | None = None,
    ) -> None:
        """Prepare a worker; `run` starts it. `seed` makes the jitter of tests exact."""
        self._hub, self._channels = hub, channels
        self._random = random.Random(seed)  # noqa: S311 -- jitter, not a secret
        self._wake, self._stop = threading.Event(), threading.Event()
        self._free = threading.Semaphore(SENDERS)
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="send")
        hub.database.on_commit(self._wake.set)

    def run(self, *, alive: Callable[[], bool] = lambda: True) -> None:
        """Work until `stop` is called or `alive` says no; then finish what is under way and return its lanes."""
        seen = -1
        while not self._stop.is_set() and alive():
            try:
                busy = self.step()
                changes = self._hub.database.changes()
            except SQLAlchemyError as error:
                log.warning("worker.database", error=type(error).__name__)
                self._stop.wait(_PAUSE)
                continue
            if not busy and changes == seen:
                self._wake.wait(_LOOK)
            self._wake.clear()
            seen = changes
        self._pool.shutdown(wait=True)

    def stop(self) -> None:
        """Ask the worker to stop after what it is sending now."""
        self._stop.set()
        self._wake.set()

    def step(self) -> int:
        """Fire due timers and hand due deliveries to the senders; return how much there was."""
        fired = timers.fire(self._hub, self._hub.clock())
        return fired + len([self._pool.submit(self._deliver, claimed) for claimed in self._claim()])

    def drain(self) -> int:
        """Send everything that is due now, one by one, in this thread; return how many. For tests and commands."""
        count = 0
        while timers.fire(self._hub, self._hub.clock()):
            pass
        while claimed := self._claim(limit=1):
            self._deliver(claimed[0])
            count += 1
        return count

    def _claim(self, limit: int = SENDERS) -> list[Claimed]:
        now = self._hub.clock()
        with self._hub.database.reading() as session:
            due = outbox.next_due(session)
        if due is None or due > now:
            return []
        free = 0
        while free < limit and self._free.acquire(blocking=False):
            free += 1
        claimed: list[Claimed] = []
        try:
            if free:
                with self._hub.database.transaction() as session:
                    claimed = outbox.claim(session, now, free)
        finally:
            for _ in range(free - len(claimed)):
                self._free.release()
        return claimed

    def _deliver(self, claimed: Claimed) -> None:
        try:
            outcome, retry_at = self._send(claimed)
            with self._hub.database.transaction() as session:
                held = outbox.settle(session, claimed, self._hub.clock(), retry_at=retry_at, **outcome)
            if not held:
                log.warning("delivery.lease_lost", delivery_id=claimed.delivery.id)
        except SQLAlchemyError as error:
            # The lease runs out, and whoever takes the lane next finds the open attempt and says so.
            log.warning("delivery.unsettled", delivery_id=claimed.delivery.id, error=type(error).__name__)
        finally:
            self._free.release()
            self._wake.set()

    def _send(self, claimed: Claimed) -> tuple[dict[str, Any], datetime | None]:
        """Call the channel once; return the columns to set and when to try again."""
        delivery = claimed.delivery
        channel = self._channels[delivery.lane.partition(":")[0]]
        started = time.monotonic()
        try:
            receipt = channel.send(outbound(self._hub, claimed))
        except DeliveryError as error:
            return self._failed(claimed, error)
        except Exception as error:  # a bug in a channel must not stop the others, nor lose the message
            log.exception("delivery.crashed", delivery_id=delivery.id, lane=delivery.lane)
            return self._failed(claimed, DeliveryError(f"{type(error).__name__} inside the channel", ambiguous=True))
        log.info(
            "delivery.sent",
            delivery_id=delivery.id,
            lane=_hidden(delivery.lane),
            moment=delivery.moment,
            seconds=round(time.monotonic() - started, 3),
        )
        return self._done(receipt), None

    def _done(self, receipt: Receipt) -> dict[str, Any]:
        return {
            "state": "done",
            "provider_ref": receipt.ref,
            "status": receipt.status,
            "last_error": "",
            "done_at": self._hub.clock(),
        }

    def _failed(self, claimed: Claimed, error: DeliveryError) -> tuple[dict[str, Any], datetime | None]:
        delivery, now = claimed.delivery, self._hub.clock()
        again = next_attempt(error, delivery.attempts, delivery.first_attempt_at or now, now, self._random)
        log.warning(
            "delivery.failed",
            delivery_id=delivery.id,
            lane=_hidden(delivery.lane),
            error=str(error),
            retry_at=again.isoformat() if again else None,
        )
        columns = {
            "state": "pending" if again else "dead",
            "last_error": str(error),
            "status": error.status,
            "ambiguous": delivery.ambiguous or error.ambiguous,
        }
        return columns, again


def outbound(hub: Hub, claimed: Claimed) -> Outbound:
    """Give a frozen message every shape that a channel may need."""
    delivery, frozen = claimed.delivery, claimed.delivery.payload
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
        key=delivery.key,
        to=frozen["to"],
        subject=rendered.subject,
        text=markdown.to_email_text(hub.configuration.templates, rendered, footer),
        html=markdown.to_email(hub.configuration.templates, rendered, footer),
        slack=markdown.to_slack(rendered.slack or rendered.body),
        buttons=buttons,
        conversation=delivery.conversation,
        parent=claimed.parent,
        edit=frozen.get("edit", False),
        broadcast=frozen.get("broadcast", False),
        unsubscribe_url=unsubscribe,
        arguments={"delivery": str(delivery.id), "moment": delivery.moment},
    )


def _hidden(lane: str) -> str:
    """Keep customers' addresses out of the log."""
    channel, _, to = lane.partition(":")
    return lane if channel != "email" else f"email:*@{to.rpartition('@')[2]}"
