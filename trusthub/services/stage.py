"""Where a drill takes place: a scratch hub, its worker, ways out that lead nowhere, a person who keeps promises.

The worker, the intake, the decisions and the timers are the real ones. Nothing is sent, and no socket is opened.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.channels.base import Envelope, Ledger, Outbound, Receipt
from trusthub.domain.approval import Standing as Answered
from trusthub.domain.incident import OVER, PLANNED, State
from trusthub.domain.message import Audience
from trusthub.domain.promise import Kind, Standing
from trusthub.domain.site import Connection
from trusthub.errors import TrusthubError
from trusthub.services import approving, feedback, intake, mailing, staff
from trusthub.services.acts import Act, StaffError
from trusthub.services.approving import Answer, Press
from trusthub.services.cases import pending, read_case, the_page
from trusthub.services.chorus import Listening
from trusthub.services.delivery import Worker
from trusthub.services.facts import Facts, case_facts
from trusthub.services.hub import Hub
from trusthub.services.scratch import Clock, next_due, scratch
from trusthub.services.site import Configuration
from trusthub.sources.base import Inbound
from trusthub.store.outbox import channel_of
from trusthub.store.tables import Approval, Component, Delivery, Incident, Promise, Subscriber

PERSON = "Drill"
"""Who keeps the promises of a drill that only a person can keep."""
NEWS = "We have taken the next step of the way back, and it went as planned. We go on with the one after it."
CONNECTION = "generic"
_ADDRESS = "https://hub.example"
"""Links in a drill lead nowhere either."""
_AHEAD = timedelta(minutes=1)
"""How long before an update is due the person writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message that left, and who has it."""

    at: datetime
    audience: str
    destination: str
    moment: str
    subject: str
    body: str
    """Markdown."""
    locale: str = "en"
    facts: Facts = field(default_factory=dict)
    """What was known when it left; empty where it is about no incident."""
    edited: bool
    """It took the place of an earlier one, without disturbing anybody."""


@dataclass(slots=True)
class Nowhere:
    """A way out that leads nowhere: it takes every message, and remembers which and when."""

    clock: Clock
    facts: Callable[[int, datetime], Facts]
    """What is known at a time about what a delivery tells of."""
    taken: list[tuple[datetime, int, Facts]] = field(default_factory=list)

    def send(self, outbound: Outbound) -> Receipt:
        """Take a message."""
        delivery = int(outbound.arguments["delivery"])
        self.taken.append((self.clock.now, delivery, self.facts(delivery, self.clock.now)))
        return Receipt(ref=f"{outbound.to}:{delivery}")

    def send_many(self, outbound: Outbound, envelopes: Sequence[Envelope], ledger: Ledger) -> Receipt:
        """Take a mail to many."""
        ledger.taken(envelopes, None)
        return self.send(outbound)


@dataclass(slots=True)
class Stage:
    """A hub that plays one story after the other."""

    hub: Hub
    clock: Clock
    worker: Worker
    out: Nowhere

    def hear(self, event: str, **said: Any) -> None:
        """Let a tool say something now, and everything happen that follows at once."""
        body = json.dumps({"event": event, **said}).encode()
        inbound = Inbound(body=body, headers={}, received_at=self.clock.now)
        received = intake.receive(self.hub, CONNECTION, Connection(source=CONNECTION), inbound, self.clock.now)
        if received.state != "done":
            raise TrusthubError(f"The drill's event {event} was not understood. Its state is {received.state}.")
        self.worker.drain()

    def act(self, do: Callable[[Act], object]) -> None:
        """Let a person do something now."""
        publisher = next(iter(self.hub.configuration.site.roles.publisher), None)
        do(Act(actor=PERSON, now=self.clock.now, email=publisher.email if publisher else ""))
        self.worker.drain()

    def ask_back(self, component: str, address: str) -> None:
        """Let a real customer ask, from a network address, for a change of a component to be rolled back."""
        words = "The new version makes my work harder. Please bring the earlier one back."
        answer = feedback.Answer(words=words, wants_rollback=True, pain="painful", address=address)
        with self.hub.database.transaction() as session:
            row = session.execute(select(Component).where(col(Component.key) == component)).scalar_one()
            feedback.start_about(session, self.hub, row, answer, self.clock.now).confirmed_by = PERSON

    def listen(self) -> None:
        """Let the hub look at what customers say of rollouts."""
        Listening(self.hub).watch(self.clock.now)
        self.worker.drain()

    def wait(self, span: timedelta) -> None:
        """Let time pass: timers fire when they are due, and the person answers and writes before it is too late."""
        until = self.clock.now + span
        while True:
            timer, owed = next_due(self.hub), self._asked() or self._owed()
            if owed is not None and owed[0] <= until and (timer is None or owed[0] < timer):
                self.clock.now = owed[0]
                self.act(owed[1])
            elif timer is not None and timer <= until:
                self.clock.now = max(self.clock.now, timer)
                self.worker.drain()
            else:
                break
        self.clock.now = until
        self.worker.drain()

    def incident(self, since: datetime) -> Incident | None:
        """Return the newest incident that began since then."""
        with self.hub.database.reading() as session:
            newest = select(Incident).where(col(Incident.created_at) >= since).order_by(col(Incident.id).desc())
            found: Incident | None = session.execute(newest.limit(1)).scalar()
            return found

    def said(self, since: datetime) -> tuple[Said, ...]:
        """Return what left since then, in the order in which it was decided."""
        audiences: dict[str, Audience] = {}
        for audience, places in self.hub.configuration.site.audiences.items():
            audiences.update({place.lane: audience for place in places})
        with self.hub.database.reading() as session:
            mine = [
                (at, session.get_one(Delivery, number), facts)
                for at, number, facts in sorted(self.out.taken, key=itemgetter(0, 1))
                if at >= since
            ]
        return tuple(
            Said(
                at=at,
                audience=audiences.get(row.lane, Audience.CUSTOMERS),
                destination=row.payload["to"] if channel_of(row.lane) != "page" else "the public page",
                moment=row.moment,
                subject=row.payload["subject"],
                body=row.payload["body"],
                locale=row.payload.get("locale", self.hub.page.main),
                facts=facts,
                edited=bool(row.payload.get("edit")),
            )
            for at, row, facts in mine
        )

    def _approve(self, row: Approval, act: Act) -> None:
        answer = Answer(press=Press.APPROVE, digest=row.digest, reason="It is a drill.")
        with suppress(StaffError):  # what has changed is asked anew
            approving.decide(self.hub, row.public_id, act, answer)

    def _write(self, public_id: str, state: State, act: Act) -> None:
        staff.update(self.hub, public_id, act, note=NEWS, state=state)

    def _asked(self) -> tuple[datetime, Callable[[Act], object]] | None:
        """Return the question that waits: the person approves in half of the time."""
        with self.hub.database.reading() as session:
            row = session.execute(select(Approval).where(col(Approval.state) == Answered.PENDING).limit(1)).scalar()
        if row is None or row.due is None:
            return None
        return max(row.asked_at + (row.due - row.asked_at) / 2, self.clock.now), partial(self._approve, row)

    def _owed(self) -> tuple[datetime, Callable[[Act], object]] | None:
        """Return the next update that only a person can write: when, and what they do."""
        with self.hub.database.reading() as session:
            found = session.execute(
                select(Promise, Incident)
                .join(Incident, col(Promise.incident_id) == Incident.id)
                .where(
                    col(Promise.standing) == Standing.PENDING,
                    col(Promise.kind) == Kind.NEXT_UPDATE,
                    col(Incident.public).is_(True),
                    col(Incident.state).not_in(OVER | PLANNED),
                )
                .order_by(col(Promise.due))
            ).all()
        for promise, incident in found:
            quiet = self.hub.configuration.named(incident.playbook).quiet
            watched = incident.state == State.MONITORING and incident.monitoring_at and quiet
            if not (watched and incident.monitoring_at + quiet <= promise.due):  # else the hub closes it by itself
                ahead = min(_AHEAD, (promise.due - promise.created_at) / 2)
                write = partial(self._write, incident.public_id, State(incident.state))
                return max(promise.due - ahead, self.clock.now), write
        return None


@contextmanager
def stage(configuration: Configuration, start: datetime) -> Iterator[Stage]:
    """Build a stage on which it is `start`."""
    clock = Clock(start)
    with scratch(configuration, _ADDRESS, clock) as made:
        out = Nowhere(clock, _Known(made))
        names = {channel_of(lane) for lane in made.configuration.site.destinations} | {"page", "email", "slack"}
        worker = Worker(made, mailing.over(made, dict.fromkeys(names, out), listens=False))
        with made.database.transaction() as session:
            session.add(_subscriber(session, made, start))
        yield Stage(made, clock, worker, out)
        worker.stop()


@dataclass(slots=True)
class _Known:
    """What is known about incidents; it is looked up once for each moment of a drill."""

    hub: Hub
    found: dict[tuple[int, datetime], Facts] = field(default_factory=dict)

    def __call__(self, delivery: int, now: datetime) -> Facts:
        with self.hub.database.reading() as session:
            incident = session.get_one(Delivery, delivery).incident_id
            if incident is None:
                return {}
            if (incident, now) not in self.found:
                self.found[incident, now] = _facts(session, self.hub, incident)
        return self.found[incident, now]


def _facts(session: Session, hub: Hub, incident: int) -> Facts:
    case = read_case(session, hub, incident)
    return {**case_facts(hub, case, pending(session, case.incident)), "time_zone": hub.page.time_zone}


def _subscriber(session: Session, hub: Hub, now: datetime) -> Subscriber:
    """Return somebody who hears what customers hear by mail."""
    return Subscriber(
        page_id=the_page(session).id,
        channel="email",
        address="subscriber@customer.example",
        locale="en",
        zone=hub.page.time_zone,
        confirmed_at=now,
        created_at=now,
    )
