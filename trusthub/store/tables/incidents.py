"""Incidents, what was said about them, what was promised, and what is to be done at a time."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint, false, text
from sqlmodel import Field

from trusthub.store import columns
from trusthub.store.tables.base import Row
from trusthub.store.types import BigId


class Incident(Row, table=True):
    """Something went wrong, or might have. `public` says whether customers have been told."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    public_id: str = columns.public_name()
    rollout_id: int | None = columns.link("rollout.id", null=True)
    name: str
    names: dict[str, str] = columns.json(dict, before="{}")
    """Its name in other languages than the page's own, by their codes."""
    state: str
    impact: str
    public: bool = False
    settled: str | None = None
    """What a person called it in the end: precaution or false_alarm."""
    decision: str = columns.long()
    """Why customers were or were not told."""
    playbook: str
    conversation: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """What ties its messages together; it stays when a retry of the rollout becomes part of it."""
    combined: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Stands for several problems that began at once, until people have looked at each."""
    opened_by: str
    closed_by: str | None = None
    cause_class: str = Field(default="unknown", sa_column_kwargs={"server_default": "unknown"})
    cause_by: str | None = None
    """Who said what kind of cause it is; None for the evidence itself."""
    safeguard_missing: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether a person said that we should have found it before it reached customers."""
    data_at_risk: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether somebody may have read or changed what is not theirs."""
    cleared_by: str | None = None
    """Who with the role `legal` allowed more than holding messages."""
    legal_hold_by: str | None = None
    """Who forbade to erase anything about it; None while it may be."""
    legal_hold_at: datetime | None = columns.time(null=True)
    failed: int | None = None
    """Failed requests, once a measurement or a person says so."""
    corrected: dict[str, Any] = Field(
        default_factory=dict, sa_type=JSON, nullable=False, sa_column_kwargs={"server_default": text("'{}'")}
    )
    """What a person knows better than the tool: a `domain.reach.Reach` as JSON, of which the rest is left out."""
    complaint: str = columns.words()
    """What customers dislike, in a person's words; only where nothing is broken."""
    motive: str = columns.words()
    """What we meant by the change, and whom it helped."""
    scheduled_for: datetime | None = columns.time(null=True)
    """When planned work begins; None for what nobody planned."""
    scheduled_until: datetime | None = columns.time(null=True)
    """When we said that it ends."""
    planned_by: str | None = None
    """Who planned it, and keeps the time of its end."""
    ends_itself: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether it is over at that time, unless a person says otherwise."""
    effect: dict[str, str] = columns.json(dict, before="{}")
    """What customers cannot do meanwhile, by the codes of the page's languages."""
    advice: dict[str, str] = columns.json(dict, before="{}")
    """What they can do, likewise."""
    sequence: int = 0
    """Counts changes; writing it first makes two writers of one incident take turns."""
    started_at: datetime = columns.time()
    told_at: datetime | None = columns.time(null=True)
    monitoring_at: datetime | None = columns.time(null=True)
    resolved_at: datetime | None = columns.time(null=True)
    postmortem_at: datetime | None = columns.time(null=True)
    """When its postmortem was published; None while there is none to read."""
    created_at: datetime = columns.time()
    updated_at: datetime = columns.time(index=True)


class Postmortem(Row, table=True):
    """Why an incident happened and what changes: draft, review, then published."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    incident_id: int = Field(foreign_key="incident.id", sa_type=BigId, unique=True)
    words: dict[str, str] = columns.json(dict, before="{}")
    """Markdown, by the codes of the page's languages."""
    state: str
    author: str
    publisher: str | None = None
    announced_at: datetime | None = columns.time(null=True)
    """When it was first published: who takes it back and publishes it again tells nobody twice."""
    updated_at: datetime = columns.time()


class IncidentPage(Row, table=True):
    """The page in whose rows an incident was made. Who reads of it follows from its components (cases.known_to)."""

    __tablename__ = "incident_page"
    incident_id: int = Field(primary_key=True, foreign_key="incident.id", sa_type=BigId)
    page_id: int = Field(primary_key=True, foreign_key="page.id", sa_type=BigId)


class IncidentComponent(Row, table=True):
    """Which components an incident touches."""

    __tablename__ = "incident_component"
    incident_id: int = Field(primary_key=True, foreign_key="incident.id", sa_type=BigId)
    component_id: int = Field(primary_key=True, foreign_key="component.id", sa_type=BigId)


class Update(Row, table=True):
    """One published message on an incident; its words are a row per locale."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    public_id: str = columns.public_name()
    incident_id: int = columns.link("incident.id")
    state: str
    moment: str
    author: str | None = None
    components: list[dict[str, str]] = columns.json(list)
    """Statuspage's affected_components: code, name, old_status, new_status."""
    created_at: datetime = columns.time()


class UpdateText(Row, table=True):
    """The words of an update in one locale. `body` is Markdown."""

    __tablename__ = "update_text"
    update_id: int = Field(primary_key=True, foreign_key="update.id", sa_type=BigId)
    locale: str = Field(primary_key=True)
    subject: str = columns.long()
    body: str = columns.long()


class PageText(Row, table=True):
    """The words of an update in one locale on one page, where they are others than everywhere else."""

    __tablename__ = "page_text"
    update_id: int = Field(primary_key=True, foreign_key="update.id", sa_type=BigId)
    page_id: int = Field(primary_key=True, foreign_key="page.id", sa_type=BigId)
    locale: str = Field(primary_key=True)
    subject: str = columns.long()
    body: str = columns.long()


class Promise(Row, table=True):
    """A time we gave in public."""

    __table_args__ = ({"sqlite_autoincrement": True},)
    id: int = columns.row_id()
    incident_id: int = columns.link("incident.id")
    kind: str
    earliest: datetime | None = columns.time(null=True)
    due: datetime = columns.time()
    basis: str = columns.long()
    comparable: list[int] = Field(
        default_factory=list, sa_type=JSON, nullable=False, sa_column_kwargs={"server_default": text("'[]'")}
    )
    """Minutes that comparable rollbacks took, when a recovery rests on them and not on the plan."""
    owner: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Who keeps it: the person who wrote, else the plan's owner."""
    remind_at: datetime | None = columns.time(null=True)
    """When people are reminded of it; None when there is no time to."""
    standing: str = "pending"
    settled_at: datetime | None = columns.time(null=True)
    created_at: datetime = columns.time()


class Timer(Row, table=True):
    """Something to do for an incident at a time; firing it twice does nothing the second time."""

    __table_args__ = (
        UniqueConstraint("kind", "incident_id", "due"),
        Index(
            "ix_timer_pending",
            "due",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        {"sqlite_autoincrement": True},
    )
    id: int = columns.row_id()
    kind: str
    incident_id: int = columns.link("incident.id")
    due: datetime = columns.time()
    state: str = "pending"


class Approval(Row, table=True):
    """Words that people are asked about before customers read them. Of one incident, one at most is pending."""

    __table_args__ = (
        Index(
            "ix_approval_pending",
            "incident_id",
            unique=True,
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        {"sqlite_autoincrement": True},
    )
    id: int = columns.row_id()
    public_id: str = columns.public_name()
    incident_id: int = columns.link("incident.id")
    moment: str
    state: str = "pending"
    """A `domain.approval.Standing`."""
    texts: dict[str, dict[str, str]] = columns.json(dict)
    """`subject` and `body` (Markdown) in each language of the page, exactly as they would go out."""
    digest: str
    """Hash of the texts. A press says which it means."""
    facts: dict[str, str] = columns.json(dict)
    """What the texts rest on, in words. When something of it is not so any more, people are asked anew."""
    changed: list[dict[str, str]] = columns.json(list)
    """What is not as it was in the question before this one: `name`, `before` and `after`."""
    recipients: int
    findings: list[dict[str, str]] = columns.json(list)
    """What is wrong with the words: `severity`, `locale`, `why`, `quote` and `rewrite`."""
    called: int = 0
    """How many approvers were called before the one who is called now."""
    asked_at: datetime = columns.time()
    worded_at: datetime = columns.time()
    """The time at which the texts promise something."""
    due: datetime | None = columns.time(null=True)
    """When somebody else is called; None when everybody was called often enough."""
    held_at: datetime | None = columns.time(null=True)
    """When a holding message took the place of these words."""
    decided_by: str | None = None
    how: str | None = None
    """Where: Slack or console; the clock when nobody decided."""
    decided_at: datetime | None = columns.time(null=True)
