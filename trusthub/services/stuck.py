"""Ways out that let nothing through: whoever runs the hub is told over the other ones.

A channel is stuck when messages wait for PATIENCE, each behind an attempt that failed, and nothing else gets through.
Webhooks and apprise's services are not looked at here: each is one receiver of its own (`failing.py`).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlmodel import Session, col

from trusthub.domain.message import Moment
from trusthub.services.announce import Telling, tell
from trusthub.services.facts import page_facts
from trusthub.services.hub import Hub
from trusthub.services.seldom import Seldom
from trusthub.store import outbox
from trusthub.store.tables import Attempt, Delivery, Hold, Lane

PATIENCE = timedelta(minutes=5)
LOOK = timedelta(seconds=30)
"""Time between looks."""
CHANNELS = ("slack", "email", "page")
"""Ways out that many destinations share."""


class Stuck:
    """Looks for them, once in a while."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._seldom = hub, Seldom(LOOK)

    def watch(self, now: datetime) -> None:
        """Tell stakeholders of each channel that is stuck, once until something gets through again."""
        if not self._seldom.due(now):
            return
        with self._hub.database.reading() as session:
            found = [channel for channel in CHANNELS if _is_stuck(session, channel, now)]
        for channel in found:
            with self._hub.database.transaction() as session:
                outbox.take_turn(session)  # one worker of several tells it
                if not _told(session, channel):
                    _tell(session, self._hub, channel, now)


def waiting(session: Session) -> Mapping[str, int]:
    """Return how many messages are not sent yet, for each channel."""
    query = select(col(Lane.channel), func.count(col(Delivery.id))).select_from(Lane)
    mine = (col(Delivery.lane) == col(Lane.key)) & (col(Delivery.state) == "pending")
    return dict(session.execute(query.outerjoin(Delivery, mine).group_by(col(Lane.channel))).all())


def oldest(session: Session) -> Mapping[str, datetime]:
    """Return since when the oldest message of a channel waits, where nobody holds it."""
    found: dict[str, datetime] = {}
    for channel, _, began in session.execute(_waiting_lanes()):
        found[channel] = min(began, found.get(channel, began))
    return found


def _is_stuck(session: Session, channel: str, now: datetime) -> bool:
    """Whether all that waits has failed, and no message got out since the last of these destinations began to wait.

    One bad destination makes no channel stuck: something got out to another one, or nothing can be said yet.
    """
    lanes = session.execute(_waiting_lanes().where(col(Lane.channel) == channel)).all()
    since = max((began for _, _, began in lanes), default=now)
    failed = all(fails for _, fails, _ in lanes)
    return failed and now - since >= PATIENCE and not _got_through(session, channel, since)


def _waiting_lanes() -> Select[str, int, datetime]:
    """Select each lane in which something waits and that nobody holds: its channel, failures, and since when."""
    held = select(col(Hold.channel)).where(col(Hold.paused))
    mine = (col(Delivery.lane) == col(Lane.key)) & (col(Delivery.state) == "pending")
    query = select(col(Lane.channel), col(Lane.fails), func.min(col(Delivery.created_at))).join(Delivery, mine)
    free = query.where(col(Lane.paused).is_(False), col(Lane.channel).not_in(held))
    return free.group_by(col(Lane.key), col(Lane.channel), col(Lane.fails))


def _told(session: Session, channel: str) -> bool:
    """Whether people know already: they were told, and nothing got through since."""
    told = select(func.max(col(Delivery.created_at))).where(col(Delivery.moment) == Moment.CHANNEL_STUCK)
    at = session.execute(told.where(col(Delivery.conversation) == _conversation(channel))).scalar()
    return at is not None and not _got_through(session, channel, at)


def _got_through(session: Session, channel: str, since: datetime) -> bool:
    """Whether a channel took a message that was tried since then. Only the newest attempts are looked at."""
    recent = select(func.min(col(Attempt.id))).where(col(Attempt.started_at) >= since).scalar_subquery()
    query = select(col(Attempt.id)).join(Delivery, col(Delivery.id) == col(Attempt.delivery_id))
    query = query.where(col(Attempt.id) >= recent, col(Attempt.outcome).in_(["sent", "found"]))
    return session.execute(query.where(col(Delivery.lane).startswith(f"{channel}:")).limit(1)).first() is not None


def _tell(session: Session, hub: Hub, channel: str, now: datetime) -> None:
    error = select(col(Attempt.error)).join(Delivery, col(Delivery.id) == col(Attempt.delivery_id))
    error = error.where(col(Delivery.lane).startswith(f"{channel}:"), col(Attempt.error) != "")
    facts = page_facts(hub) | {
        "destination": channel,
        "failing_since": oldest(session).get(channel),
        "undelivered": waiting(session).get(channel),
        "reason": session.execute(error.order_by(col(Attempt.id).desc()).limit(1)).scalar(),
    }
    telling = Telling(
        moment=Moment.CHANNEL_STUCK,
        playbook=hub.configuration.everyday,
        facts=facts,
        conversation=_conversation(channel),
        cause=f"stuck:{channel}:{now:%Y-%m-%dT%H:%M:%S}",
        now=now,
    )
    tell(session, hub, telling)


def _conversation(channel: str) -> str:
    return f"stuck:{channel}"
