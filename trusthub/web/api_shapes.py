"""What `/api/v1/` takes and gives; openapi.json is made of these."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """Refuses what it does not know."""

    model_config = ConfigDict(extra="forbid")


class IncidentOut(Shape):
    """An incident."""

    id: str
    name: str
    state: str
    impact: str
    public: bool = Field(description="Whether customers have been told.")
    started_at: datetime
    resolved_at: datetime | None


class UpdateOut(Shape):
    """What was published on an incident."""

    id: str
    state: str
    body: str = Field(description="In the page's own language.")
    author: str | None
    created_at: datetime


class IncidentDetail(IncidentOut):
    """An incident with what was published."""

    updates: list[UpdateOut]


class ThreadOut(Shape):
    """One customer's conversation, without their name, address or words."""

    id: str
    state: str
    locale: str
    wants_rollback: bool
    created_at: datetime
    updated_at: datetime


class Incidents(Shape):
    """A page of incidents, the newest first."""

    items: list[IncidentOut]
    next: str | None = Field(description="Give it as `after` to get the next page; null on the last.")


class Threads(Shape):
    """A page of threads, the newest first."""

    items: list[ThreadOut]
    next: str | None


class Opening(Shape):
    """An incident to open. Customers read it at once."""

    component: str = Field(description="The component's id in site.yaml.")
    name: str = Field(min_length=1, max_length=200)
    note: str = Field(min_length=1, description="What customers read first, in the page's own language.")
    names: dict[str, str] = Field(default_factory=dict, description="The name in other languages, by code.")
    notes: dict[str, str] = Field(default_factory=dict)
    reason: str = Field(default="", description="Why words go out in which the linter found errors.")


class NewUpdate(Shape):
    """Words to publish on a public incident."""

    note: str = Field(min_length=1)
    state: Literal["investigating", "identified", "monitoring", "resolved"]
    notes: dict[str, str] = Field(default_factory=dict, description="The note in other languages, by code.")
    failed: int | None = Field(default=None, ge=0, description="Failed requests, counted from the beginning.")
    reason: str = ""


class Affected(Shape):
    """Whom an incident hit. Those whose address is known hear so by mail; the public page says nothing of it."""

    ids: list[str] = Field(
        default_factory=list,
        max_length=10_000,
        description="Mail addresses, or ids of subscribers here. Other ids are counted, and nothing is mailed to them.",
    )
    csv: str = Field(
        default="", description="A table whose first line names `address`, and `id` and `locale` if known."
    )


class Kept(Shape):
    """What is kept of whom an incident hit, for `retention.affected`."""

    count: int
    reachable: int = Field(description="Those of them to whom we can write.")


class Paging(Shape):
    """Which page."""

    after: str | None = Field(default=None, pattern="^[a-z0-9]{12}$")
    limit: int = Field(default=50, ge=1, le=100)


class Made(Shape):
    """What was made or changed."""

    id: str


class Problem(Shape):
    """An error (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="What is wrong, and how to mend it.")
    pointer: str | None = Field(default=None, description="Where in the body or query, such as `/note`.")
