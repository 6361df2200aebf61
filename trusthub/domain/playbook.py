"""Playbooks: for a kind of change, who is told what at each moment, how often, and by which plan we go back."""

import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from trusthub.domain.approval import ApprovalRule
from trusthub.domain.complaints import Threshold
from trusthub.domain.events import Strategy
from trusthub.domain.incident import Impact
from trusthub.domain.message import Audience, Moment
from trusthub.domain.written import Duration, OneOrMore, Strict
from trusthub.errors import PlaybookError


class Kind(StrEnum):
    """What a person says that it is; no tool reports these."""

    MANUAL = "manual"
    """Something does not work."""
    UNWELCOME = "unwelcome"
    """Nothing is broken: customers dislike what we changed."""
    MAINTENANCE = "maintenance"
    """Planned work."""


# ---------------------------------------------------------------------------------------------- which one it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a playbook is sought for. What is None is not known, or does not apply."""

    strategy: Strategy = Strategy.UNKNOWN
    component: str | None = None
    environment: str | None = None
    severity: Impact | None = None
    kind: Kind | None = None

    def __str__(self) -> str:
        said = {name: getattr(self, name) for name in _BY_WEIGHT}
        return ", ".join(f"{name} {value or 'unknown'}" for name, value in said.items() if value or name in _ALWAYS)


_BY_WEIGHT = ("strategy", "kind", "severity", "environment", "component")
"""What a match can name, the least specific first: each outweighs all before it together."""
_ALWAYS = ("strategy", "component", "environment")


class Match(Strict):
    """What a playbook is for: one value or several of each. What is left out matches anything."""

    strategy: OneOrMore[Strategy] = ()
    kind: OneOrMore[Kind] = ()
    severity: OneOrMore[Impact] = ()
    environment: OneOrMore[str] = ()
    component: OneOrMore[str] = ()

    def specificity(self, occasion: Occasion) -> int | None:
        """Return how closely this matches, or None when it does not."""
        asked = [name for name in _BY_WEIGHT if getattr(self, name)]
        if any(getattr(occasion, name) not in getattr(self, name) for name in asked):
            return None
        return sum(1 << _BY_WEIGHT.index(name) for name in asked)

    def ties_with(self, other: Self) -> dict[str, str] | None:
        """Return an occasion for which neither of two is more specific, as what each names; None when there is none.

        Two that name different things never tie, because of the weights.
        """
        both = {name: (getattr(self, name), getattr(other, name)) for name in _BY_WEIGHT}
        if any(bool(mine) != bool(theirs) for mine, theirs in both.values()):
            return None
        common = {name: [value for value in mine if value in theirs] for name, (mine, theirs) in both.items() if mine}
        return {name: str(values[0]) for name, values in common.items()} if all(common.values()) else None


# ---------------------------------------------------------------------------------------------- who hears, and when

_COMPARE = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}


@dataclass(frozen=True, slots=True)
class Bound:
    """A condition on a percentage, such as `>= 25`."""

    sign: str
    percent: float

    def holds(self, percent: float | None) -> bool:
        """Whether it holds. What is not known counts as reached: nobody is left out because a tool does not say."""
        return percent is None or _COMPARE[self.sign](percent, self.percent)


def _bound(value: Any) -> Any:
    if value is None or isinstance(value, Bound):
        return value
    match = re.fullmatch(r"(>=|<=|>|<)?\s*(\d{1,3}(?:\.\d+)?)\s*%?", str(value).strip(), re.ASCII)
    if not match:
        raise ValueError(f'{value!r} is no condition on a percentage. Write ">= 25", with the quotes')
    return Bound(match[1] or ">=", float(match[2]))


class When(Strict):
    """The conditions under which an audience is told. All must hold."""

    exposure: Annotated[Bound | None, BeforeValidator(_bound)] = None
    """Percent on the new version now."""
    peak: Annotated[Bound | None, BeforeValidator(_bound)] = None
    """The highest percent so far, which a rollback does not take back."""
    impact: Impact | None = None
    """This bad, or worse."""

    def holds(self, *, exposure: float | None, peak: float | None, impact: Impact | None) -> bool:
        """Whether the audience is told. Exposures are percent (0-100)."""
        bad = impact is None or self.impact is None or impact.at_least(self.impact)
        return (
            bad
            and (self.exposure is None or self.exposure.holds(exposure))
            and (self.peak is None or self.peak.holds(peak))
        )


class Told(Strict):
    """The message that an audience gets, and when it gets it. A name alone is always told."""

    message: str = Field(examples=["rollout.progressed"])
    when: When = When()

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"message": value} if isinstance(value, str) else value


class Pace(Strict):
    """How soon customers hear of something of one severity, and how often after that."""

    acknowledge: Duration = Field(ge=timedelta(minutes=1))
    every: Duration = Field(ge=timedelta(minutes=1))


CADENCE = {
    "critical": {"acknowledge": "10m", "every": "20m"},
    "major": {"acknowledge": "15m", "every": "30m"},
    "minor": {"acknowledge": "60m", "every": "120m"},
    "none": {"acknowledge": "4h", "every": "24h"},
}
"""What others who do this well promise, by severity; PagerDuty's guide and four public runbooks agree on the range."""


class Wave(Strict):
    """From when on rollbacks are one incident: more than so many within a time."""

    more_than: int = Field(default=3, ge=1)
    within: Duration = Field(default=timedelta(minutes=10), ge=timedelta(minutes=1))


class Playbook(Strict):
    """Who hears what at each moment, how often we write, and when quiet means that it is over."""

    name: str
    extends: str | None = None
    """The playbook that has what this one leaves out; `match` is never taken from there."""
    match: Match = Match()
    plan: str = Field(examples=["default"])
    public_from: float = Field(default=1.0, ge=0, le=100)
    """Percent of exposure from which harm is told to customers."""
    cadence: dict[Impact, Pace] = Field(default_factory=dict, validate_default=True)
    remind_before: Duration | None = Field(default=None, ge=timedelta(minutes=1))
    """How long before a promise is due people are reminded; None: a third of the time given, and 3 minutes at least."""
    approval: ApprovalRule | None = None
    """Who approves what would reach customers by itself; None lets it leave at once."""
    reminders: tuple[Annotated[Duration, Field(ge=timedelta(minutes=1))], ...] = (
        timedelta(hours=24),
        timedelta(hours=1),
    )
    """How long before planned work customers are reminded of it."""
    quiet: Duration = timedelta(minutes=30)
    """How long nothing may happen after the rollback before the incident resolves itself; 0s leaves it to a person."""
    wave: Wave = Wave()
    propose_rollback: Threshold | None = None
    """How many customers who ask for a rollback put one before a person; None leaves it to people to see it."""
    stages: tuple[Annotated[float, Field(gt=0, le=100)], ...] = Field(default=(5.0, 25.0, 50.0, 100.0), min_length=1)
    """Percent at which such a rollout stops to look; a drill lets it fail at each."""
    tell: dict[Moment, dict[Audience, Told]] = Field(examples=["{rollback.started: {support: rollback.started}}"])

    @field_validator("cadence", mode="before")
    @classmethod
    def _filled_up(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        other = CADENCE["none"]  # of a word that is unknown, only that is said
        filled = {word: {**CADENCE.get(word, other), **pace} for word, pace in given.items() if isinstance(pace, dict)}
        return {**CADENCE, **given, **filled}

    @field_validator("stages")
    @classmethod
    def _rise(cls, stages: tuple[float, ...]) -> tuple[float, ...]:
        if list(stages) != sorted(set(stages)):
            raise ValueError("do not rise. Write each share once, the smallest first")
        return stages

    def message(self, moment: Moment, audience: Audience) -> str | None:
        """Return the message that an audience gets at a moment, when its conditions hold."""
        told = self.tell.get(moment, {}).get(audience)
        return told.message if told else None

    def pace(self, severity: Impact) -> Pace:
        """Return how soon and how often customers hear of something that severe."""
        return self.cadence[severity]


def choose(playbooks: Sequence[Playbook], occasion: Occasion) -> Playbook:
    """Return the most specific playbook. Raises PlaybookError when none matches or two match equally."""
    scored = [
        (score, playbook) for playbook in playbooks if (score := playbook.match.specificity(occasion)) is not None
    ]
    if not scored:
        raise PlaybookError(f"No playbook matches {occasion}.")
    best = max(score for score, _ in scored)
    winners = [playbook for score, playbook in scored if score == best]
    if len(winners) > 1:
        names = " and ".join(playbook.name for playbook in winners)
        raise PlaybookError(f"Playbooks {names} match equally ({occasion}). Narrow one.")
    return winners[0]
