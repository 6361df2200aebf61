"""One delivery from the inside: what it says as its channel sends it, and what became of each recipient."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from trusthub.domain.recipient import Fate
from trusthub.services import sending
from trusthub.services.hub import Hub
from trusthub.store.outbox import Claimed, channel_of
from trusthub.store.tables import Delivery, Recipient

SHOWN = 100
"""Recipients on one page."""
_PRIVATE = re.compile(r"/(subscriptions|threads)/[\w.=-]+")
"""Links that act for their reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a message says, in each form that its channel sends. Private links are shortened: they are its reader's."""

    subject: str
    text: str
    html: str
    slack: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientView:
    """What became of one recipient's mail."""

    id: int
    address: str
    fate: Fate
    at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientsView:
    """Some of the recipients of a delivery, and how many there are with each fate."""

    counts: Mapping[Fate, int]
    found: tuple[RecipientView, ...]
    more: int | None
    """The number after which the next page begins."""


def letter(hub: Hub, row: Delivery) -> Letter:
    """Return what a delivery says, with the remark that it is late when it was sent once more."""
    if "body" not in row.payload:  # an answer to a tool, which nobody reads
        return Letter(subject="", text="", html="", slack="")
    now = hub.clock()
    made = sending.outbound(hub, Claimed(delivery=row, token="", attempt_id=0, until=now))
    chat, framed = channel_of(row.lane) == "slack", channel_of(row.lane) not in {"slack", "page"}
    forms = (made.text, made.html if framed else "", made.slack if chat else "")
    text, html, slack = (_PRIVATE.sub(r"/\1/…", form) for form in forms)
    return Letter(subject=made.subject, text=text, html=html, slack=slack)


def recipients(
    session: Session, delivery: int, *, address: str = "", fate: Fate | None = None, after: int = 0
) -> RecipientsView:
    """Return recipients in their order: all, those with a fate, or those whose address has `address` in it."""
    here = col(Recipient.delivery_id) == delivery
    counted = select(col(Recipient.state), func.count()).where(here).group_by(col(Recipient.state))
    counts = {Fate(state): count for state, count in session.execute(counted)}
    wanted = [here, col(Recipient.id) > after]
    if address:
        wanted.append(col(Recipient.address).icontains(address, autoescape=True))
    if fate:
        wanted.append(col(Recipient.state) == fate)
    query = select(Recipient).where(*wanted).order_by(col(Recipient.id)).limit(SHOWN + 1)
    rows = session.execute(query).scalars().all()
    found = tuple(
        RecipientView(id=row.id, address=row.address, fate=Fate(row.state), at=row.at, reason=row.reason)
        for row in rows[:SHOWN]
    )
    order = {fate: counts[fate] for fate in Fate if fate in counts}
    return RecipientsView(counts=order, found=found, more=found[-1].id if len(rows) > SHOWN else None)
