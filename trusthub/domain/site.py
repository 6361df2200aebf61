"""The site as its owner wrote it: page, components, audiences, connections, gates."""

import re
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, LiteralString, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from trusthub.domain.brand import Brand
from trusthub.domain.destination import Address, Destination, Guarded
from trusthub.domain.mapping import Map
from trusthub.domain.message import Audience
from trusthub.domain.retention import Retention
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


def _component_id(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise ValueError(f"{name!r} is no id. Write small letters, digits, - and _")
    return name


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
MapOrName = Annotated[Map | None, BeforeValidator(lambda said: {"like": said} if isinstance(said, str) else said)]
"""A map, or the name of one that comes with the hub."""


class Ledger(StrEnum):
    """Who sees how our promises ended."""

    PUBLIC = "public"
    """A page of its own lists them all."""
    INCIDENT = "incident"
    """Each incident shows its own."""
    INTERNAL = "internal"
    """Only the console shows them."""


class Page(Brand):
    """The public page."""

    name: str = Field(min_length=1)
    url: str
    time_zone: str = "UTC"
    support: Address | None = None
    promises: Ledger = Ledger.PUBLIC
    locales: tuple[str, ...] = Field(default=("en",), min_length=1)
    """The languages that customers read; the first is the page's own, and that of the people who work here."""

    @property
    def main(self) -> str:
        """The page's own language."""
        return self.locales[0]

    def prefix(self, locale: str = "") -> str:
        """Return what stands before a path in a language: nothing for the page's own, else such as `/de`."""
        return f"/{locale}" if locale and locale != self.main else ""

    def nearest(self, *wanted: str) -> str:
        """Return the language for a reader: the first of `wanted` that the page has, as it is or without its region."""
        for code in wanted:
            for each in (code.lower(), code.lower().partition("-")[0]):
                if each in self.locales:
                    return each
        return self.main

    @field_validator("locales")
    @classmethod
    def _each_once(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(codes)) < len(codes):
            raise ValueError("names a language twice. Take one out")
        return codes

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", url):
            raise ValueError(f"{url!r} is not the address of a page. Write https:// and a host")
        return url.rstrip("/")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is not a time zone. Write an IANA name such as Europe/Berlin") from error
        return name


class Component(Strict):
    """What customers recognise."""

    id: Annotated[str, AfterValidator(_component_id)]
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


def _slack_user(name: str) -> str:
    if not re.fullmatch(r"[UW][A-Z0-9]{2,}", name):
        raise ValueError(f"{name!r} is no member id of Slack. Copy it from the person's profile; it begins with U or W")
    return name


class Publisher(Strict):
    """Somebody who may decide what customers read. An address alone stands for one who has no Slack."""

    email: Address
    slack: Annotated[str, AfterValidator(_slack_user)] | None = None
    """Their member id. An address in a Slack profile proves nothing: many workspaces let members change it."""

    @model_validator(mode="before")
    @classmethod
    def _address_alone(cls, value: Any) -> Any:
        return {"email": value} if isinstance(value, str) else value


class Roles(Strict):
    """Who may do what not everybody who works here may."""

    legal: tuple[str, ...] = ()
    """Addresses of those who may say more than a holding message about an attack, or about data at risk."""

    publisher: tuple[Publisher, ...] = ()
    """Those who may approve what a playbook puts before people."""

    finance: tuple[str, ...] = ()
    """Addresses of those who may promise money, such as a refund."""

    press: tuple[str, ...] = ()
    """Addresses of those who answer journalists."""

    safety: tuple[str, ...] = ()
    """Addresses of those who answer where somebody may come to harm."""

    def holders(self, role: str) -> tuple[str, ...]:
        """Return the addresses of those who have a role; nobody has one that there is not."""
        publishers = tuple(each.email for each in self.publisher)
        named = {"legal": self.legal, "finance": self.finance, "press": self.press, "safety": self.safety}
        return {**named, "publisher": publishers}.get(role, ())

    def holds(self, role: str, email: str) -> bool:
        """Whether somebody has a role."""
        return email.lower() in {address.lower() for address in self.holders(role)}

    def publishes(self, email: str) -> bool:
        """Whether somebody has the role `publisher`."""
        return self.holds("publisher", email)

    def address_of(self, slack: str) -> str:
        """Return the address of a publisher by their member id in Slack; empty when it is nobody's."""
        return next((each.email for each in self.publisher if slack and each.slack == slack), "")


class Site(Strict):
    """Everything in site.yaml."""

    page: Page
    roles: Roles = Roles()
    components: tuple[Component, ...] = Field(min_length=1)
    environments: Environments = Environments()
    publishing: Publishing = Publishing.AUTO
    require_signed: bool = False
    """Whether only words that somebody has signed reach customers without a person."""
    audiences: dict[Audience, tuple[Destination, ...]]
    connections: dict[ConnectionName, Connection] = Field(default_factory=dict)
    gates: dict[GateName, Gate] = Field(default_factory=dict)
    retention: Retention = Retention()

    @property
    def destinations(self) -> dict[str, Destination]:
        """Every place that an audience names, by its lane."""
        return {place.lane: place for places in self.audiences.values() for place in places}

    @model_validator(mode="after")
    def _a_place_is_meant_once(self) -> Self:
        """Refuse one name for two addresses, and one address with two secrets: a lane is one of each."""
        for audience, places in self.audiences.items():
            for index, place in enumerate(places):
                if place != self.destinations[place.lane]:
                    name = place.lane.partition(":")[2]
                    why = f"{name!r} is the name of a destination that is not the same. Give each a name of its own"
                    raise _at(("audiences", audience.value, index), "name_taken", why, place.lane)
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
