"""Who asked to hear, and what became of each mail to each of them."""

from datetime import datetime

from sqlalchemy import UniqueConstraint, true
from sqlmodel import Field

from trusthub.store import columns
from trusthub.store.tables.base import Row
from trusthub.store.types import BigId


class Subscriber(Row, table=True):
    """Somebody who asked to hear about a page, over one channel. Mail goes to who confirmed and did not stop it."""

    __table_args__ = (UniqueConstraint("page_id", "channel", "address", "about"), {"sqlite_autoincrement": True})
    id: int = columns.row_id()
    public_id: str = columns.public_name()
    page_id: int = columns.link("page.id")
    channel: str
    address: str
    """In small letters, so that one mailbox is one subscriber."""
    about: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Public id of the one incident that they follow; empty for the whole page."""
    incidents: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    maintenance: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    """Whether they hear about incidents, and about planned work."""
    locale: str
    zone: str
    """IANA name. Subscribers of one locale and zone read the same words, so they share batches."""
    link_version: int = 1
    """Raising it makes every personal link sent so far stop opening anything. Stopping mail stays possible."""
    asked_at: datetime | None = columns.time(null=True)
    """When somebody last asked for it. A link to confirm it, and what nobody confirmed, are too old some time later."""
    confirmed_at: datetime | None = columns.time(null=True)
    stopped_at: datetime | None = columns.time(null=True)
    created_at: datetime = columns.time()


class SubscriberComponent(Row, table=True):
    """A component that a subscriber asked about. Who has none of these hears about all."""

    __tablename__ = "subscriber_component"
    subscriber_id: int = Field(primary_key=True, foreign_key="subscriber.id", sa_type=BigId)
    component_id: int = Field(primary_key=True, foreign_key="component.id", sa_type=BigId)


class Recipient(Row, table=True):
    """One address that a delivery by mail goes to, frozen when the delivery was decided.

    It has no foreign keys: to check them takes a third of the time that a hundred thousand of these take.
    """

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    delivery_id: int = Field(index=True, sa_type=BigId)
    subscriber_id: int | None = Field(default=None, sa_type=BigId)
    """None for a mailbox that site.yaml lists, and for the customer of a thread."""
    address: str
    state: str = "pending"
    """A domain.recipient.Fate."""
    provider_id: str | None = None
    at: datetime | None = columns.time(null=True)
    """When it got into its state."""
    reason: str = columns.long()
