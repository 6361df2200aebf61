"""What a kept event says, by the configuration as it is now."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from trusthub.domain.events import AlertEvent, RolloutEvent, SourceEvent
from trusthub.domain.site import Component, Connection, Site
from trusthub.services.site import Configuration
from trusthub.sources.base import Inbound
from trusthub.store.tables import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One event, with where it belongs."""

    event: SourceEvent
    component: Component | None
    environment: str | None
    public: bool
    """Whether customers use this environment."""

    @property
    def said(self) -> str:
        """What it says happens, such as `progressing to 2.8.0, 5 % exposed`."""
        event = self.event
        if isinstance(event, AlertEvent):
            return f"an alert {'begins' if event.firing else 'ends'}"
        version = f" to {event.to_version}" if event.to_version else ""
        exposed = "" if event.exposure is None else f", {event.exposure:g} % exposed"
        return f"{event.phase.replace('_', ' ') if event.phase else 'nothing about the phase'}{version}{exposed}"


def read(configuration: Configuration, row: Event) -> list[Reading]:
    """Return what a kept request says; nothing when it means nothing here.

    Raises PayloadError or UnknownEventError as its source does.
    """
    inbound = Inbound(body=row.body, headers=row.headers, received_at=row.received_at)
    connection = configuration.connection(row.connection) or Connection(source=row.source)
    reader = configuration.reader(row.connection, row.source)
    return [_placed(configuration.site, connection, event) for event in reader.parse(inbound)]


def _placed(site: Site, connection: Connection, event: RolloutEvent | AlertEvent) -> Reading:
    environment = site.environment(
        payload=event.environment, connection=connection.environment, namespace=event.namespace
    )
    return Reading(
        event=event,
        component=site.component(event.names),
        environment=environment,
        public=environment in site.environments.public,
    )


def to_watch(site: Site, names: Sequence[str]) -> tuple[str, str]:
    """Return where in site.yaml a line goes (`at ...`), and the line, so that a component watches the first of `names`.

    The component that is called most alike gets it; when none is, the line is a new component.
    """
    owners = {_short(known): each for each in site.components for known in (each.id, each.name, *each.watches)}
    near = next((found[0] for name in names if (found := difflib.get_close_matches(_short(name), owners, n=1))), None)
    if near is not None:
        owner = owners[near]
        line = f"watches: {_yaml([*owner.watches, names[0]])}"
        return f"the component {owner.id}, instead of its line for watches", line
    short = _short(names[0])
    made = {"id": _NO_ID.sub("-", short).strip("-") or "service", "name": short.capitalize(), "watches": [names[0]]}
    return "the end of `components`", f"- {_yaml(made)}"


_NO_ID = re.compile(r"[^a-z0-9_-]+")


def _short(name: str) -> str:
    return name.rpartition("/")[2].lower()


def _yaml(value: object) -> str:
    """Return a value in one line of YAML."""
    return yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=float("inf")
    ).strip()
