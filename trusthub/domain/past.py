"""The public history of a page as a document: what `trusthub export` writes and `trusthub import` reads.

Keys stay as they are within a version. A new key raises nothing; one that changes its meaning raises the version.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from trusthub.domain.incident import ComponentStatus, Impact, State
from trusthub.domain.written import Strict

FORMAT: Literal["trusthub-history"] = "trusthub-history"
VERSION: Literal[1] = 1

_Name = Annotated[str, Field(min_length=1)]


class PastComponent(Strict):
    """A component of the page."""

    key: str
    """Its id in site.yaml, by which the rest of the document refers to it."""
    id: str
    """Its public id, as in /api/v2."""
    name: _Name
    description: str | None = None
    group: str | None = None
    listed_at: AwareDatetime
    uptime_90_days: float | None = None
    """Percent, as the page shows it; None while nothing is known."""


class PastChange(Strict):
    """What an update said of a component."""

    component: str
    old_status: ComponentStatus = ComponentStatus.OPERATIONAL
    new_status: ComponentStatus


class PastText(Strict):
    """The words of an update in one language; `body` is Markdown."""

    subject: str
    body: str


class PastUpdate(Strict):
    """One published message."""

    id: _Name
    status: State
    at: AwareDatetime
    components: tuple[PastChange, ...] = ()
    texts: dict[str, PastText]


class PastPromise(Strict):
    """A time that was given in public, and what became of it."""

    kind: Literal["next_update", "recovery"]
    earliest: AwareDatetime | None = None
    due: AwareDatetime
    basis: str = ""
    standing: Literal["pending", "kept", "missed", "withdrawn"]
    settled_at: AwareDatetime | None = None
    made_at: AwareDatetime


class PastIncident(Strict):
    """An incident, or planned work when `scheduled_for` is set."""

    id: _Name
    name: _Name
    names: dict[str, str] = Field(default_factory=dict)
    status: State
    impact: Impact
    retracted: bool = False
    """It was a false alarm, and does not count as downtime."""
    components: tuple[str, ...] = ()
    started_at: AwareDatetime
    told_at: AwareDatetime
    monitoring_at: AwareDatetime | None = None
    resolved_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    """When the harm ended, where a person corrected that."""
    updated_at: AwareDatetime
    failed: int | None = None
    """Requests that failed, where they were counted."""
    scheduled_for: AwareDatetime | None = None
    scheduled_until: AwareDatetime | None = None
    effect: dict[str, str] = Field(default_factory=dict)
    advice: dict[str, str] = Field(default_factory=dict)
    updates: tuple[PastUpdate, ...] = ()
    """Oldest first."""
    promises: tuple[PastPromise, ...] = ()


class PastPage(Strict):
    """Whose history it is."""

    name: str
    url: str
    time_zone: str


class Past(Strict):
    """The whole document."""

    format: Literal["trusthub-history"] = FORMAT
    version: Literal[1] = VERSION
    exported_at: AwareDatetime
    page: PastPage
    components: tuple[PastComponent, ...] = ()
    incidents: tuple[PastIncident, ...] = ()
    """Oldest first."""
