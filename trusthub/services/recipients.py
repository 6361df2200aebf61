"""The recipients of mail, as rows: frozen when an update is decided, and each with a fate of its own.

A hundred thousand of them are written and settled by statements over sets; none of them becomes an object here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, case, func, insert, literal, or_, select, update
from sqlmodel import Session, col

from trusthub.domain.recipient import Fate, MailNews, before
from trusthub.store.tables import Delivery, Recipient, Subscriber, SubscriberComponent, Suppression
from trusthub.store.types import BigId, UtcDateTime

SIZE = 1000
"""Recipients of one delivery: SendGrid takes that many in one request."""
SHARDS = 8
"""Lanes that subscribers are spread over, by their id and for good: each reads updates in order. No more, because a
channel has eight senders in a worker; fewer batches are full then. Changing it could let news overtake older news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What subscribers are told: one update of an incident on a page."""

    id: int
    page_id: int
    components: Sequence[int]
    """Ids of the components that the incident touches."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One batch to be: the subscribers from `first` to `last` of one shard, locale and zone."""

    shard: int
    locale: str
    zone: str
    number: int
    first: int
    last: int
    count: int

    @property
    def lane(self) -> str:
        """The lane that keeps this batch after those of earlier updates."""
        return f"email:subscribers/{self.shard}"

    def key(self, news: News) -> str:
        """Name the batch. A batch of that name is made once, however often its update is decided."""
        return f"update:{news.id}/{self.lane}/{self.locale}/{self.zone}/{self.number}"


SUPPRESSES: Mapping[Fate, str] = {
    Fate.BOUNCED: "The mailbox does not take mail.",
    Fate.UNSUBSCRIBED: "asked by its reader",
    Fate.SPAM: "Its reader called our mail spam.",
}
"""Fates after which an address gets no more mail, and why not."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A recipient who has not got the mail yet."""

    id: int
    address: str
    subscriber: str | None
    """Public id."""
    link_version: int | None
    left_out: str | None
    """Why no mail may go there; None when it may."""


def slots(session: Session, news: News) -> list[Slot]:
    """Return the batches of an update; none when they were made before."""
    made = select(col(Delivery.id)).where(col(Delivery.key).startswith(f"update:{news.id}/", autoescape=True))
    if session.execute(made.limit(1)).first():
        return []
    among = (_shard, col(Subscriber.locale), col(Subscriber.zone))
    place = func.row_number().over(partition_by=among, order_by=col(Subscriber.id)) - 1
    mine = select(col(Subscriber.id), *among, (place // SIZE).label("number")).where(*_chosen(news)).subquery()
    slot = (mine.c.shard, mine.c.locale, mine.c.zone, mine.c.number)
    counted = select(*slot, func.min(mine.c.id), func.max(mine.c.id), func.count()).group_by(*slot).order_by(*slot)
    return [Slot(*row) for row in session.execute(counted)]


def freeze(session: Session, news: News, batches: Mapping[int, Slot]) -> None:
    """Write down who is in each batch, by the id of its delivery. From now on that stays."""
    mine = (
        col(Subscriber.id).between(bindparam("first"), bindparam("last")),
        _shard == bindparam("shard"),
        col(Subscriber.locale) == bindparam("locale"),
        col(Subscriber.zone) == bindparam("zone"),
    )
    delivery = bindparam("delivery", type_=BigId)
    rows = select(delivery, col(Subscriber.id), col(Subscriber.address), literal(Fate.PENDING.value), literal(""))
    rows = rows.where(*mine, *_chosen(news)).order_by(col(Subscriber.id))
    names = ["delivery_id", "subscriber_id", "address", "state", "reason"]
    values = [
        {"delivery": number, "first": s.first, "last": s.last, "shard": s.shard, "locale": s.locale, "zone": s.zone}
        for number, s in batches.items()
    ]
    session.execute(insert(Recipient).from_select(names, rows), values)


def alone(session: Session, deliveries: Sequence[Delivery]) -> None:
    """Write down the one recipient of each of these mails."""
    session.add_all(Recipient(delivery_id=each.id, address=each.payload["to"]) for each in deliveries)


def known(session: Session, delivery_id: int) -> bool:
    """Whether a delivery has recipients at all. One that is older than they are has none."""
    found = select(col(Recipient.id)).where(col(Recipient.delivery_id) == delivery_id).limit(1)
    return session.execute(found).first() is not None


def waiting(session: Session, delivery_id: int) -> list[Waiting]:
    """Return who has not got a delivery yet, and who of them must not get it."""
    stopped = case(
        (col(Recipient.address) == "", "The subscriber was removed."),
        (col(Subscriber.stopped_at).is_not(None), "The subscriber stopped mail."),
        else_=col(Suppression.reason),
    )
    found = (
        select(
            col(Recipient.id), col(Recipient.address), col(Subscriber.public_id), col(Subscriber.link_version), stopped
        )
        .outerjoin(Subscriber, col(Subscriber.id) == col(Recipient.subscriber_id))
        .outerjoin(Suppression, col(Suppression.address) == func.lower(col(Recipient.address)))
        .where(col(Recipient.delivery_id) == delivery_id, col(Recipient.state) == Fate.PENDING)
        .order_by(col(Recipient.id))
    )
    return [Waiting(*row) for row in session.execute(found)]


def settle(
    session: Session, ids: Sequence[int], fate: Fate, now: datetime, *, ref: str | None = None, reason: str = ""
) -> None:
    """Record what became of recipients who were waiting; news that came before this stays."""
    mine = update(Recipient).where(col(Recipient.id).in_(ids), col(Recipient.state) == Fate.PENDING)
    session.execute(mine.values(state=fate, at=now, provider_id=ref, reason=reason))


def heard(session: Session, delivery_id: int) -> bool:
    """Whether the provider told us of recipients of whom we did not know that it had their mail."""
    ours = [Fate.PENDING, Fate.LEFT_OUT, Fate.REFUSED, Fate.KEPT]
    told = (col(Recipient.state).not_in(ours), col(Recipient.provider_id).is_(None))
    found = select(col(Recipient.id)).where(col(Recipient.delivery_id) == delivery_id, *told)
    return session.execute(found.limit(1)).first() is not None


def learn(session: Session, news: Sequence[MailNews], now: datetime) -> None:
    """Record what a provider tells. It tells in any order, and again: what is further on stays."""
    for fate in {each.fate for each in news}:
        earlier = col(Recipient.state).in_(before(fate))
        mine = update(Recipient).where(col(Recipient.id) == bindparam("who", type_=BigId), earlier)
        moved = mine.values(state=fate, at=bindparam("when", type_=UtcDateTime), reason=bindparam("why"))
        values = [{"who": each.recipient, "when": each.at, "why": each.reason} for each in news if each.fate is fate]
        session.connection().execute(moved, values)
    for each in news:
        if each.fate in SUPPRESSES and (each.fate is not Fate.BOUNCED or each.lasting):
            _suppress(session, each, now)


def _suppress(session: Session, news: MailNews, now: datetime) -> None:
    address = func.lower(col(Recipient.address))
    known = select(col(Suppression.address)).where(col(Suppression.address) == address)
    row = select(address, literal(SUPPRESSES[news.fate]), literal(now, UtcDateTime))
    fresh = row.where(col(Recipient.id) == news.recipient, address != "", ~known.exists())
    session.execute(insert(Suppression).from_select(["address", "reason", "at"], fresh))


def _chosen(news: News) -> tuple[ColumnElement[bool], ...]:
    """Say who hears an update: who confirmed, did not stop mail, and asked about all or about what it touches."""
    asked = select(col(SubscriberComponent.component_id)).where(
        col(SubscriberComponent.subscriber_id) == col(Subscriber.id)
    )
    touched = asked.where(col(SubscriberComponent.component_id).in_(news.components))
    return (
        col(Subscriber.page_id) == news.page_id,
        col(Subscriber.channel) == "email",
        col(Subscriber.confirmed_at).is_not(None),
        col(Subscriber.stopped_at).is_(None),
        or_(~asked.exists(), touched.exists()),
    )


_shard = (col(Subscriber.id) % SHARDS).label("shard")
