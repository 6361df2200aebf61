"""One attempt to bring a version to users: what is known of it, and what an event changes.

Tools repeat themselves, and what they say arrives late and in any order. So nothing here depends on the order in which
events come, as far as the events tell the time themselves.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

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
"""An attempt never moves to a lower rank: late and repeated events are kept, and do not move it."""

UNDER_WAY = frozenset({Phase.STARTED, Phase.PROGRESSING, Phase.PAUSED, Phase.PROMOTING})
ENDED = frozenset({Phase.COMPLETED, Phase.ROLLED_BACK})
TROUBLED = frozenset({Phase.FAILED, Phase.ROLLING_BACK, Phase.ROLLED_BACK})
_BEGUN = frozenset(Phase) - {Phase.PLANNED}
_MOVES_USERS = frozenset({Phase.PROGRESSING, Phase.PROMOTING})
_GOES_BACK = frozenset({Phase.ROLLING_BACK, Phase.ROLLED_BACK})
_MOMENTS_THAT_RETURN = frozenset({Moment.ROLLOUT_PROGRESSED, Moment.ROLLOUT_PAUSED})
_EVERYBODY, _NOBODY = 100.0, 0.0
_MEANS = {Phase.COMPLETED: _EVERYBODY, Phase.ROLLED_BACK: _NOBODY}
"""The exposure that an end means, whatever else is said with it."""


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
    phase_at: datetime | None = None
    """When it was in this phase, as far as the newest event that said so."""
    strategy: Strategy = Strategy.UNKNOWN
    from_version: str | None = None
    to_version: str | None = None
    artifact: str | None = None
    heard: tuple[Exposure, ...] = ()
    """Every exposure that counts, as it was said."""
    unmeasured: bool = False
    """Users were moved at some time, and the tool did not say how many."""
    measured: bool = False
    """The tool says how many while it goes on. One that only says "done" does not know: a deploy job may hand over."""
    steps: tuple[Exposure, ...] = ()
    """The step function that follows from what was heard: in order of time, and each step changes something."""
    step: int | None = None
    step_count: int | None = None
    evidence: Evidence = Evidence.NONE
    metrics: tuple[str, ...] = ()
    """The tool's names of the metrics that failed."""
    reason: str = ""
    actor: str = ""
    basis: Basis | None = None
    """Set when this attempt is a rollback of an earlier, completed one."""
    superseded: bool = False
    started_at: datetime | None = None
    troubled_at: datetime | None = None
    rollback_started_at: datetime | None = None
    ended_at: datetime | None = None
    moments: tuple[Moment, ...] = ()
    """The moments it has had. Each comes once, but for progress and pauses."""

    @property
    def exposure(self) -> float | None:
        """Percent on the new version now, or None when no event said."""
        silent = self.unmeasured and self.peak is None and self.phase is not Phase.ROLLED_BACK
        return self.steps[-1].percent if self.steps and not silent else None

    @property
    def peak(self) -> float | None:
        """Highest percent reached, or None when no event said.

        That nobody was reached is known only from a tool that says how many, and says so before it goes back.
        """
        highest = max((step.percent for step in self.steps), default=None)
        if highest != _NOBODY:
            return highest
        afterwards = self.rollback_started_at is not None and self.steps[0].at >= self.rollback_started_at
        return None if self.unmeasured or afterwards else highest

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
    tags: Mapping[str, str] = field(default_factory=dict)
    """The name that a commit or image goes by, where it has a better one than itself."""

    def name(self, event: RolloutEvent) -> str | None:
        """Return what the version of an event is called in this history."""
        return self.tags.get(event.artifact or "", event.to_version) if event.to_version else None

    @property
    def current(self) -> str | None:
        """The version that everybody is on, as far as we have seen."""
        return self.completed[-1] if self.completed else None

    def goes_back(self, version: str | None) -> bool:
        """Whether `version` is older than the current one: it was complete before that was for the first time."""
        first_seen = list(dict.fromkeys(self.completed))
        return version in first_seen[: first_seen.index(self.current)] if self.current is not None else False


def observe(rollout: Rollout, event: RolloutEvent, versions: Versions) -> tuple[Rollout, Moment | None]:
    """Return the rollout as `event` leaves it, and the moment that this is, if it is one.

    An event that is older than what is known, repeats it, or says nothing about the phase is no moment.
    """
    advances = _advances(rollout, event)
    known = _learn(rollout, event, versions)
    known = _enter(known, event, versions) if advances else _stay(known, event)
    known = _expose(rollout, known, event, advances=advances)
    moment = _moment(rollout, known) if advances else _progress(rollout, known, event)
    if moment is None or moment in rollout.moments:
        return known, None
    return (known if moment in _MOMENTS_THAT_RETURN else replace(known, moments=(*known.moments, moment))), moment


AFTERWARDS = timedelta(minutes=30)
"""How long after its end a rollout may still be what an alert is about, and a retry still a part of its incident."""


def alerted(rollout: Rollout, at: datetime) -> bool:
    """Whether an alert that began at `at` falls into the time in which the rollout can be its cause."""
    if rollout.started_at is None or at < (rollout.exposed_from or rollout.started_at):
        return False
    return rollout.ended_at is None or at <= rollout.ended_at + AFTERWARDS


def with_evidence(rollout: Rollout, evidence: Evidence) -> Rollout:
    """Return the rollout with the stronger evidence of what it has and `evidence`."""
    return replace(rollout, evidence=max(rollout.evidence, evidence, key=list(Evidence).index))


_A_MOMENT = timedelta(minutes=1)
"""Events without a clock come this late at most: tools repeat a call for some seconds."""


def begins_again(rollout: Rollout, event: RolloutEvent) -> bool:
    """Whether an event about an attempt that is over can only mean that it is tried anew under the same name."""
    flag = Strategy.FLAG in (rollout.strategy, event.strategy)
    over = rollout.phase in TROUBLED or (flag and rollout.phase is Phase.COMPLETED)
    starts = event.phase in (Phase.PLANNED, *UNDER_WAY) or (
        flag and rollout.phase is Phase.ROLLED_BACK and event.phase is Phase.COMPLETED
    )
    return over and starts and rollout.phase_at is not None and event.occurred_at >= rollout.phase_at + _A_MOMENT


def is_routine(rollout: Rollout, event: RolloutEvent) -> bool:
    """Whether a flag is switched off that was not being rolled out: tidying up, and no rollback."""
    if event.strategy is not Strategy.FLAG or event.phase is not Phase.ROLLED_BACK:
        return False
    done_at = rollout.ended_at if rollout.phase is Phase.COMPLETED else None
    return rollout.phase is None or (done_at is not None and event.occurred_at > done_at + _FLAG_SETTLES)


_FLAG_SETTLES = timedelta(hours=24)
"""A flag that everybody has had for a day is no rollout any more."""


def _advances(rollout: Rollout, event: RolloutEvent) -> bool:
    if event.phase is None or rollout.phase is None or rollout.phase_at is None:
        return event.phase is not None
    if {rollout.phase, event.phase} == {Phase.PROGRESSING, Phase.PAUSED}:
        return event.occurred_at >= rollout.phase_at
    return RANK[event.phase] > RANK[rollout.phase]


def _is_behind(rollout: Rollout, event: RolloutEvent) -> bool:
    """Whether the event is about a phase that is over."""
    return event.phase is not None and rollout.phase is not None and RANK[event.phase] < RANK[rollout.phase]


def _learn(rollout: Rollout, event: RolloutEvent, versions: Versions) -> Rollout:
    unversioned = rollout.from_version is None and rollout.phase is None
    current = versions.current if versions.current != event.to_version else None
    return replace(
        rollout,
        strategy=event.strategy if rollout.strategy is Strategy.UNKNOWN else rollout.strategy,
        from_version=rollout.from_version or event.from_version or (current if unversioned else None),
        to_version=rollout.to_version or event.to_version,
        artifact=event.artifact or rollout.artifact,
        unmeasured=rollout.unmeasured or (event.phase in _MOVES_USERS and event.exposure is None),
        measured=rollout.measured or (event.exposure is not None and event.phase not in ENDED),
        step=max(rollout.step or 0, event.step or 0) or None,
        step_count=event.steps or rollout.step_count,
        evidence=with_evidence(rollout, event.evidence).evidence,
        metrics=tuple(dict.fromkeys((*rollout.metrics, *event.metrics))),
        reason=_reason(rollout, event),
        actor=event.actor or rollout.actor,
        superseded=rollout.superseded or event.superseded,
        started_at=_first(rollout.started_at, event, _BEGUN),
        troubled_at=_first(rollout.troubled_at, event, TROUBLED),
        rollback_started_at=_first(rollout.rollback_started_at, event, _GOES_BACK),
    )


def _reason(rollout: Rollout, event: RolloutEvent) -> str:
    """Why it is in trouble, once it is; why it paused says nothing about that."""
    if event.phase in TROUBLED:
        return event.reason or (rollout.reason if rollout.phase in TROUBLED else "")
    return rollout.reason if rollout.phase in TROUBLED else event.reason or rollout.reason


def _first(known: datetime | None, event: RolloutEvent, phases: frozenset[Phase]) -> datetime | None:
    """Return when the first event of `phases` happened."""
    if event.phase not in phases:
        return known
    return event.occurred_at if known is None else min(known, event.occurred_at)


def _enter(known: Rollout, event: RolloutEvent, versions: Versions) -> Rollout:
    at = event.occurred_at
    return replace(
        known,
        phase=event.phase,
        phase_at=at,
        ended_at=at if event.phase in ENDED else None,
        basis=_basis(known, event, versions),
    )


def _stay(known: Rollout, event: RolloutEvent) -> Rollout:
    """Take in what an event says about the times of the phase that it is in already."""
    if event.phase is None or event.phase is not known.phase or known.phase_at is None:
        return known
    ended_at = min(known.ended_at, event.occurred_at) if known.ended_at else None
    return replace(known, phase_at=max(known.phase_at, event.occurred_at), ended_at=ended_at)


def _basis(before: Rollout, event: RolloutEvent, versions: Versions) -> Basis | None:
    """Tell whether it is itself a rollback, as it enters a phase: by the tool's word, else by our version history.

    One that fails, or goes back in its turn, brings nothing back: from then on it is a rollout like any other.
    """
    if event.phase is Phase.PLANNED:
        return None
    if event.phase is Phase.FAILED or (event.phase in TROUBLED and not event.rollback):
        return before.basis if before.phase in TROUBLED else None
    if event.rollback and (_not_begun(before) or before.basis or event.phase not in TROUBLED):
        return Basis.SAID
    if _not_begun(before) and versions.goes_back(before.to_version):
        return Basis.INFERRED
    return before.basis


def _expose(before: Rollout, known: Rollout, event: RolloutEvent, *, advances: bool) -> Rollout:
    """Take in the exposure that an event says, and draw the step function anew.

    A tool without a clock has the time of arrival. So what is about a phase that is over, or comes after the end,
    counts only with a time before that: then it is late, and knows when it happened.
    """
    percent = _MEANS.get(event.phase, event.exposure) if event.phase else event.exposure
    behind = _is_behind(before, event)
    over = None if advances else before.ended_at or (before.phase_at if behind else None)
    heard = known.heard
    if percent is not None and (over is None or event.occurred_at <= over):
        said = Exposure(event.occurred_at, percent)
        heard = tuple(dict.fromkeys((said, *heard) if behind else (*heard, said)))
    return replace(known, heard=heard, steps=_steps(heard, known.phase, known.ended_at))


def _steps(heard: Sequence[Exposure], phase: Phase | None, ended_at: datetime | None) -> tuple[Exposure, ...]:
    points = sorted(heard, key=lambda point: point.at)
    if points and phase in _MEANS and ended_at is not None:
        points.append(Exposure(max(ended_at, points[-1].at), _MEANS[phase]))
    return (*points[:1], *(point for before, point in pairwise(points) if point.percent != before.percent))


def _progress(before: Rollout, known: Rollout, event: RolloutEvent) -> Moment | None:
    """Return the moment that an event without a new phase is."""
    moved = before.phase in UNDER_WAY and known.exposure != before.exposure
    return Moment.ROLLOUT_PROGRESSED if moved and not _is_behind(before, event) else None


def _moment(before: Rollout, known: Rollout) -> Moment | None:  # noqa: PLR0911 -- a table, not a path
    """Return the moment that a new phase is."""
    if known.basis is not None:
        return _rollback_moment(before, known)
    match known.phase:
        case Phase.PLANNED:
            return Moment.ROLLOUT_PLANNED
        case Phase.STARTED | Phase.PROGRESSING | Phase.PAUSED | Phase.PROMOTING if _not_begun(before):
            return Moment.ROLLOUT_STARTED
        case Phase.PAUSED:
            return Moment.ROLLOUT_PAUSED
        case Phase.COMPLETED:
            return Moment.ROLLOUT_COMPLETED
        case Phase.ROLLING_BACK if before.basis is None:
            return Moment.ROLLBACK_STARTED
        case Phase.FAILED | Phase.ROLLING_BACK:  # a rollback that goes back in its turn has failed
            return Moment.ROLLOUT_FAILED
        case Phase.ROLLED_BACK:
            return Moment.ROLLBACK_FINISHED
        case _:
            return Moment.ROLLOUT_PROGRESSED


def _rollback_moment(before: Rollout, known: Rollout) -> Moment | None:
    """An attempt that is itself a rollback finishes when the older version is back for everybody."""
    if known.phase in ENDED:
        return Moment.ROLLBACK_FINISHED
    return Moment.ROLLBACK_STARTED if _not_begun(before) else None


def _not_begun(rollout: Rollout) -> bool:
    return rollout.phase in (None, Phase.PLANNED)


_WORDS = "a|b|c|alpha|beta|rc|pre|preview|dev|snapshot|nightly|canary|build|post|hotfix|patch|final|release"
_COMMIT = r"(?=[a-f]{0,6}\d)[0-9a-f]{7,40}"
_VERSION = re.compile(
    rf"v?\d{{1,8}}(\.\d{{1,8}}){{0,3}}((a|b|rc)\d{{1,8}})?([-+.](\d{{1,8}}|({_WORDS})\d{{0,8}})|[-+]g?{_COMMIT}){{0,4}}",
    re.ASCII | re.IGNORECASE,
)
_ADDRESS = re.compile(r"\d{1,3}([.-])\d{1,3}\1\d{1,3}\1\d{1,3}", re.ASCII)


def public_version(version: str | None) -> str | None:
    """Return a version that customers may read, or None.

    Version numbers with the usual words for what is not final, and commit ids, pass. Branch names, hosts and paths do
    not, because people put names into them; nor does what may be the address of a machine.
    """
    if version is None or _ADDRESS.fullmatch(version):
        return None
    if re.fullmatch(_COMMIT, version, re.ASCII) and not version.isdigit():
        return version[:7]
    return version if _VERSION.fullmatch(version) else None
