"""What facts that are lists are made of: each has a few values that a template can read."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Share:
    """So many percent (0-100) for so many minutes."""

    percent: float
    minutes: int


@dataclass(frozen=True, slots=True)
class WayBack:
    """What is turned back on one layer of a plan, who does it and in how many minutes."""

    layer: str
    """toggle, traffic, schema or configuration."""
    how: str
    minutes: float
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tallied:
    """How many customers complain, how badly it hurts them, and how many ask for a rollback."""

    complaints: int = 0
    blocking: int = 0
    painful: int = 0
    minor: int = 0
    requests: int = 0


@dataclass(frozen=True, slots=True)
class Heard:
    """One step of a rollout, with what was said by those who first spoke in it."""

    since: datetime
    percent: float | None
    """Of users on the new version; None when the tool did not say."""
    tally: Tallied


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One figure of the trust report in a month, and what it was before: percent or minutes."""

    metric: str
    """A domain.trust.Metric's id."""
    shape: str
    n: int
    value: float | None
    """None where so few make no percentage."""
    base_n: int
    base: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """A fact, by its name, as it was and as it is, in words."""

    name: str
    before: str
    after: str
