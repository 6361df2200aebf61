"""What `/api/v1/` takes and gives; openapi.json is made of these."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from trusthub.services.feedback import LONGEST


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


class External(Shape):
    """Where else a conversation is."""

    system: str = Field(description="The help desk's name under `help_desks` in site.yaml.")
    id: str = Field(min_length=1, max_length=200)
    url: str | None = Field(default=None, max_length=2000, pattern=r"^https?://\S+$")


class ThreadOut(Shape):
    """One customer's conversation, without their name, address or words."""

    id: str
    state: str
    locale: str
    wants_rollback: bool
    external: External | None = None
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


class NewThread(Shape):
    """A customer's conversation in a help desk, to be heard here too. Opening the same one twice opens one."""

    external: External
    words: str = Field(min_length=1, max_length=LONGEST, description="What the customer wrote.")
    incident: str = Field(default="", description="Id of the public incident that it is about, else `component`.")
    component: str = Field(default="", description="The component's id in site.yaml.")
    name: str | None = Field(default=None, max_length=80)
    email: str | None = Field(default=None, description="Nothing is mailed to it: the help desk speaks with them.")
    locale: str = ""
    pain: Literal["blocking", "painful", "minor"] | None = None
    wants_rollback: bool = False
    verified: bool = Field(default=False, description="Whether you know the customer: their voice counts then.")


class Heard(Shape):
    """What was said in the help desk. With `author` it is an answer of yours, which the customer has already."""

    words: str = Field(min_length=1, max_length=LONGEST)
    author: str | None = Field(default=None, min_length=1, max_length=80)


class DeskThread(BaseModel):
    """The conversation that a call to a help desk is about."""

    id: str
    state: Literal["open", "answered", "closed"]
    url: str = Field(description="Where staff read and answer it.")
    external: External


class DeskMessage(BaseModel):
    """What was said in it."""

    by: Literal["customer", "staff", "hub"]
    author: str | None
    body: str = Field(description="Markdown.")
    at: datetime


class DeskData(BaseModel):
    """The `data` of a call; `subject`, `text`, `html` and `links` are as in every webhook."""

    thread: DeskThread
    message: DeskMessage


class DeskCall(BaseModel):
    """A call to a help desk, signed as Standard Webhooks have it. Drop repeats by the header `webhook-id`."""

    type: str = Field(description="thread.replied, thread.received, thread.closed, or the moment of a public update.")
    timestamp: datetime
    version: int
    data: DeskData


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
