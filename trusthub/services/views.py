"""What pages are made of: plain values, worded and linked, so that no database row ever reaches a template."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from trusthub.domain.incident import OVER
from trusthub.services.curve import ExposureView
from trusthub.services.files import FileView

STATE_WORDS = {
    "investigating": "Investigating",
    "identified": "Identified",
    "monitoring": "Monitoring",
    "resolved": "Resolved",
    "postmortem": "Postmortem",
    "scheduled": "Planned",
    "in_progress": "Under way",
    "verifying": "Being checked",
    "completed": "Finished",
}
STATUS_WORDS = {
    "operational": "Operational",
    "degraded_performance": "Degraded performance",
    "partial_outage": "Partial outage",
    "major_outage": "Major outage",
    "under_maintenance": "Under maintenance",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageView:
    """A language of the page: what it calls itself, and the address of the page in it, with a slash at its end."""

    code: str
    name: str
    home: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """The public page itself."""

    name: str
    url: str
    hub_url: str
    """Where forms are posted to; the page may be served from elsewhere."""
    support: str | None
    indicator: str
    """none, maintenance, minor, major or critical."""
    headline: str
    """One sentence, such as `All systems operational`."""
    rendered_at: datetime
    promises: str = "public"
    """Who sees how promises ended: public, incident or internal."""
    trust: bool = False
    """Whether visitors read the short form of the trust report."""
    locale: str = "en"
    """The language that it is in."""
    languages: tuple[LanguageView, ...] = ()
    """All that it is published in."""

    title: str = ""
    """What feeds and the history are called: whose they are and what of."""

    files: bool = False
    """Whether customers can attach files."""

    sheet: str = "page.css"
    """The name of its style sheet."""
    logo: bool = False
    """Whether that has a logo."""
    intro: Markup | None = None
    """What its owner says above the components."""
    intro_lang: str | None = None
    """The language of that, when it is another one."""
    footer: Markup | None = None
    """What its owner says at the end of every page."""
    footer_lang: str | None = None

    @property
    def home(self) -> str:
        """The address of its front page in this language."""
        return next((each.home for each in self.languages if each.code == self.locale), f"{self.url}/")

    @property
    def prefix(self) -> str:
        """What stands before a path in this language: nothing for the page's own, else such as `/de`."""
        return self.home.removeprefix(self.url).rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayView:
    """A day (UTC) with trouble."""

    at: datetime
    place: int
    """Days after the first bar."""
    status: str
    """The worst of it."""
    spent: tuple[tuple[str, timedelta], ...]
    """Each status in words, and for how long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowView:
    """The uptime of the last so many days."""

    days: int
    percent: float | None
    """0-100; None when nothing is known."""
    incidents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UptimeView:
    """The bars of a component: one for each day, of which only those with trouble are named."""

    first: datetime
    """The day of the first bar."""
    unknown: int
    """Bars at the beginning of which nothing is known: the component was not on the page yet."""
    windows: tuple[WindowView, ...]
    """Longest first."""
    troubled: tuple[DayView, ...]
    """Oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentView:
    """A component or a group with its members."""

    name: str
    description: str | None
    status: str
    status_words: str
    members: tuple["ComponentView", ...] = ()
    public_id: str = ""
    uptime: UptimeView | None = None
    """None for a group."""

    @property
    def single(self) -> tuple["ComponentView", ...]:
        """The members of a group, or the component itself."""
        return self.members or (self,)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseView:
    """A time we gave. `earliest` is set for a recovery, which is a range."""

    kind: str
    earliest: datetime | None
    due: datetime
    basis: str
    standing: str
    """pending, kept, missed or withdrawn."""
    settled_at: datetime | None
    made_at: datetime
    owner: str = ""
    """Who keeps it. Only staff see that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsView:
    """What somebody said, and when. `html` is safe: sanitised, or escaped text, which a plain `str` would be again."""

    html: Markup
    at: datetime
    lang: str | None = None
    """Its language, when it is not that of the page."""

    @property
    def text(self) -> str:
        """The words without their form, in one line."""
        return _text(self.html)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateView(WordsView):
    """One published message."""

    state: str
    state_words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    """An incident as customers see it."""

    public_id: str
    url: str
    name: str
    state: str
    state_words: str
    impact: str
    components: tuple[str, ...]
    started_at: datetime
    resolved_at: datetime | None
    next_update: datetime | None
    """When we promised to write again; None when nothing is promised."""
    overdue: bool
    """Whether that time has passed."""
    updates: tuple[UpdateView, ...]
    """Newest first."""
    promises: tuple[PromiseView, ...]
    exposure: ExposureView | None
    retracted: bool
    """It was a false alarm."""
    failed: int | None = None
    """Failed requests, once they are counted."""
    customers: int | None = None
    """Customers who were hit, once a person counted them."""
    lang: str | None = None
    """The language of its name, when that is not the page's."""
    change: bool = False
    """Whether a change of ours is behind it that is not being rolled back already."""
    scheduled_for: datetime | None = None
    """When planned work begins; None for what was not planned."""
    scheduled_until: datetime | None = None
    """When we said that it ends."""
    cancelled: bool = False
    """It was planned, and will not be done."""
    me_too: int = 0
    """From how many networks somebody said so."""
    postmortem: Markup | None = None
    """Why it happened and what changes, once that is published."""
    postmortem_lang: str | None = None
    """The language of that, when it is another one."""

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.state in OVER

    @property
    def lasted(self) -> timedelta | None:
        """From start to end; None while it lasts."""
        return self.resolved_at - self.started_at if self.resolved_at else None

    @property
    def recovery(self) -> PromiseView | None:
        """The recovery we promised and neither kept nor missed yet."""
        return next((made for made in self.promises if made.kind == "recovery" and made.standing == "pending"), None)

    def count(self, standing: str) -> int:
        """Return how many of the promises ended like this."""
        return sum(made.standing == standing for made in self.promises)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView(WordsView):
    """One message of a thread."""

    by: str
    """customer, staff or hub."""
    author: str
    id: int = 0
    via: str = "page"
    """page, mail, console, slack or api."""
    edited_at: datetime | None = None
    """When its author corrected it."""
    withdrawn_at: datetime | None = None
    """When its author took it back. The words stay, because they were sent."""
    files: tuple[FileView, ...] = ()
    stranger: str = ""
    """The address that it came from, when that is not the customer's: only staff see such a message."""
    verdict: str = ""
    """What the server that took the mail found about its sender. Only staff see that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadView:
    """One customer's conversation."""

    id: int
    public_id: str
    state: str
    """open: waits for us; answered: waits for the customer; closed."""
    customer: str
    contact: str
    """How the customer can be reached, in words."""
    incident_name: str
    """What it is about: an incident, or a component."""
    incident_url: str
    opened_at: datetime
    updated_at: datetime
    messages: tuple[MessageView, ...]
    waiting_since: datetime | None = None
    """Since when the customer waits for a person's answer."""
    wants_rollback: bool = False
    verified: bool = False
    """The customer confirmed their address."""
    confirmed_by: str | None = None
    """Who of us knows them to be real."""
    locale: str = "en"
    """The language in which they read us."""
    on_incident: bool = True
    pain: str | None = None
    """blocking, painful, minor; None when they did not say."""
    fixed: bool | None = None
    """What they answered last to "is it fixed for you?"."""
    rating: int | None = None
    next_update: datetime | None = None
    """When we promised to write again about its incident."""
    by_mail: bool = False
    """Whether an answer to our mails reaches us."""
    recorded_by: str | None = None
    """Who of us wrote it down for the customer."""
    recorded_url: str | None = None
    """Where the customer said it."""

    @property
    def incident_public_id(self) -> str:
        """For addresses in the console."""
        return self.incident_url.rpartition("/")[2]


_BLOCK_END = re.compile(r"(?=<(?:br|/(?:p|li|h[2-6]|pre|td|th))\b)")


def _text(html: Markup) -> str:
    return Markup(_BLOCK_END.sub(" ", html)).striptags()  # noqa: S704 - what had no tag before has none after
