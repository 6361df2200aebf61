"""What Slack tells us: kept first, so that it has its answer at once; worked on after, by the worker."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from trusthub.channels.slack import Slack
from trusthub.errors import DeliveryError
from trusthub.services import slack_talk
from trusthub.services.hub import Hub
from trusthub.services.slack_talk import Say
from trusthub.store.tables import SlackEvent

log = structlog.get_logger()

_HANDFUL = 50
_TRIES = 6
_PATIENCE = timedelta(seconds=30)
"""After a failure; twice as long after each more."""
_KEPT = timedelta(days=1)
"""How long we know that we had an event. Slack tries again for an hour at most."""


def receive(hub: Hub, payload: dict[str, Any], now: datetime) -> bool:
    """Keep an event that Slack sent, once whatever the number of its retries; return whether it is new."""
    event = dict(payload.get("event") or {})
    if event.get("type") != "message":
        return False
    row = SlackEvent(key=str(payload.get("event_id")), body=event, received_at=now, due_at=now)
    try:
        with hub.database.transaction(quiet=True) as session:
            if session.execute(select(col(SlackEvent.id)).where(col(SlackEvent.key) == row.key)).first():
                return False
            session.add(row)
    except IntegrityError:  # another process keeps it at this moment
        return False
    return True


def sweep(hub: Hub, now: datetime, chat: Slack | None) -> int:
    """Work on what was kept, oldest first; return how many. What there is to say in Slack is said after each commit."""
    for count in range(_HANDFUL):
        with hub.database.reading() as session:
            if session.execute(_waiting(now)).first() is None:
                return count
        for each in _one(hub, now):
            speak(chat, each)
    return _HANDFUL


def speak(chat: Slack | None, say: Say) -> None:
    """Say something in Slack. When that fails nobody is told what became of their message, and the log says so."""
    if chat is None:
        return
    try:
        if say.member:
            chat.whisper(say.channel, say.member, say.text, say.thread)
        else:
            chat.remark(say.channel, say.thread, say.text)
    except DeliveryError as error:
        log.warning("slack.not_answered", error=str(error))


def _waiting(now: datetime) -> Any:
    due = (col(SlackEvent.state) == "waiting", col(SlackEvent.due_at) <= now)
    return select(col(SlackEvent.id)).where(*due).order_by(col(SlackEvent.id)).limit(1)


def _one(hub: Hub, now: datetime) -> Sequence[Say]:
    with hub.database.transaction() as session:
        found = session.execute(_waiting(now).with_for_update(skip_locked=True)).scalar()
        row = session.get(SlackEvent, found) if found is not None else None
        if row is None:
            return ()
        said = _tried(session, row, lambda: slack_talk.take(session, hub, row.body, now), now)
        session.execute(
            delete(SlackEvent).where(col(SlackEvent.state) != "waiting", col(SlackEvent.received_at) < now - _KEPT)
        )
        return said


def _tried(session: Session, row: SlackEvent, do: Callable[[], Sequence[Say]], now: datetime) -> Sequence[Say]:
    try:
        with session.begin_nested():
            said = do()
    except Exception:  # one event that nobody foresaw must not keep all others waiting
        log.exception("slack.event_failed", event=row.key)
        row.tries += 1
        row.due_at = now + _PATIENCE * 2**row.tries
        row.state = "failed" if row.tries >= _TRIES else "waiting"
        return ()
    row.state, row.body = "done", {}
    return said
