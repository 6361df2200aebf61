"""One attempt to bring a version to users: what is known of it, and what an event changes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from trusthub.domain.events import Evidence, Phase, RolloutEvent, Strategy
from trusthub.domain.message import Moment

RANK = {
    Phase.PLANNED: 0,
    Phase.STARTED: 1,
    Phase.PROGRESSING: 2,
    Phase.PAUSED: 2,
    Phase.PROMOTING: 3,
    Phase.COMPLETED: 4,
    Phase.FAILED: 5,
    Phase.ROLLING_BACK: 6,
    Phase.ROLLED_BACK: 7,
}
"""An attempt never moves to a lower rank: late and repeated events are kept, and change nothing."""

ENDED = frozenset({Phase.COMPLETED, Phase.ROLLED_BACK})
TROUBLED = frozenset({Phase.FAILED, Phase.ROLLING_BACK, Phase.ROLLED_BACK})


class Basis(StrEnum):
    """How we know that an attempt is itself a rollback of something that was already complete."""

    SAID = "said"
    """The tool says so."""
    INFERRED = "inferred"
    """Our version history says so: it brings back a version that was complete before the current one."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """From `at` on, `percent` (0-100) of traffic or users are on the new version."""

    at: datetime
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """Everything heard about one attempt."""

    phase: Phase | None = None
    strategy: Strategy = Strategy.UNKNOWN
    from_version: str | None = None
    to_version: str | None = None
    artifact: str | None = None
    steps: tuple[Exposure, ...] = ()
    step: int | None = None
    step_count: int | None = None
    evidence: Evidence = Evidence.NONE
    reason: str = ""
    actor: str = ""
    basis: Basis | None = None
    """Set when this attempt is a rollback of an earlier, completed one."""
    superseded: bool = False
    started_at: datetime | None = None
    troubled_at: datetime | None = None
    rollback_started_at: datetime | None = None
    ended_at: datetime | None = None
    last_at: datetime | None = None

    @property
    def exposure(self) -> float | None:
        """Percent on the new version now, or None when no event said."""
        return self.steps[-1].percent if self.steps else None

    @property
    def peak(self) -> float | None:
        """Highest percent reached, or None when no event said."""
        return max((step.percent for step in self.steps), default=None)

    @property
    def exposed_from(self) -> datetime | None:
        """When the first user could be reached."""
        return next((step.at for step in self.steps if step.percent > 0), None)

    @property
    def exposed_until(self) -> datetime | None:
        """When the last user was taken off again; None while somebody is exposed, or when nobody ever was."""
        if self.exposed_from is None or self.exposure:
            return None
        last = max(index for index, step in enumerate(self.steps) if step.percent > 0)
        return self.steps[last + 1].at


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of one component in one environment that were complete, oldest first."""

    completed: Sequence[str] = ()

    @property
    def current(self) -> str | None:
        """The version that everybody is on, as far as we have seen."""
        return self.completed[-1] if self.completed else None

    def goes_back(self, version: str | None) -> bool:
        """Whether `version` was complete before the current one."""
        return version is not None and version != self.current and version in self.completed


def observe(rollout: Rollout, event: RolloutEvent, versions: Versions) -> tuple[Rollout, Moment | None]:
    """Return the rollout as `event` leaves it, and the moment that this is, if it is one.

    An event that is older than what is known, repeats it, or says nothing about the phase is no moment.
    """
    known = _learn(rollout, event, versions)
    advances = event.phase is not None and _advances(rollout, event.phase)
    outdated = event.phase is not None and not advances and event.phase is not rollout.phase
    if event.exposure is not None and not outdated:
        known = replace(known, steps=_expose(known.steps, event.occurred_at, event.exposure))
    if not advances or event.phase is None:
        changed = known.exposure != rollout.exposure and not outdated and rollout.phase not in TROUBLED | ENDED
        return known, Moment.ROLLOUT_PROGRESSED if changed and rollout.phase is not None else None
    return _enter(known, event.phase, event.occurred_at), _moment(rollout, event.phase, known)


def _learn(rollout: Rollout, event: RolloutEvent, versions: Versions) -> Rollout:
    basis = rollout.basis
    if basis is None and rollout.phase is None:
        back = versions.goes_back(event.to_version)
        basis = Basis.SAID if event.rollback else Basis.INFERRED if back else None
    strength = list(Evidence)
    unversioned = rollout.from_version is None and rollout.phase is None
    current = versions.current if versions.current != event.to_version else None
    return replace(
        rollout,
        strategy=event.strategy if rollout.strategy is Strategy.UNKNOWN else rollout.strategy,
        from_version=rollout.from_version or event.from_version or (current if unversioned else None),
        to_version=rollout.to_version or event.to_version,
        artifact=event.artifact or rollout.artifact,
        step=event.step if event.step is not None else rollout.step,
        step_count=event.steps or rollout.step_count,
        evidence=max(rollout.evidence, event.evidence, key=strength.index),
        reason=event.reason if event.phase in TROUBLED and event.reason else rollout.reason or event.reason,
        actor=event.actor or rollout.actor,
        basis=basis,
        superseded=rollout.superseded or event.superseded,
        last_at=max(filter(None, (rollout.last_at, event.occurred_at))),
    )


def _advances(rollout: Rollout, phase: Phase) -> bool:
    if rollout.phase is None:
        return True
    moving = {rollout.phase, phase} == {Phase.PROGRESSING, Phase.PAUSED}
    return RANK[phase] > RANK[rollout.phase] or moving


def _expose(steps: tuple[Exposure, ...], at: datetime, percent: float) -> tuple[Exposure, ...]:
    """Insert a point in order of time, leaving out points that change nothing."""
    kept: list[Exposure] = []
    for step in sorted((*steps, Exposure(at, percent)), key=lambda step: step.at):
        if not kept or kept[-1].percent != step.percent:
            kept.append(step)
    return tuple(kept)


def _enter(rollout: Rollout, phase: Phase, at: datetime) -> Rollout:
    steps = rollout.steps
    if phase is Phase.ROLLED_BACK and steps:
        steps = _expose(steps, max(at, steps[-1].at), 0.0)
    if phase is Phase.COMPLETED:
        steps = _expose(steps, max([at, *(step.at for step in steps)]), 100.0)
    return replace(
        rollout,
        phase=phase,
        steps=steps,
        started_at=rollout.started_at or (None if phase is Phase.PLANNED else at),
        troubled_at=rollout.troubled_at or (at if phase in TROUBLED else None),
        rollback_started_at=rollout.rollback_started_at or (at if RANK[phase] >= RANK[Phase.ROLLING_BACK] else None),
        ended_at=at if phase in ENDED else None,
    )


def _moment(before: Rollout, phase: Phase, known: Rollout) -> Moment | None:  # noqa: PLR0911 -- a table, not a path
    if known.basis is not None:
        return _rollback_moment(before, phase)
    match phase:
        case Phase.PLANNED:
            return Moment.ROLLOUT_PLANNED
        case Phase.STARTED | Phase.PROGRESSING | Phase.PAUSED | Phase.PROMOTING if _not_begun(before):
            return Moment.ROLLOUT_STARTED
        case Phase.PAUSED:
            return Moment.ROLLOUT_PAUSED
        case Phase.COMPLETED:
            return Moment.ROLLOUT_COMPLETED
        case Phase.FAILED:
            return Moment.ROLLOUT_FAILED
        case Phase.ROLLING_BACK:
            return Moment.ROLLBACK_STARTED
        case Phase.ROLLED_BACK:
            return Moment.ROLLBACK_FINISHED
        case _:
            return Moment.ROLLOUT_PROGRESSED


def _rollback_moment(before: Rollout, phase: Phase) -> Moment | None:
    """An attempt that is itself a rollback finishes when the older version is back for everybody."""
    if phase in ENDED:
        return Moment.ROLLBACK_FINISHED if before.phase not in ENDED else None
    if phase is Phase.FAILED:
        return Moment.ROLLOUT_FAILED
    return Moment.ROLLBACK_STARTED if _not_begun(before) else None


def _not_begun(rollout: Rollout) -> bool:
    return rollout.phase in (None, Phase.PLANNED)


_VERSION = re.compile(r"v?\d{1,6}(\.\d{1,6}){0,3}([-+.][0-9A-Za-z]{1,16}){0,2}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{7,40}", re.ASCII)


def public_version(version: str | None) -> str | None:
    """Return a version that customers may read, or None.

    Version numbers and commit ids pass; branch names, hosts and paths do not, because people put names into them.
    """
    if version is None:
        return None
    if _COMMIT.fullmatch(version) and not version.isdigit():
        return version[:7]
    return version if _VERSION.fullmatch(version) else None
