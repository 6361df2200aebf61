"""What the pages of the support desk are made of."""

from dataclasses import dataclass
from datetime import datetime


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
