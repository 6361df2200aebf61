"""A worker with the real channels, loopback providers, and a clock that the test moves."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from tests.e2e.house import START, Clock, house
from tests.providers import SendGrid, Slack
from trusthub.channels import mail
from trusthub.channels.base import Channel, Outbound, Receipt
from trusthub.channels.sendgrid import SendGrid as SendGridChannel
from trusthub.channels.slack import Slack as SlackChannel
from trusthub.domain.message import Rendered
from trusthub.services import announce
from trusthub.services.delivery import Worker
from trusthub.services.hub import Hub
from trusthub.store import outbox
from trusthub.store.session import Database
from trusthub.store.tables import Attempt, Delivery, Lane

SLACK_TOKEN, SENDGRID_KEY = "xoxb-very-secret", "SG.very-secret"
PATIENCE = 0.3
"""Seconds that a provider has to answer here."""


@dataclass
class Office:
    """A worker, what it works with, and where its messages arrive."""

    hub: Hub
    worker: Worker
    slack: Slack
    sendgrid: SendGrid
    clock: Clock
    channels: dict[str, Channel]

    @property
    def database(self) -> Database:
        return self.hub.database

    def enqueue(self, *lanes: str, **more: Any) -> list[int]:
        """Put one message for each lane into the outbox, in one transaction; return their ids."""
        made = [message(self.clock(), lane, number, **more) for number, lane in enumerate(lanes)]
        with self.database.transaction() as session:
            outbox.enqueue(session, made, self.clock())
            return [delivery.id for delivery in made]

    def delivery(self, number: int) -> Delivery:
        with self.database.reading() as session:
            return session.get_one(Delivery, number)

    def due(self, lane: str) -> datetime | None:
        with self.database.reading() as session:
            return session.get_one(Lane, lane).due

    def outcomes(self, number: int) -> list[str | None]:
        """How the attempts at a delivery ended, in order."""
        mine = sa.select(col(Attempt.outcome)).where(col(Attempt.delivery_id) == number).order_by(col(Attempt.id))
        with self.database.reading() as session:
            return list(session.execute(mine).scalars())

    def states(self) -> dict[str, int]:
        """How many deliveries are in each state."""
        with self.database.reading() as session:
            states = session.execute(sa.select(col(Delivery.state))).scalars().all()
        return {state: states.count(state) for state in set(states)}

    @contextmanager
    def working(self, worker: Worker | None = None) -> Iterator[threading.Thread]:
        """Run the worker in a thread until the end of the block."""
        working = worker or self.worker
        thread = threading.Thread(target=working.run)
        thread.start()
        try:
            yield thread
        finally:
            working.stop()
            thread.join(30)
            assert not thread.is_alive()


class Blocked:
    """A channel whose provider does not answer until it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Semaphore(0), threading.Event()

    def send(self, outbound: Outbound) -> Receipt:
        self.begun.release()
        assert self.go.wait(30)
        return Receipt(ref=f"sent-{outbound.key}")


def message(now: datetime, lane: str, number: int, **more: Any) -> Delivery:
    words = Rendered(subject="Checkout: going back", body=f"Message {number}.", slack=None, buttons=())
    values = {"key": f"{lane}/{time.monotonic_ns()}/{number}", "moment": "rollback.started", "created_at": now}
    to = lane.partition(":")[2]
    return Delivery(lane=lane, **{**values, "payload": announce.payload(words, to), **more})


@contextmanager
def office(database_url: str, folder: Path, seed: int = 1) -> Iterator[Office]:
    with house(database_url, folder) as built:
        hub = built.parts.hub
        slack = SlackChannel(token=SLACK_TOKEN, api_url=built.slack.url, interactive=True, timeout=PATIENCE)
        sender = mail.sender("Acme status <status@acme.example>")
        sendgrid = SendGridChannel(api_key=SENDGRID_KEY, api_url=built.sendgrid.url, sender=sender, timeout=PATIENCE)
        channels: dict[str, Channel] = {"slack": slack, "email": sendgrid}
        yield Office(hub, Worker(hub, channels, seed=seed), built.slack, built.sendgrid, built.clock, channels)


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.01)


__all__ = ["PATIENCE", "SENDGRID_KEY", "SLACK_TOKEN", "START", "Blocked", "Office", "message", "office", "until"]
