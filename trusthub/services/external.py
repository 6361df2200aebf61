"""Conversations that go on in a help desk somewhere else: opened by it, and told to it, signed, as they go on here."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain.message import Moment, Rendered
from trusthub.services.announce import payload
from trusthub.services.hub import Hub
from trusthub.store import outbox
from trusthub.store.tables import Delivery, Thread, ThreadMessage

VIA = "api"
"""How a message came that a help desk told us: it is not told back."""


@dataclass(frozen=True, slots=True)
class External:
    """Where else a conversation is."""

    system: str
    id: str
    url: str | None = None


def find(session: Session, there: External) -> Thread | None:
    """Return the conversation that goes on there."""
    same = (col(Thread.external_system) == there.system, col(Thread.external_id) == there.id)
    row: Thread | None = session.execute(select(Thread).where(*same)).scalar()
    return row


def push(session: Session, hub: Hub, thread: Thread, moment: Moment, message: ThreadMessage, now: datetime) -> None:
    """Tell the help desk what was said here: not what it told us itself, and nothing of other conversations."""
    place = hub.configuration.site.help_desks.get(thread.external_system or "")
    if place is None or message.via == VIA or message.held:
        return
    words = Rendered(subject=f"{moment}: {thread.external_id}", body=message.body)
    data = {
        "at": _time(now),
        "thread": {
            "id": thread.public_id,
            "state": thread.state,
            "url": hub.console_url("threads", thread.public_id),
            "external": {"system": thread.external_system, "id": thread.external_id, "url": thread.external_url},
        },
        "message": {"by": message.by, "author": message.author, "body": message.body, "at": _time(message.created_at)},
    }
    call = Delivery(
        lane=place.lane,
        key=f"message:{message.id}/{moment}/{place.lane}",
        moment=moment,
        incident_id=thread.incident_id,
        thread_id=thread.id,
        conversation=f"thread:{thread.public_id}",
        payload=payload(words, place.lane.partition(":")[2], data=data),
        created_at=now,
    )
    outbox.enqueue(session, [call], now)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
