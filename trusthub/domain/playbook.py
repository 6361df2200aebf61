"""Playbooks and plans: for a kind of rollout, how we go back, and who is told what at each moment."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from trusthub.domain.events import Strategy
from trusthub.domain.message import Audience, Moment
from trusthub.errors import PlaybookError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d{1,6})\s*([smhd])", str(value).strip(), re.ASCII)
    if not match:
        raise ValueError(f"{value!r} is not a duration. Write a number and s, m, h or d, such as 30m")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


Duration = Annotated[timedelta, BeforeValidator(_duration)]


class Strict(BaseModel):
    """Input written by hand: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Recovery(Strict):
    """How long going back takes, as a range with the reason we believe it."""

    from_: Duration = Field(alias="from")
    to: Duration
    basis: str = Field(min_length=1)

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.from_ > self.to:
            raise ValueError("`from` is longer than `to`. Write the shorter time first")
        return self


class Layers(Strict):
    """What is turned back, layer by layer. `none` is an answer, silence is not."""

    toggle: str = Field(min_length=1)
    traffic: str = Field(min_length=1)
    schema_: str = Field(alias="schema", min_length=1)


class Plan(Strict):
    """The documented rollback. A rollout whose plan is missing or incomplete is not ready to start."""

    name: str
    title: str = Field(min_length=1)
    summary: str = Field(min_length=1)
    recovery: Recovery
    sla: str = Field(min_length=1)
    layers: Layers
    known_risks: tuple[str, ...] = Field(min_length=1)
    unknown_risks: tuple[str, ...] = Field(min_length=1)
    owner: str | None = None
    """Who keeps what it promises when no person has written: a team's name or a mail address."""
    document: str = Field(min_length=1)
    """The whole text in Markdown, for the person who has to do it."""


class Match(Strict):
    """What a playbook is for. What is left out matches anything."""

    strategy: Strategy | None = None
    component: str | None = None
    environment: str | None = None

    def specificity(self, *, strategy: Strategy, component: str | None, environment: str | None) -> int | None:
        """Return how closely this matches, or None when it does not. A component outweighs an environment."""
        wanted = ((self.component, component, 4), (self.environment, environment, 2), (self.strategy, strategy, 1))
        if any(mine is not None and mine != theirs for mine, theirs, _ in wanted):
            return None
        return sum(weight for mine, _, weight in wanted if mine is not None)


class Playbook(Strict):
    """Who hears what at each moment, how often we write, and when quiet means that it is over."""

    name: str
    match: Match = Match()
    plan: str
    public_from: float = Field(default=1.0, ge=0, le=100)
    """Percent of exposure from which harm is told to customers."""
    next_update: Duration = Field(default=timedelta(minutes=30), ge=timedelta(minutes=1))
    """How long after each public message the next one is promised."""
    remind_before: Duration | None = Field(default=None, ge=timedelta(minutes=1))
    """How long before a promise is due people are reminded; None: a third of the time given, and 3 minutes at least."""
    quiet: Duration = timedelta(minutes=30)
    """How long nothing may happen after the rollback before the incident resolves itself; 0s leaves it to a person."""
    tell: dict[Moment, dict[Audience, str]]


def choose(
    playbooks: Sequence[Playbook], *, strategy: Strategy, component: str | None, environment: str | None
) -> Playbook:
    """Return the most specific playbook. Raises PlaybookError when none matches or two match equally."""
    scored = [
        (score, playbook)
        for playbook in playbooks
        if (score := playbook.match.specificity(strategy=strategy, component=component, environment=environment))
        is not None
    ]
    rollout = f"strategy {strategy}, component {component}, environment {environment}"
    if not scored:
        raise PlaybookError(f"No playbook matches {rollout}.")
    best = max(score for score, _ in scored)
    winners = [playbook for score, playbook in scored if score == best]
    if len(winners) > 1:
        names = " and ".join(playbook.name for playbook in winners)
        raise PlaybookError(f"Playbooks {names} match equally ({rollout}). Narrow one.")
    return winners[0]
