"""The site as its owner wrote it: page, components, audiences, connections."""

import re
from enum import StrEnum
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from trusthub.domain.message import Audience
from trusthub.domain.playbook import Strict


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


class Page(Strict):
    """The public page."""

    name: str = Field(min_length=1)
    url: str = Field(pattern=r"^https?://")
    time_zone: str = "UTC"
    support: str | None = None

    @field_validator("url")
    @classmethod
    def _no_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is not a time zone. Write an IANA name such as Europe/Berlin.") from error
        return name


class Component(Strict):
    """What customers recognise."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    name: str = Field(min_length=1)
    group: str | None = None
    description: str | None = None
    customers: int | None = Field(default=None, gt=0)
    routing: Routing = Routing.REQUESTS
    watches: tuple[str, ...] = ()
    publishing: Publishing | None = None


class Environments(Strict):
    """Which environments customers use, and which namespace belongs to which environment."""

    public: tuple[str, ...] = ("production", "prod")
    namespaces: dict[str, str] = Field(default_factory=dict)


class Destination(Strict):
    """One place a message goes to: exactly one of the channels."""

    slack: str | None = None
    email: str | None = None
    page: bool | None = None
    sandbox: str | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("name exactly one of slack, email, page, sandbox")
        return self

    @field_validator("email")
    @classmethod
    def _address(cls, email: str | None) -> str | None:
        if email is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
            raise ValueError(f"{email!r} is not an email address")
        return email

    @property
    def lane(self) -> str:
        """The lane that keeps deliveries to this place in order."""
        ((channel, where),) = self.model_dump(exclude_none=True).items()
        return f"{channel}:{'main' if channel == 'page' else where}"


class Connection(Strict):
    """A configured tool."""

    source: str
    secret: str | None = None
    environment: str | None = None
    publishing: Publishing | None = None


class Site(Strict):
    """Everything in site.yaml."""

    page: Page
    components: tuple[Component, ...] = Field(min_length=1)
    environments: Environments = Environments()
    publishing: Publishing = Publishing.AUTO
    audiences: dict[Audience, tuple[Destination, ...]]
    connections: dict[str, Connection] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        seen: dict[str, str] = {}
        for component in self.components:
            for name in (component.id, *dict.fromkeys(component.watches)):
                if seen.setdefault(name, component.id) != component.id:
                    raise ValueError(
                        f"components {seen[name]} and {component.id} both watch {name!r}; a name belongs to one"
                    )
        return self

    def component(self, names: tuple[str, ...]) -> Component | None:
        """Return the component that watches the first of `names` that anything watches."""
        for name in names:
            for component in self.components:
                if name in component.watches or name == component.id:
                    return component
        return None

    def environment(self, *, payload: str | None, connection: str | None, namespace: str | None) -> str | None:
        """Return where it happens: what the payload says, else the connection, else a listed namespace."""
        listed = self.environments.namespaces.get(namespace or "")
        if listed is None and namespace in self.environments.public:
            listed = namespace
        return payload or connection or listed
