"""How far a rollout went, as a step function that is ready to be drawn."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class BarView:
    """One step of a curve: its left edge and its width, as percent of the drawing, and its height."""

    x: float
    width: float
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TickView:
    """A time written under a curve."""

    x: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveView:
    """A step function, ready to be drawn."""

    bars: tuple[BarView, ...]
    ticks: tuple[TickView, ...]


_MARGIN = 8.0
"""Percent of a curve left of its first step and right of its last one: a time is written under each edge."""
_APART = 18.0
"""Percent between two times under a curve, so that they can be read on a phone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureView:
    """The exposure of the rollout behind an incident: a step function that starts at `steps[0]`."""

    steps: tuple[tuple[datetime, float], ...]
    peak: float
    ended: datetime | None
    """When nobody was exposed any more; None while somebody is."""
    version: str | None = None
    """The version that was exposed, when customers may read it."""
    sticky: bool = False
    """Whether a share of requests is a share of customers."""
    corrected: bool = False
    """Whether a person knows better than the steps."""

    @property
    def began(self) -> datetime:
        """When the first request could reach the new version."""
        return next((at for at, percent in self.steps if percent > 0), self.steps[0][0])

    def curve(self, now: datetime) -> CurveView:
        """Return the steps as bars, from the beginning to the end, or to `now` while it lasts."""
        start, end = self.began, self.ended or max(now, self.steps[-1][0])
        span = max((end - start).total_seconds(), 1.0)

        def place(at: datetime) -> float:
            return round(_MARGIN + (100 - 2 * _MARGIN) * (min(at, end) - start).total_seconds() / span, 2)

        steps = [step for step in self.steps if start <= step[0] <= end]
        ends = [at for at, _ in steps[1:]] + [end]
        bars = tuple(
            BarView(x=place(at), width=round(place(until) - place(at), 2), percent=percent)
            for (at, percent), until in zip(steps, ends, strict=True)
            if percent > 0
        )
        times = [start, end, *ends[:-1]] if end > start else [start]
        ticks: list[TickView] = []
        for at in times:
            x = place(at)
            if all(abs(tick.x - x) >= _APART for tick in ticks):
                words = f"{at:%H:%M}" if span < timedelta(days=1).total_seconds() else f"{at.day} {at:%b}"
                ticks.append(TickView(x=x, words=words))
        return CurveView(bars=bars, ticks=tuple(ticks))
