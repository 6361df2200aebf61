"""What all flag tools have in common: a switch in an environment, and sometimes a share of the users."""

from datetime import datetime
from typing import NamedTuple

from trusthub.domain.events import Link, Phase, RolloutEvent, Strategy
from trusthub.sources.base import succeeded


def switched(*, on: bool, share: float | None = None) -> tuple[Phase, float]:
    """Return what a switch means: on for everybody, on for a share (percent), or off."""
    return succeeded(share) if on else (Phase.ROLLED_BACK, 0.0)


class Flag(NamedTuple):
    """A flag in one environment."""

    project: str
    name: str
    environment: str | None


def flag_event(
    flag: Flag,
    *,
    kind: str,
    at: datetime,
    key: str,
    meaning: tuple[Phase | None, float | None] = (None, None),
    actor: str = "",
    links: tuple[Link, ...] = (),
) -> RolloutEvent:
    """Return an event about a flag. A flag has no attempts: its name in its environment stands for all of them."""
    phase, exposure = meaning
    names = (f"{flag.project}/{flag.name}", flag.name) if flag.project else (flag.name,)
    return RolloutEvent(
        kind=kind,
        names=names,
        attempt="/".join((flag.project, flag.environment or "", flag.name)),
        occurred_at=at,
        duplicate_key=key,
        phase=phase,
        strategy=Strategy.FLAG,
        environment=flag.environment,
        artifact=flag.name,
        exposure=exposure,
        actor=actor,
        links=links,
    )
