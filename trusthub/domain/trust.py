"""What says whether our word can be relied on: each figure with its number, its past, and no percentage of a few.

A figure is made of observations: one incident, promise, thread or rollout says one thing at one time. What each means
stands in `domain.observed`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from statistics import median

FEW = 10
"""Observations below which a percentage would say nothing."""
PAST = 12
"""Months before a month that are what it is compared with."""


class Shape(StrEnum):
    """What is made of the observations."""

    SHARE = "share"
    """Each is 1 or 0, and the figure is a percentage."""
    MEDIAN = "median"
    """Each is a number of minutes."""
    TOTAL = "total"
    """Each is a number of minutes, and they add up."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of the report."""

    id: str
    name: str
    shape: Shape
    says: str
    """What it is, and of what."""
    public: bool = False
    """Whether the public short form has it."""


_METRICS = (
    Metric(
        "acknowledgement",
        "Time to the first word",
        Shape.MEDIAN,
        "Median minutes from the beginning of an incident to our first public word on it.",
        public=True,
    ),
    Metric(
        "cadence",
        "Updates on cadence",
        Shape.SHARE,
        "Times between two public updates of an incident that were no longer than its playbook's cadence.",
        public=True,
    ),
    Metric(
        "promises",
        "Promises kept",
        Shape.SHARE,
        "Times that we gave in public and that came due, and were kept.",
        public=True,
    ),
    Metric(
        "eta",
        "Recovery within its range",
        Shape.SHARE,
        "Recoveries that we promised as a range, and that came neither before nor after it.",
        public=True,
    ),
    Metric(
        "silence",
        "Minutes of silence",
        Shape.TOTAL,
        "Minutes for which customers waited longer for an update than the cadence says, of all incidents.",
        public=True,
    ),
    Metric(
        "false_alarms",
        "False alarms",
        Shape.SHARE,
        "Incidents that customers were told of, and that were none.",
        public=True,
    ),
    Metric(
        "heard_first",
        "Heard it from us first",
        Shape.SHARE,
        "Customers who wrote about an incident after our first word on it, of all who wrote about one.",
        public=True,
    ),
    Metric(
        "first_reply",
        "Time to the first answer",
        Shape.MEDIAN,
        "Median minutes from a customer's first words to a person's answer.",
        public=True,
    ),
    Metric(
        "fixed",
        "Closed with “fixed for you”",
        Shape.SHARE,
        "Conversations that are closed, and whose customer said that it is fixed for them.",
        public=True,
    ),
    Metric("csat", "Satisfied customers", Shape.SHARE, "Answers of 4 or 5 to how we handled it, of 1 to 5."),
    Metric(
        "overridden",
        "Words overridden",
        Shape.SHARE,
        "Texts that a person published against the linter's errors, with a reason, of all that people published.",
    ),
    Metric(
        "undo",
        "Undone in under 60 seconds",
        Shape.SHARE,
        "Rollbacks that took less than 60 seconds from their start to the last user.",
    ),
    Metric(
        "change_failure",
        "Changes that failed",
        Shape.SHARE,
        "Rollouts to customers that failed or were rolled back, of all that ended.",
    ),
    Metric(
        "approval",
        "Wait for approval",
        Shape.MEDIAN,
        "Median minutes until a person decided about words that waited for approval.",
    ),
)
METRICS: Mapping[str, Metric] = {metric.id: metric for metric in _METRICS}


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that happened, and what it says for a metric."""

    metric: str
    at: datetime
    value: float
    components: tuple[str, ...] = ()
    """Ids of what it was about."""

    @property
    def month(self) -> str:
        """The month (UTC), such as `2026-11`."""
        return f"{self.at.astimezone(UTC):%Y-%m}"


@dataclass(frozen=True, slots=True)
class Figure:
    """What so many observations say together."""

    n: int
    value: float | None
    """Percent or minutes; None where there is nothing, or too little to be a percentage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One metric in one month, beside what it was before."""

    metric: Metric
    now: Figure
    baseline: Figure
    """The months before, as far as `PAST` reaches."""
    past: tuple[tuple[str, Figure], ...]
    """Each of those months and this one, the oldest first."""


def figure(shape: Shape, values: Sequence[float]) -> Figure:
    """Make one figure of observations."""
    count = len(values)
    if not count:
        return Figure(0, None)
    if shape is Shape.SHARE:
        return Figure(count, 100 * sum(values) / count if count >= FEW else None)
    return Figure(count, median(values) if shape is Shape.MEDIAN else sum(values))


def months(last: str, count: int = PAST + 1) -> tuple[str, ...]:
    """Return so many months up to the last one, the oldest first."""
    year, month = map(int, last.split("-"))
    number = 12 * year + month - 1
    return tuple(f"{each // 12}-{each % 12 + 1:02}" for each in range(number - count + 1, number + 1))


def lines(observations: Iterable[Observation], month: str, component: str = "") -> tuple[Line, ...]:
    """Return every metric for a month, of one component or of all."""
    span = months(month)
    found: dict[tuple[str, str], list[float]] = {}
    for each in observations:
        if not component or component in each.components:
            found.setdefault((each.metric, each.month), []).append(each.value)
    return tuple(_line(metric, span, found) for metric in METRICS.values())


def _line(metric: Metric, span: Sequence[str], found: Mapping[tuple[str, str], Sequence[float]]) -> Line:
    each = [found.get((metric.id, month), ()) for month in span]
    before = [value for values in each[:-1] for value in values]
    base = figure(metric.shape, before)
    if metric.shape is Shape.TOTAL and base.value is not None:  # minutes add up: compared is what a month had
        base = Figure(base.n, base.value / len([values for values in each[:-1] if values]))
    return Line(
        metric=metric,
        now=figure(metric.shape, each[-1]),
        baseline=base,
        past=tuple((month, figure(metric.shape, values)) for month, values in zip(span, each, strict=True)),
    )
