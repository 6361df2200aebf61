"""GitHub asks once and waits for weeks: its question is kept, decided when the gate opens, and answered by the outbox.

Until then a run waits. It hears no when the gate has not opened within its `wait`.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from trusthub.channels import github
from trusthub.channels.base import Channel, Outbound
from trusthub.domain.gate import Verdict
from trusthub.domain.message import Rendered
from trusthub.domain.site import Gate
from trusthub.errors import PayloadError
from trusthub.services import gates
from trusthub.services.announce import payload
from trusthub.services.gate_requests import read
from trusthub.services.hub import Hub
from trusthub.sources.base import Inbound
from trusthub.sources.github import GitHub
from trusthub.store import outbox
from trusthub.store.tables import Delivery, Event

WAITS = "waiting"
"""The state of an event that is a question without an answer."""
ASKS = "deployment_protection_rule"
_EVENT = "x-github-event"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What GitHub asks, and where it wants the answer."""

    gate: str
    callback: str
    environment: str
    installation: str
    """Id of the App's installation; empty where a fixed token answers."""

    def answered(self, verdict: Verdict) -> Outbound:
        """Return the answer, as the channel takes it."""
        return Outbound(
            key=f"gate:{self.gate}",
            to=self.callback,
            subject=verdict.reason,
            text=verdict.reason,
            html="",
            slack=verdict.reason,
            arguments={
                "gate": self.gate,
                "state": "approved" if verdict.passes else "rejected",
                "environment": self.environment,
                "installation": self.installation,
            },
        )


def ask(hub: Hub, name: str, gate: Gate, inbound: Inbound, channel: Channel) -> str:
    """Keep a question for `answer`; return `waiting`, or `ignored` for an event that is none.

    While the database is broken, what passes whatever is known is let pass through `channel` at once. Raises
    PayloadError for a question that cannot be answered, SQLAlchemyError when it cannot be kept, and DeliveryError when
    GitHub does not take the answer then.
    """
    if inbound.headers.get(_EVENT) != ASKS:
        return "ignored"
    asked, question = read(gate, inbound, {}), _question(name, gate, inbound)
    try:
        _keep(hub, question, inbound)
    except SQLAlchemyError:
        verdict = gates.regardless(asked)
        if verdict is None:
            raise
        log.exception("gate.not_recorded", gate=name, reason=verdict.reason)
        channel.send(question.answered(verdict))
    return WAITS


def answer(hub: Hub, now: datetime) -> None:
    """Decide what can be decided, and leave the answers to the outbox."""
    with hub.database.reading() as session:
        waiting = session.execute(select(Event).where(col(Event.state) == WAITS).order_by(col(Event.id)))
        events = waiting.scalars().all()
    for event in events:
        try:
            _decide(hub, event, now)
        except Exception:  # a question that cannot be decided must not hold up the others
            log.exception("gate.undecided", event_id=event.id)


def _keep(hub: Hub, question: Question, inbound: Inbound) -> None:
    """Keep a question, unless it waits already: somebody pressed "Redeliver"."""
    name = f"gate:{question.gate}"
    same = (col(Event.connection) == name, col(Event.state) == WAITS, col(Event.summary) == question.callback)
    with hub.database.transaction() as session:
        if session.execute(select(col(Event.id)).where(*same).limit(1)).first() is None:
            session.add(
                Event(
                    connection=name,
                    source=GitHub.name,
                    received_at=inbound.received_at,
                    headers={_EVENT: ASKS},
                    body=inbound.body,
                    state=WAITS,
                    summary=question.callback,
                )
            )


def _decide(hub: Hub, event: Event, now: datetime) -> None:
    name = event.connection.removeprefix("gate:")
    gate = hub.configuration.site.gates.get(name)
    if gate is None:
        _close(hub, event, "no answer: site.yaml has no such gate any more", [], now)
        return
    inbound = Inbound(body=event.body, headers=event.headers, received_at=event.received_at)
    verdict = gates.confirm(hub, name, gate, read(gate, inbound, {}), now)
    if not verdict.passes and event.received_at + gate.wait > now:
        return
    sent = _question(name, gate, inbound).answered(verdict)
    moment = f"gate.{sent.arguments['state']}"
    words = Rendered(subject=sent.subject, body=sent.text)
    delivery = Delivery(
        lane=f"github:{sent.to}",  # one for each run: an approval must not wait behind another run's trouble
        key=f"event:{event.id}/{moment}",
        moment=moment,
        event_id=event.id,
        payload=payload(words, sent.to, arguments=dict(sent.arguments)),
        created_at=now,
    )
    _close(hub, event, f"{ASKS}, {sent.arguments['state']}", [delivery], now)


def _close(hub: Hub, event: Event, summary: str, deliveries: list[Delivery], now: datetime) -> None:
    """End the waiting, unless another process has."""
    mine = update(Event).where(col(Event.id) == event.id, col(Event.state) == WAITS)
    with hub.database.transaction() as session:
        if session.execute(mine.values(state="done", summary=summary).returning(col(Event.id))).first() is not None:
            outbox.enqueue(session, deliveries, now)
            log.info("gate.answered", gate=event.connection, event_id=event.id, summary=summary)


def _question(name: str, gate: Gate, inbound: Inbound) -> Question:
    """Read a question. Raises PayloadError for any address but that of the call in the gate's own API."""
    said = inbound.json()
    callback = said.text("deployment_callback_url")
    if not github.is_callback(gate.api, callback):
        raise PayloadError(
            f"deployment_callback_url is no call of {gate.api}, where this gate answers. "
            "For GitHub Enterprise Server, set `api` of the gate in site.yaml."
        )
    return Question(
        gate=name,
        callback=callback,
        environment=said.text("environment"),
        installation=str(said["installation"]["id"].integer()) if gate.app is not None else "",
    )
