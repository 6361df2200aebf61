"""What a rollback really was: on which layer, how long it took, and whom the fault could reach for how long.

It stands beside what the plan had estimated. Exposure is not failure: the effect is the most that it can have been.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from trusthub.domain.parts import Share
from trusthub.domain.plan import layer_used
from trusthub.domain.rollout import Exposure, Rollout

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One rollback, as it went."""

    layer: str | None
    """toggle, traffic, schema or configuration; None when the strategy does not say."""
    took: timedelta | None
    """From its start to its end."""
    shares: tuple[Share, ...] | None
    """For how long how many were on the version that was withdrawn, the highest share first; None when nobody knows."""


def outcome(rollout: Rollout) -> Outcome | None:
    """Return how a rollback went, or None while there is none that has finished."""
    began, ended = rollout.rollback_started_at, rollout.ended_at
    if began is None or ended is None:
        return None
    return Outcome(layer=layer_used(rollout.strategy), took=max(ended - began, timedelta()), shares=_shares(rollout))


def minutes(span: timedelta) -> int:
    """Return a length of time as people read it: whole minutes, at least one."""
    return max(round(span / _MINUTE), 1)


def _shares(rollout: Rollout) -> tuple[Share, ...] | None:
    if rollout.peak is None or rollout.ended_at is None:
        return None
    spans: dict[float, timedelta] = defaultdict(timedelta)
    for step, following in pairwise((*rollout.steps, Exposure(rollout.ended_at, 0.0))):
        if step.percent > 0:
            spans[step.percent] += max(following.at - step.at, timedelta())
    return tuple(Share(percent, minutes(span)) for percent, span in sorted(spans.items(), reverse=True) if span)
