"""The recipients of mail, as rows: frozen when an update is decided, and each with a fate of its own.

A hundred thousand of them are written and settled by statements over sets; none of them becomes an object here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from trusthub.domain.incident import OVER
from trusthub.domain.message import Moment
from trusthub.domain.recipient import Became, Fate, MailNews, before
from trusthub.store.tables import (
    Delivery,
    Incident,
    IncidentComponent,
    Recipient,
    Subscriber,
    SubscriberComponent,
    Suppression,
)
from trusthub.store.types import BigId, UtcDateTime

SIZE = 1000
"""Recipients of one delivery: SendGrid takes that many in one request."""
SHARDS = 8
"""Lanes that subscribers are spread over, by their id and for good: each reads updates in order. No more, because a
channel has eight senders in a worker; fewer batches are full then. Changing it could let news overtake older news."""
LANES = tuple(f"email:subscribers/{shard}" for shard in range(SHARDS))
"""Their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What subscribers are told: one update of an incident on a page."""

    id: int
    incident_id: int
    page_id: int
    moment: Moment = Moment.INCIDENT_UPDATED
    """Says whether it is about planned work, and whether it is the last that followers of the incident hear."""
    page: str = ""
    """The page's key; empty for the first, whose batches are called as those of one page alone."""

    @property
    def name(self) -> str:
        """What its batches are called by."""
        return f"update:{self.id}" + (f"@{self.page}" if self.page else "")

    @property
    def planned(self) -> bool:
        """Whether it is about planned work."""
        return self.moment.startswith("maintenance.")


@dataclass(frozen=True, slots=True)
class Slot:
    """One batch to be."""

    lane: str
    """Keeps it after the batches of earlier updates."""
    key: str
    """Its name. A batch of that name is made once, however often its update is decided."""
    locale: str
    zone: str
    count: int


SUPPRESSES: Mapping[Fate, str] = {
    Fate.BOUNCED: "The mailbox does not take mail.",
    Fate.UNSUBSCRIBED: "asked by its reader",
    Fate.SPAM: "Its reader called our mail spam.",
}
"""Fates after which an address gets no more mail, and why not."""


Waiting = tuple[int, str, str | None, int | None, str | None]
"""A recipient who has not got the mail yet: their number and address, public id and link version as a subscriber, and
why no mail may go there (None when it may)."""


def slots(session: Session, news: News) -> list[Slot]:
    """Return the batches of an update; none when they were made before.

    A subscriber's id alone says which one is theirs, so it does not matter who comes or goes meanwhile: no batch is
    ever larger than SIZE, and in none of them is anybody twice.
    """
    made = select(col(Delivery.id)).where(col(Delivery.key).startswith(f"{news.name}/", autoescape=True))
    if session.execute(made.limit(1)).first():
        return []
    place = (*_place(), col(Subscriber.locale), col(Subscriber.zone))
    counted = select(*place, func.count()).where(*_chosen(news)).group_by(*place)  # numbers: texts take thrice as long
    found = [
        Slot(f"{_LANES}{shard}", f"{news.name}/{_LANES}{shard}/{locale}/{zone}/{slot}", locale, zone, count)
        for shard, slot, locale, zone, count in session.execute(counted)
    ]
    return sorted(found, key=lambda each: each.key)


def count(session: Session, news: News) -> int:
    """Return how many subscribers would hear an update."""
    return int(session.execute(select(func.count()).select_from(Subscriber).where(*_chosen(news))).scalar_one())


def freeze(session: Session, news: News) -> None:
    """Write down who is in each batch, once its deliveries are in the outbox. From then on that stays."""
    rows = select(col(Delivery.id), col(Subscriber.id), col(Subscriber.address), literal(Fate.PENDING), literal(""))
    rows = rows.join(Delivery, col(Delivery.key) == _key(news)).where(*_chosen(news))
    rows = rows.order_by(col(Delivery.id), col(Subscriber.id))
    names = ["delivery_id", "subscriber_id", "address", "state", "reason"]
    session.connection().execute(insert(Recipient).from_select(names, rows))


def alone(session: Session, deliveries: Sequence[Delivery]) -> None:
    """Write down the one recipient of each of these mails."""
    session.add_all(Recipient(delivery_id=each.id, address=each.payload["to"]) for each in deliveries)


def known(session: Session, delivery_id: int) -> bool:
    """Whether a delivery has recipients at all. One that is older than they are has none."""
    found = select(col(Recipient.id)).where(col(Recipient.delivery_id) == delivery_id).limit(1)
    return session.execute(found).first() is not None


def waiting(session: Session, delivery_id: int) -> list[Waiting]:
    """Return who has not got a delivery yet, and who of them must not get it, by their numbers."""
    stopped = case(
        (col(Recipient.address) == "", "The subscriber was removed."),
        (col(Subscriber.stopped_at).is_not(None), "The subscriber stopped mail."),
        else_=col(Suppression.reason),
    )
    each = (col(Recipient.id), col(Recipient.address), col(Subscriber.public_id), col(Subscriber.link_version), stopped)
    found = (
        select(_listed(session, *each))
        .select_from(Recipient)
        .outerjoin(Subscriber, col(Subscriber.id) == col(Recipient.subscriber_id))
        .outerjoin(Suppression, col(Suppression.address) == func.lower(col(Recipient.address)))
        .where(col(Recipient.delivery_id) == delivery_id, col(Recipient.state) == Fate.PENDING)
    )
    return sorted(map(tuple, json.loads(session.connection().execute(found).scalar() or "[]")))


def settle(session: Session, delivery_id: int, became: Became) -> None:
    """Record what became of a delivery's recipients, as far as they wait. News that came before this stays."""
    here = (col(Recipient.delivery_id) == delivery_id, col(Recipient.id).between(became.first, became.last))
    mine = update(Recipient).where(*here, col(Recipient.state) == Fate.PENDING)
    values = {"state": became.fate, "at": became.at, "provider_id": became.ref, "reason": became.reason}
    session.connection().execute(mine.values(values))


def heard(session: Session, delivery_id: int) -> bool:
    """Whether the provider told us of recipients of whom we did not know that it had their mail."""
    ours = [Fate.PENDING, Fate.LEFT_OUT, Fate.REFUSED, Fate.KEPT]
    told = (col(Recipient.state).not_in(ours), col(Recipient.provider_id).is_(None))
    found = select(col(Recipient.id)).where(col(Recipient.delivery_id) == delivery_id, *told)
    return session.execute(found.limit(1)).first() is not None


def learn(session: Session, news: Sequence[MailNews], now: datetime) -> None:
    """Record what a provider tells. It tells in any order, and again: what is further on stays."""
    for fate in {each.fate for each in news}:
        earlier = or_(*(col(Recipient.state) == each for each in before(fate)))
        mine = update(Recipient).where(col(Recipient.id) == bindparam("who", type_=BigId), earlier)
        moved = mine.values(state=fate, at=bindparam("when", type_=UtcDateTime), reason=bindparam("why"))
        values = [{"who": each.recipient, "when": each.at, "why": each.reason} for each in news if each.fate is fate]
        session.connection().execute(moved, values)
    for each in news:
        if each.fate in SUPPRESSES and (each.fate is not Fate.BOUNCED or each.lasting):
            _suppress(session, each, now)


def _listed(session: Session, *columns: Any) -> ColumnElement[str]:
    """Return all rows as one JSON text.

    SQLite's driver lets another thread run before each row: with eight senders, a thousand rows took six times as long.
    """
    if session.get_bind().dialect.name == "postgresql":
        return cast(func.json_agg(func.json_build_array(*columns)), String)
    return func.json_group_array(func.json_array(*columns), type_=String)


def _suppress(session: Session, news: MailNews, now: datetime) -> None:
    address = func.lower(col(Recipient.address))
    known = select(col(Suppression.address)).where(col(Suppression.address) == address)
    row = select(address, literal(SUPPRESSES[news.fate]), literal(now, UtcDateTime))
    fresh = row.where(col(Recipient.id) == news.recipient, address != "", ~known.exists())
    session.execute(insert(Suppression).from_select(["address", "reason", "at"], fresh))


def _chosen(news: News) -> tuple[ColumnElement[bool], ...]:
    """Say who hears an update: who asked about such news of the page, or follows the incident and does not so already.

    Followers hear no more once it is over, but how it ended and what of that was wrong.
    """
    other = aliased(Subscriber)
    told = (col(other.page_id) == news.page_id, col(other.address) == col(Subscriber.address), *_hears(other, news))
    here = select(col(Incident.public_id)).where(col(Incident.id) == news.incident_id)
    if news.moment not in _LAST:
        here = here.where(col(Incident.state).not_in(OVER))
    follows = (*_willing(Subscriber), col(Subscriber.about) == here.scalar_subquery())
    who = or_(and_(*_hears(Subscriber, news)), and_(*follows, ~select(literal(1)).where(*told).exists()))
    return col(Subscriber.page_id) == news.page_id, who


def _hears(who: type[Subscriber], news: News) -> tuple[ColumnElement[bool], ...]:
    """Say which subscribers of the page hear an update: those who asked about all, or about what it touches."""
    asked = select(col(SubscriberComponent.component_id)).where(col(SubscriberComponent.subscriber_id) == col(who.id))
    touches = select(col(IncidentComponent.component_id)).where(col(IncidentComponent.incident_id) == news.incident_id)
    touched = asked.where(col(SubscriberComponent.component_id).in_(touches))
    kind = col(who.maintenance) if news.planned else col(who.incidents)
    return (*_willing(who), col(who.about) == "", kind.is_(True), or_(~asked.exists(), touched.exists()))


def _willing(who: type[Subscriber]) -> tuple[ColumnElement[bool], ...]:
    """Say who confirmed, and did not stop mail."""
    return col(who.channel) == "email", col(who.confirmed_at).is_not(None), col(who.stopped_at).is_(None)


def _key(news: News) -> ColumnElement[str]:
    """Name the batch that a subscriber is in, as `slots` does."""
    shard, slot = (cast(number, String) for number in _place())
    first = literal(f"{news.name}/{_LANES}") + shard
    return reduce(lambda text, part: text + "/" + part, (col(Subscriber.locale), col(Subscriber.zone), slot), first)


def _place() -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Return the number of a subscriber's lane, and of their batch in it."""
    number = col(Subscriber.id)
    return number % literal_column(str(SHARDS)), number.op("/")(literal_column(str(SIZE * SHARDS)))


_LANES = "email:subscribers/"
_LAST = frozenset(
    {Moment.INCIDENT_RESOLVED, Moment.INCIDENT_RETRACTED, Moment.INCIDENT_CORRECTED}
    | {Moment.MAINTENANCE_COMPLETED, Moment.MAINTENANCE_CANCELLED}
)
"""What is heard of an incident that is over by those who follow only that."""
