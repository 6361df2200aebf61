"""Reading site.yaml, playbooks and plans: what can be wrong in them is found at start, with file and line."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from trusthub.domain.events import Strategy
from trusthub.domain.incident import Impact
from trusthub.domain.mapping import Map
from trusthub.domain.message import Audience
from trusthub.domain.page import Access, Page
from trusthub.domain.plan import Plan
from trusthub.domain.playbook import Kind, Occasion, Playbook, choose
from trusthub.domain.site import Connection, Site
from trusthub.errors import PlaybookError
from trusthub.rendering import signatures
from trusthub.rendering.signatures import Unsigned
from trusthub.rendering.templates import Templates, opened
from trusthub.services import playbooks as books
from trusthub.services.brand import PLAIN, Look, look
from trusthub.services.document import Document, Place, dotted, parse, read
from trusthub.services.mistakes import hint, model
from trusthub.services.variables import substitute
from trusthub.settings import Settings
from trusthub.sources import SOURCES, reader_of
from trusthub.sources.base import Source
from trusthub.sources.generic import Generic
from trusthub.sources.mapped import MAPS


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the owners of the site wrote, checked."""

    site: Site
    playbooks: tuple[Playbook, ...]
    plans: Mapping[str, Plan]
    templates: Templates
    unsigned: tuple[Unsigned, ...] = ()
    """Messages to customers whose words nobody stands for as they are now."""
    looks: Mapping[str, Look] = field(default_factory=lambda: defaultdict(lambda: PLAIN))
    """The style sheet and logo of each page, by its key."""

    def words_held(self, playbook: Playbook) -> str | None:
        """Say which words of a playbook may not reach customers without a person; None when all may."""
        if not self.site.require_signed:
            return None
        mine = customer_messages((playbook,))
        return next(
            (
                f"The message {each}, and only signed words leave by themselves."
                for each in self.unsigned
                if each.message in mine
            ),
            None,
        )

    def playbook(
        self,
        *,
        strategy: Strategy = Strategy.UNKNOWN,
        component: str | None,
        environment: str | None,
        severity: Impact | None = None,
        kind: Kind | None = None,
    ) -> Playbook:
        """Return the playbook for a rollout or an incident; `load` made sure that there is one."""
        occasion = Occasion(
            strategy=strategy, component=component, environment=environment, severity=severity, kind=kind
        )
        return choose(self.playbooks, occasion)

    @property
    def everyday(self) -> Playbook:
        """The playbook for what no rollout is behind: a silent tool, a way out that is shut, a subscription."""
        public = next(iter(self.site.environments.public), None)
        return self.playbook(strategy=Strategy.UNKNOWN, component=None, environment=public)

    def connection(self, name: str) -> Connection | None:
        """Return a connection of site.yaml, or the one that exists by default for each source."""
        return self.site.connections.get(name) or _BY_DEFAULT.get(name)

    def reader(self, name: str, source: str) -> Source:
        """Return what reads an event of a source that was kept over a connection, as that is configured now."""
        connection = self.connection(name)
        return reader_of(connection) if connection and connection.source == source else SOURCES[source]

    def named(self, name: str) -> Playbook:
        """Return the playbook called `name`; the first one when it was renamed since."""
        return next((playbook for playbook in self.playbooks if playbook.name == name), self.playbooks[0])


_BY_DEFAULT = {name: Connection(source=name) for name in SOURCES}


def load(settings: Settings) -> Configuration:
    """Read and check everything. Raises PlaybookError with file, line, reason and cure."""
    site_file = parse(settings.site, read(settings.site, "Set TRUSTHUB_SITE, or run where playbooks/site.yaml is."))
    site = model(Site, substitute(site_file))
    _check_connections(site_file, site)
    _check_gates(site_file, site)
    _check_destinations(site_file, site, settings)
    _check_pages(site_file, site, settings)
    looks = {page.key: look(site_file, page, _place(page, site)) for page in site.every_page}
    templates = opened(settings.templates_dir)
    if not templates.messages():
        cure = "Set TRUSTHUB_TEMPLATES_DIR to a folder that has messages/."
        raise PlaybookError(f"has no messages. {cure}", file=str(settings.templates_dir), line=1)
    _check_locales(site_file, site, templates)
    templates.check(site.locales)
    plans = books.plans(settings.playbooks / "plans")
    playbooks = books.playbooks(settings, site, plans, templates)
    unsigned = signatures.unsigned(templates, customer_messages(playbooks), site.locales)
    configuration = Configuration(site, playbooks, plans, templates, unsigned, looks)
    _check_coverage(configuration, settings.playbooks)
    return configuration


def customer_messages(playbooks: Iterable[Playbook]) -> frozenset[str]:
    """Return the names of the messages that customers get."""
    found = (book.message(moment, Audience.CUSTOMERS) for book in playbooks for moment in book.tell)
    return frozenset(filter(None, found))


def _check_locales(document: Document, site: Site, templates: Templates) -> None:
    for page in site.every_page:
        for index, code in enumerate(page.locales):
            if code not in templates.locales:
                at = (*_place(page, site), "locales", index)
                message = f"{'.'.join(map(str, at))}: there is no language {code!r} in {templates.root / 'locales'}."
                raise document.error(f"{message} {hint(code, templates.locales)}", at)


def _place(page: Page, site: Site) -> Place:
    return ("pages", page.key) if site.pages else ("page",)


def _check_pages(document: Document, site: Site, settings: Settings) -> None:
    known = [component.id for component in site.components]
    for page in site.every_page:
        at = _place(page, site)
        for index, each in enumerate(page.components or ()):
            if each not in known:
                message = f"{dotted((*at, 'components', index))}: there is no component {each!r}. {hint(each, known)}"
                raise document.error(message, (*at, "components", index))
        if not site.pages:
            for key in sorted(page.model_fields_set & {"access", "components"}):
                message = f"{dotted((*at, key))}: is for one of several pages. Write `pages` instead of `page`."
                raise document.error(message, (*at, key))
        if page.access is Access.OIDC and not settings.oidc_issuer:
            message = f"{dotted((*at, 'access'))}: nobody could sign in. Set TRUSTHUB_OIDC_ISSUER, or write link."
            raise document.error(message, (*at, "access"))
        if page.access is not Access.PUBLIC and page.host == urlsplit(settings.base_url).netloc.lower():
            message = f"{dotted((*at, 'host'))}: the hub itself is at {page.host!r}. Give the page a host of its own."
            raise document.error(message, (*at, "host"))


def _check_connections(document: Document, site: Site) -> None:
    for name, connection in site.connections.items():
        if connection.source not in SOURCES:
            message = f"connections.{name}.source: {connection.source!r} is unknown. {hint(connection.source, SOURCES)}"
            raise document.error(message, ("connections", name, "source"))
        if connection.map is not None:
            _check_map(document, name, connection.source, connection.map)


def _check_map(document: Document, name: str, source: str, found: Map) -> None:
    if source != Generic.name:
        message = f"connections.{name}.map: {source} needs none. Write `source: generic`, or take it out."
        raise document.error(message, ("connections", name, "map"))
    if found.like is not None and found.like not in MAPS:
        message = f"connections.{name}.map: there is no map {found.like!r}. {hint(found.like, MAPS)}"
        raise document.error(message, ("connections", name, "map", "like"))


def _check_gates(document: Document, site: Site) -> None:
    components, connections = [component.id for component in site.components], [*site.connections, *SOURCES]
    for name, gate in site.gates.items():
        for key, value, known in (
            ("component", gate.component, components),
            ("connection", gate.connection, connections),
        ):
            if value is not None and value not in known:
                message = f"gates.{name}.{key}: there is no {key} {value!r}. {hint(value, known)}"
                raise document.error(message, ("gates", name, key))


def _check_destinations(document: Document, site: Site, settings: Settings) -> None:
    for at, place in site.places:
        if place.webhook and place.webhook.startswith("http://") and not settings.webhook_allow_private:
            where = (*at, "webhook")
            message = "is not https. Use https, or set TRUSTHUB_WEBHOOK_ALLOW_PRIVATE for a receiver next door."
            raise document.error(f"{dotted(where)}: {message}", where)


def _check_coverage(configuration: Configuration, folder: Path) -> None:
    """Make sure now that every rollout finds a playbook, so that none fails to at night."""
    environments = [*configuration.site.environments.public, None, "elsewhere"]
    for strategy in Strategy:
        for component in (*(component.id for component in configuration.site.components), None):
            for environment in environments:
                try:
                    configuration.playbook(strategy=strategy, component=component, environment=environment)
                except PlaybookError:
                    where = f"{component or 'an unlisted component'} in {environment or 'an unknown environment'}"
                    message = (
                        f"has no playbook for strategy {strategy} of {where}. Add default.yaml with `match: {{}}`."
                    )
                    raise PlaybookError(message, file=str(folder), line=1) from None
