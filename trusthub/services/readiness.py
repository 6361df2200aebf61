"""How ready each component is to go back: what its plans say, in a few words, and when they were tried last."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product

from trusthub.domain.events import Strategy
from trusthub.domain.incident import Impact
from trusthub.domain.outcome import minutes
from trusthub.domain.plan import Layer, Plan
from trusthub.domain.playbook import Kind
from trusthub.services.site import Configuration

STALE = timedelta(days=90)
"""After this a drill says little: people, tools and versions have changed since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """One plan, for the components that it is in force for."""

    components: tuple[str, ...]
    plan: str
    artifact: str
    traffic: str
    trigger: str
    database: str
    configuration: str
    last_drill: str
    tried: bool
    """Whether it was drilled, and not too long ago."""


def readiness(configuration: Configuration, today: date) -> list[Readiness]:
    """Return how ready components are, those together that are ready in the same way."""
    plans: dict[str, list[str]] = defaultdict(list)
    for component in configuration.site.components:
        for plan in dict.fromkeys(_in_force(configuration, component.id)):
            plans[plan].append(component.name)
    return [_of(configuration.plans[plan], tuple(names), today) for plan, names in sorted(plans.items())]


def _in_force(configuration: Configuration, component: str) -> Iterator[str]:
    """Yield the plan of every occasion that the component can meet."""
    environments = (*configuration.site.environments.public, None)
    for strategy, environment, severity, kind in product(Strategy, environments, (None, *Impact), (None, *Kind)):
        found = configuration.playbook(
            strategy=strategy, component=component, environment=environment, severity=severity, kind=kind
        )
        yield found.plan


def _of(plan: Plan, components: tuple[str, ...], today: date) -> Readiness:
    tried = plan.last_drilled is not None and today - plan.last_drilled <= STALE
    count = len(plan.triggers)
    return Readiness(
        components=components,
        plan=plan.name,
        artifact=plan.artifact.versions,
        traffic=_layer(plan.layers.traffic),
        trigger=f"{count} written down",
        database=_layer(plan.layers.schema_),
        configuration=_layer(plan.layers.configuration),
        last_drill=_drilled(plan, today),
        tried=tried,
    )


def _layer(layer: Layer) -> str:
    count = minutes(layer.time)
    return (
        f"{count} minute{'' if count == 1 else 's'}, {layer.owner}" if layer.time else f"nothing moves, {layer.owner}"
    )


def _drilled(plan: Plan, today: date) -> str:
    if plan.last_drilled is None:
        return "never"
    day = f"{plan.last_drilled.day} {plan.last_drilled:%B %Y}"
    return day if today - plan.last_drilled <= STALE else f"{day}, too long ago"
