"""The site as its owner wrote it: page, components, audiences, connections, gates."""

import re
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, LiteralString, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from trusthub.domain.destination import Destination, Guarded
from trusthub.domain.mapping import Map
from trusthub.domain.message import Audience
from trusthub.domain.page import Access, Page, PageKey, component_id
from trusthub.domain.retention import Retention
from trusthub.domain.roles import Roles
from trusthub.domain.written import Duration, Strict


class Publishing(StrEnum):
    """What happens when a rule says that customers should be told."""

    AUTO = "auto"
    """They are told at once."""
    ASK = "ask"
    """Stakeholders are asked; a person presses the button."""
    SHADOW = "shadow"
    """Stakeholders are shown what would have been said."""


class Routing(StrEnum):
    """What a share of traffic is a share of."""

    REQUESTS = "requests"
    STICKY = "sticky"
    """One customer stays on one version, so 5 % of requests is 5 % of customers."""


def _task(words: str) -> str:
    if not re.fullmatch(r"(?!to )[^\W\d_][^.!?\n]{0,79}", words):
        raise ValueError(f"{words!r} does not complete `the requests to ...`. Write it like: pay for an order")
    return words


def _symptom(words: str) -> str:
    if not re.fullmatch(r"[^\W\d_][^.!?\n]{0,39}", words):
        raise ValueError(f"{words!r} does not complete `a request ...`. Write it like: failed, or: was slow")
    return words


def _connection_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError(f"{name!r} is a part of the address /hooks/<name>. Write letters, digits, dots, - and _")
    return name


def _gate_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError(f"{name!r} is a part of the address /gates/<name>. Write letters, digits, dots, - and _")
    return name


def _rate(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d{0,6}/(second|minute|hour|day)", text):
        raise ValueError(f"{text!r} is no rate. Write a number and a time, such as 600/minute")
    return text


ConnectionName = Annotated[str, AfterValidator(_connection_name)]
GateName = Annotated[str, AfterValidator(_gate_name)]


def _called(place: Destination) -> Destination:
    if place.webhook is None or not place.secret:
        raise ValueError("is a program that is called. Write {webhook: ..., secret: ...}: it must know that it is us")
    return place


Called = Annotated[Destination, AfterValidator(_called)]
MapOrName = Annotated[Map | None, BeforeValidator(lambda said: {"like": said} if isinstance(said, str) else said)]
"""A map, or the name of one that comes with the hub."""


class Component(Strict):
    """What customers recognise."""

    id: Annotated[str, AfterValidator(component_id)]
    name: str = Field(min_length=1)
    group: str | None = None
    description: str | None = None
    customers: int | None = Field(default=None, gt=0)
    routing: Routing = Routing.REQUESTS
    task: Annotated[str, AfterValidator(_task)] | None = None
    """What customers do with it, to complete `the requests to ...`: `pay for an order`."""
    symptoms: dict[str, Annotated[str, AfterValidator(_symptom)]] = Field(default_factory=dict)
    """What customers notice when a metric of that name fails: `failed`, `was slow`."""
    watches: tuple[str, ...] = ()
    publishing: Publishing | None = None

    def symptom(self, metrics: Sequence[str], language: str) -> str | None:
        """Return what customers notice, said of several requests; None unless all that failed means one thing.

        `language` is that of the words. In English they may speak of one request (`was slow`), and many are made of it.
        """
        found = {self.symptoms.get(metric) for metric in metrics}
        said = found.pop() if len(found) == 1 else None
        return re.sub(r"^(was|is|has)\b", lambda one: _OF_MANY[one[1]], said) if said and language == "en" else said


_OF_MANY = {"was": "were", "is": "are", "has": "have"}


class Environments(Strict):
    """Which environments customers use, and which namespace belongs to which environment."""

    public: tuple[str, ...] = ("production", "prod")
    namespaces: dict[str, str] = Field(default_factory=dict)


class Connection(Guarded):
    """A configured tool."""

    source: str
    map: MapOrName = None
    """Where our own contract's keys are in the tool's JSON; for the source `generic` only."""
    environment: str | None = None
    publishing: Publishing | None = None
    rate: Annotated[str, AfterValidator(_rate)] | None = None
    """How much is accepted, such as `600/minute`. Nothing is refused for its number without it."""
    expect: Duration | None = Field(default=None, ge=timedelta(minutes=1))
    """How long it may be silent before people are told. Without it, silence means nothing."""
    rollback: Called | None = None
    """The webhook that is called when a person asks for a rollback; for tools that do not ask us by themselves."""


class GateKind(StrEnum):
    """Who asks at a gate, and what its answer means there."""

    FLAGGER_CONFIRM = "flagger-confirm"
    """Flagger, before it begins: an answer in the 200s lets it."""
    FLAGGER_ROLLBACK = "flagger-rollback"
    """Flagger, at every interval: an answer in the 200s rolls back."""
    ARGO_METRIC = "argo-metric"
    """An analysis of Argo Rollouts: how many customers complain."""
    GITHUB_PROTECTION = "github-protection"
    """A deployment protection rule of GitHub: it is answered later, at an address of GitHub's API."""
    GENERIC = "generic"
    """`trusthub gate` in a pipeline."""


class Gate(Guarded):
    """Where a tool asks before it goes on. None exists by itself, and `TRUSTHUB_HOOK_TOKEN` opens none."""

    kind: GateKind
    secret: tuple[str, ...] = Field(repr=False)
    connection: str | None = None
    """The connection over which the tool that asks also reports; by default the first one of the tool."""
    component: str | None = None
    """What it is about, whatever the tool calls it."""
    environment: str | None = None
    """Where, for tools that do not say."""
    break_glass: tuple[str, ...] = ()
    """Versions that pass at once, such as `2.8.1-hotfix*`. Who lets one pass so is on record."""
    wait: Duration = Field(default=timedelta(hours=1), gt=timedelta(0))
    """How long GitHub is kept waiting before it hears no."""
    api: str = "https://api.github.com"
    """The only address that GitHub is answered at, such as `https://github.acme.example/api/v3`."""
    token: str | None = Field(default=None, repr=False)
    app: int | str | None = None
    """Id of the GitHub App that the rule belongs to; its `private_key` makes the tokens."""
    private_key: str | None = Field(default=None, repr=False)
    most_complaints: int = Field(default=5, ge=0)
    """Customers who may complain since a step began before it is called unhealthy."""
    most_rollback_requests: int = Field(default=5, ge=0)
    per_network: int = Field(default=3, ge=1)
    """Customers of one network that count."""

    @property
    def waits_for_notice(self) -> bool:
        """Whether it opens only when stakeholders have been told of the risks."""
        return self.kind not in (GateKind.FLAGGER_ROLLBACK, GateKind.ARGO_METRIC)

    @field_validator("api")
    @classmethod
    def _is_https(cls, url: str) -> str:
        if not re.fullmatch(r"https://[^\s/?#@]+(/[^\s?#]*)?", url):
            raise ValueError(f"{url!r} is not the address of an API. Write https:// and a host")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        for key in sorted(self.model_fields_set - _FOR_ALL - _FOR_KIND[self.kind]):
            raise ValueError(f"{key} means nothing for the kind {self.kind}. Take it out")
        signs = self.model_fields_set & {"token", "app", "private_key"}
        if self.kind is GateKind.GITHUB_PROTECTION and signs not in ({"token"}, {"app", "private_key"}):
            raise ValueError("GitHub takes an answer from an App only. Add app and private_key, or token")
        return self


_FOR_ALL = {"kind", "secret", "connection", "component", "environment"}
_FOR_KIND = {
    GateKind.FLAGGER_CONFIRM: {"break_glass"},
    GateKind.FLAGGER_ROLLBACK: set[str](),
    GateKind.ARGO_METRIC: {"most_complaints", "most_rollback_requests", "per_network"},
    GateKind.GITHUB_PROTECTION: {"break_glass", "wait", "api", "token", "app", "private_key"},
    GateKind.GENERIC: {"break_glass"},
}
"""The keys of a gate that mean something for its kind."""


class Site(Strict):
    """Everything in site.yaml."""

    one: Page | None = Field(default=None, alias="page")
    pages: dict[PageKey, Page] = Field(default_factory=dict)
    """Instead of `page`, by their keys. The first is the one that the hub itself belongs to."""
    roles: Roles = Roles()
    components: tuple[Component, ...] = Field(min_length=1)
    environments: Environments = Environments()
    publishing: Publishing = Publishing.AUTO
    require_signed: bool = False
    """Whether only words that somebody has signed reach customers without a person."""
    audiences: dict[Audience, tuple[Destination, ...]]
    connections: dict[ConnectionName, Connection] = Field(default_factory=dict)
    gates: dict[GateName, Gate] = Field(default_factory=dict)
    help_desks: dict[str, Called] = Field(default_factory=dict)
    """Systems in which customers' conversations go on, by the name that programs give as `external.system`."""
    retention: Retention = Retention()

    @property
    def page(self) -> Page:
        """The public page, or the first of them."""
        return self.every_page[0]

    @property
    def every_page(self) -> tuple[Page, ...]:
        """All of them."""
        return (self.one,) if self.one else tuple(self.pages.values())

    @property
    def locales(self) -> tuple[str, ...]:
        """Every language that any page has, the first page's own first."""
        return tuple(dict.fromkeys(code for page in self.every_page for code in page.locales))

    @property
    def destinations(self) -> dict[str, Destination]:
        """Every place that something is sent to, by its lane."""
        return {place.lane: place for _, place in self.places}

    @property
    def places(self) -> list[tuple[tuple[str | int, ...], Destination]]:
        """Where each destination stands in the file: what hears, what rolls back, and help desks."""
        heard = [
            (("audiences", audience.value, index), place)
            for audience, places in self.audiences.items()
            for index, place in enumerate(places)
        ]
        called = [(("connections", name, "rollback"), it.rollback) for name, it in self.connections.items()]
        desks = [(("help_desks", name), place) for name, place in self.help_desks.items()]
        return [*heard, *((at, place) for at, place in called if place), *desks]

    @field_validator("pages")
    @classmethod
    def _know_their_keys(cls, pages: dict[str, Page]) -> dict[str, Page]:
        return {key: page.called(key) for key, page in pages.items()}

    @model_validator(mode="after")
    def _one_page_or_several(self) -> Self:
        if self.one and "pages" in self.model_fields_set:
            raise _at(("pages",), "two_ways", "stands beside `page`. Put that one below `pages` as well", "pages")
        if not (self.one or self.pages):
            raise ValidationError.from_exception_data(
                "Site", [InitErrorDetails(type="missing", loc=("page",), input=None)]
            )
        return self

    @model_validator(mode="after")
    def _each_page_is_somewhere_else(self) -> Self:
        """Refuse two pages at one host, and pages that leave a component out: nobody would ever read about it."""
        hosts: dict[str, str] = {}
        for number, (key, page) in enumerate(self.pages.items()):
            if (other := hosts.setdefault(page.host, key)) != key:
                why = f"{page.host!r} is the host of page {other!r} already. Give each page a host of its own"
                raise _at(("pages", key, "host"), "host_taken", why, page.host)
            if page.components is None:
                why = "is missing. Name the components that this page shows, by their ids"
                raise _at(("pages", key, "components"), "no_components", why, key)
            if number == 0 and page.access is not Access.PUBLIC:
                why = "the first page is read at the hub's own address. Put one there that is public"
                raise _at(("pages", key, "access"), "first_closed", why, key)
        shown = {each for page in self.pages.values() for each in page.components or ()}
        for index, component in enumerate(self.components if self.pages else ()):
            if component.id not in shown:
                why = f"{component.id!r} is on no page. Name it under the components of one"
                raise _at(("components", index, "id"), "on_no_page", why, component.id)
        return self

    @model_validator(mode="after")
    def _a_place_is_meant_once(self) -> Self:
        """Refuse one name for two addresses, and one address with two secrets: a lane is one of each."""
        for where, place in self.places:
            if place != self.destinations[place.lane]:
                name = place.lane.partition(":")[2]
                why = f"{name!r} is the name of a destination that is not the same. Give each a name of its own"
                raise _at(where, "name_taken", why, place.lane)
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        owners: dict[str, int] = {}
        for index, component in enumerate(self.components):
            names: dict[str, tuple[str | int, ...]] = {component.id: ("id",)}
            for position, name in enumerate(component.watches):
                names.setdefault(name, ("watches", position))
            for name, place in names.items():
                owner = owners.setdefault(name, index)
                if owner != index:
                    raise _taken(name, self.components[owner], ("components", index, *place))
        return self

    def component(self, names: tuple[str, ...]) -> Component | None:
        """Return the component that watches the first of `names` that anything watches."""
        for name in names:
            for component in self.components:
                if name in component.watches or name == component.id:
                    return component
        return None

    def careful(self, component: Component | None, connection: Connection) -> Publishing:
        """Return the more careful of what component and connection say; the site's own word when neither does."""
        said = [place.publishing for place in (component, connection) if place and place.publishing]
        return max(said, key=list(Publishing).index, default=self.publishing)

    def environment(self, *, payload: str | None, connection: str | None, namespace: str | None) -> str | None:
        """Return where it happens: what the payload says, else the connection, else a listed namespace."""
        listed = self.environments.namespaces.get(namespace or "")
        if listed is None and namespace in self.environments.public:
            listed = namespace
        return payload or connection or listed


def _taken(name: str, owner: Component, place: tuple[str | int, ...]) -> ValidationError:
    why = f"{name!r} is a name of component {owner.id!r} already. A name belongs to one component"
    return _at(place, "name_taken", why, name)


def _at(place: tuple[str | int, ...], kind: LiteralString, why: str, found: str) -> ValidationError:
    error = PydanticCustomError(kind, "{why}", {"why": why})
    return ValidationError.from_exception_data("Site", [InitErrorDetails(type=error, loc=place, input=found)])
