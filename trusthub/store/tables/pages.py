"""Public pages, what is shown on them, and their published files."""

from datetime import datetime

from sqlalchemy import Column, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from trusthub.store import columns
from trusthub.store.tables.base import Row
from trusthub.store.types import BigId


class Page(Row, table=True):
    """A public page. `version` counts its snapshots, `rendered` names the newest delivery that they take in."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    public_id: str = columns.public_name()
    key: str = Field(unique=True)
    name: str
    url: str
    time_zone: str
    version: int = 0
    rendered: int = Field(default=0, sa_type=BigId)
    look: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Names how all its pages look that are there."""
    link_version: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    """Raising it ends the link that opens a page which is not public, and whoever came by it has to come anew."""
    updated_at: datetime = columns.time()


class Component(Row, table=True):
    """A component or a group of them, as Statuspage lists both."""

    __table_args__ = (UniqueConstraint("page_id", "key"), {"sqlite_autoincrement": True})
    id: int = columns.row_id()
    page_id: int = columns.link("page.id")
    public_id: str = columns.public_name()
    key: str
    """Id in site.yaml; `group:<name>` for a group."""
    name: str
    description: str | None = None
    group_id: int | None = columns.link("component.id", null=True)
    is_group: bool = False
    position: int
    status: str = "operational"
    listed: bool = True
    """False when site.yaml no longer names it: its history stays."""
    created_at: datetime = columns.time()
    updated_at: datetime = columns.time()


class Snapshot(Row, table=True):
    """One published file of a page, rendered once a change."""

    page_id: int = Field(primary_key=True, foreign_key="page.id", sa_type=BigId)
    path: str = Field(primary_key=True)
    version: int
    etag: str
    content_type: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
