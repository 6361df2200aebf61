"""What every service needs, built once by the composition root."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from trusthub.domain.inbound import Mailbox
from trusthub.domain.page import Page as SitePage
from trusthub.services.brand import Look
from trusthub.services.refusals import Refusals
from trusthub.services.site import Configuration
from trusthub.services.tokens import Tokens
from trusthub.services.tracing import OFF, Traces
from trusthub.store.session import Database


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Hub:
    """The database, what the owners wrote, and where this hub answers."""

    database: Database
    configuration: Configuration
    tokens: Tokens
    base_url: str
    clock: Callable[[], datetime] = utc_now
    """What time it is, UTC-aware. Tests hand in their own."""
    mailbox: Mailbox | None = None
    """Where answers by mail arrive; None when nothing reads them."""
    files: Path | None = None
    """The folder of what customers attach; None when they cannot."""
    traces: Traces = OFF
    """Where spans go."""
    refusals: Refusals = field(default_factory=Refusals, repr=False, compare=False)
    """Requests that this process did not take, until they are written."""

    on: SitePage | None = None
    """The page that this speaks for; None for the people who work here, who see all of them."""

    @property
    def page(self) -> SitePage:
        """The page as site.yaml has it: the one that this speaks for, else the first."""
        return self.on or self.configuration.site.page

    @property
    def pages(self) -> tuple["Hub", ...]:
        """This hub as each of its pages, the first one first."""
        return tuple(replace(self, on=page) for page in self.configuration.site.every_page)

    def at(self, key: str) -> "Hub":
        """Return this hub as one of its pages; as the first when there is none of that key."""
        return next((each for each in self.pages if each.page.key == key), self.pages[0])

    @property
    def alone(self) -> bool:
        """Whether there is one page only."""
        return not self.configuration.site.pages

    @property
    def first(self) -> bool:
        """Whether it speaks for the first page, which is at the hub's own address."""
        return self.page.key == self.configuration.site.page.key

    @property
    def shows(self) -> frozenset[str] | None:
        """Ids of the components that it may speak of; None for all."""
        return None if self.on is None or self.on.components is None else frozenset(self.on.components)

    @property
    def look(self) -> Look:
        """How the page looks."""
        return self.configuration.looks[self.page.key]

    @property
    def front(self) -> str:
        """Where the hub itself answers the readers of the page."""
        return self.base_url if self.first else self.page.url

    def home_url(self, locale: str = "") -> str:
        """Where customers read the page in a language, without a slash at its end; in its own when none is given."""
        return f"{self.page.url}{self.page.prefix(locale)}"

    def incident_url(self, public_id: str, locale: str = "") -> str:
        """Where customers read about an incident, in a language."""
        return f"{self.home_url(locale)}/incidents/{public_id}"

    def component_url(self, public_id: str, locale: str = "") -> str:
        """Where customers read how a component does, and write to us about it. The hub itself serves it."""
        return f"{self.front}{self.page.prefix(locale)}/components/{public_id}"

    def console_url(self, kind: str, public_id: str) -> str:
        """Where staff work on an incident, rollout or thread."""
        return f"{self.base_url}/console/{kind}/{public_id}"

    def thread_url(self, public_id: str, version: int, *, mailed: bool = False) -> str:
        """One customer's private page. It is served by the hub itself, never from a cache.

        Whoever has what is `mailed` reads the mail to the customer's address: it may be shown nowhere else.
        """
        return f"{self.front}/threads/{self.tokens.make('mailed' if mailed else 'thread', public_id, version)}"
