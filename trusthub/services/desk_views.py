"""What staff see and customers do not: the support desk, and incidents with what lies behind them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from trusthub.domain.parts import Share
from trusthub.services.views import IncidentView


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadLine:
    """One thread in a list, without its messages."""

    public_id: str
    customer: str
    about: str
    said: str
    """How the last message begins."""
    state: str
    updated_at: datetime
    waiting_since: datetime | None = None
    replied: bool = False
    """Whether a person has answered it before."""
    pain: str | None = None
    routed: str = ""
    """The role whose people answer it."""
    assignee: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteView:
    """What somebody noted for colleagues."""

    author: str
    words: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkView:
    """What staff know of a thread besides what was said in it."""

    newest: int
    """The id of the last message when the page was made: an answer of somebody else after it is told."""
    assignee: int | None
    colleagues: tuple[tuple[int, str], ...]
    """Id and name of who can take it."""
    notes: tuple[NoteView, ...]
    others: tuple[tuple[str, bool], ...]
    """Who else has it open, and whether they write."""
    saved: tuple[tuple[str, str], ...] = ()
    """Name and title of the saved answers in the customer's language."""
    routed: str = ""
    """The role whose people answer it."""
    named: tuple[str, ...] = ()
    """The addresses of these people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskView:
    """A rollout whose tool asks us whether to roll back."""

    public_id: str
    tool: str
    asked_by: str | None
    """Who has said yes already."""
    called: bool = False
    """Whether the tool is called, and does not ask us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeView:
    """What a rollback really was, beside what its plan had estimated. Times are minutes."""

    plan: str
    layer: str | None
    """toggle, traffic, schema or configuration; None when the tool does not say."""
    expected_from: int
    expected_to: int
    took: int
    late: bool
    expected_sla: str
    shares: tuple[Share, ...] | None
    """For how long how many were exposed; None when nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostmortemView:
    """Why it happened and what changes, as staff see it."""

    state: str
    """draft, review or published."""
    words: Mapping[str, str]
    """Markdown by language."""
    html: Markup
    author: str
    publisher: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffIncidentView:
    """An incident as staff see it: with what customers do not."""

    id: int
    incident: IncidentView
    public: bool
    decision: str
    """Why customers were or were not told."""
    settled: str | None
    """precaution or false_alarm."""
    open: bool
    rollout: str
    """One line: versions, strategy, phase, environment, tool."""
    reason: str
    threads: tuple[ThreadLine, ...]
    """Those with the latest news."""
    waiting: int
    """How many customers wait for us on it."""
    audit: tuple[str, ...]
    ask: AskView | None = None
    cause: str = "unknown"
    """What kind of cause it is."""
    data_at_risk: bool = False
    safeguard_missing: bool = False
    legal_hold: str | None = None
    """Who forbade to erase anything about it."""
    holding: bool = False
    """Whether customers get holding messages only."""
    approval: str | None = None
    """Public id of the question that people are asked before customers read more."""
    postmortem: PostmortemView | None = None
