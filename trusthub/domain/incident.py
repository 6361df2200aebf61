"""What may go public by itself, and who may change an incident."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from trusthub.domain.events import Evidence, Phase
from trusthub.domain.rollout import Basis, Rollout
from trusthub.domain.site import Publishing

LATE = timedelta(minutes=10)
"""An event that arrives this long after it happened addresses no customer by itself: the news may be over."""


class State(StrEnum):
    """Statuspage's states: four of an incident, then four of a maintenance."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    VERIFYING = "verifying"
    COMPLETED = "completed"


OVER = frozenset({State.RESOLVED, State.COMPLETED})
AT_WORK = frozenset({State.IN_PROGRESS, State.VERIFYING})
PLANNED = frozenset({State.SCHEDULED, *AT_WORK, State.COMPLETED})
"""States of planned work."""


class Impact(StrEnum):
    """Statuspage's impacts."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"

    def at_least(self, other: "Impact") -> bool:
        """Whether this is as bad as `other`, or worse."""
        order = list(Impact)
        return order.index(self) >= order.index(other)


class ComponentStatus(StrEnum):
    """Statuspage's component statuses, best first."""

    OPERATIONAL = "operational"
    DEGRADED = "degraded_performance"
    PARTIAL_OUTAGE = "partial_outage"
    MAJOR_OUTAGE = "major_outage"
    MAINTENANCE = "under_maintenance"


class By(StrEnum):
    """Who did it."""

    MACHINE = "machine"
    PERSON = "person"


class CauseClass(StrEnum):
    """What kind of cause it is. It picks the words: we own what evidence, or a person here, says is ours."""

    OUR_CHANGE = "our_change"
    OUR_SYSTEM = "our_system"
    DEPENDENCY = "dependency"
    ATTACK = "attack"
    UNKNOWN = "unknown"


def evident_cause(rollout: Rollout | None) -> CauseClass:
    """Return what the evidence says: it was our change when its own check failed and going back has ended it."""
    if rollout is None or rollout.superseded or rollout.evidence is not Evidence.FAILED_ANALYSIS:
        return CauseClass.UNKNOWN
    helped = rollout.rollback_started_at is not None and rollout.ended_at is not None and rollout.peak != 0
    return CauseClass.OUR_CHANGE if helped else CauseClass.UNKNOWN


COMPONENT_STATUS = {
    Impact.NONE: ComponentStatus.OPERATIONAL,
    Impact.MINOR: ComponentStatus.DEGRADED,
    Impact.MAJOR: ComponentStatus.PARTIAL_OUTAGE,
    Impact.CRITICAL: ComponentStatus.MAJOR_OUTAGE,
}
_SEVERITY = (
    ComponentStatus.OPERATIONAL,
    ComponentStatus.MAINTENANCE,
    ComponentStatus.DEGRADED,
    ComponentStatus.PARTIAL_OUTAGE,
    ComponentStatus.MAJOR_OUTAGE,
)
_WELL = frozenset({State.MONITORING, State.SCHEDULED, *OVER})
_ORDER = list(State)


def status_of(state: State, impact: Impact) -> ComponentStatus:
    """Return what an incident, or planned work, makes of the components that it touches."""
    if state in _WELL:
        return ComponentStatus.OPERATIONAL
    return ComponentStatus.MAINTENANCE if state in AT_WORK else COMPONENT_STATUS[impact]


def worst_status(statuses: Iterable[str]) -> ComponentStatus:
    """Return the worst of some component statuses: what does not work counts more than planned work."""
    return max(map(ComponentStatus, statuses), key=_SEVERITY.index, default=ComponentStatus.OPERATIONAL)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether customers are told, and why, in words for the people who work here."""

    tell: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the gate needs besides the rollout itself."""

    component: str | None
    environment: str | None
    public_environment: bool
    public_from: float
    publishing: Publishing
    happened_at: datetime
    now: datetime
    retold: bool = False
    """A relist, an import or a replay told it again."""


def may_tell(rollout: Rollout, around: Circumstances) -> Decision:
    """Decide whether customers are told without asking a person: only with evidence of harm and with reach."""
    held = _unknown_place(around) or _no_fault(rollout) or _no_reach(rollout, around) or _held_back(around)
    if held:
        return Decision(tell=False, why=held)
    return Decision(tell=True, why=f"{_EVIDENCE[rollout.evidence]} at up to {rollout.peak:g} % exposure.")


_EVIDENCE = {
    Evidence.FAILED_ANALYSIS: "The tool's own analysis failed",
    Evidence.ALERT: "An alert fired",
    Evidence.COMPLAINTS: "Customers confirmed it",
    Evidence.PERSON: "A person confirmed harm",
    Evidence.NONE: "No evidence",
}


def _unknown_place(around: Circumstances) -> str | None:
    if around.component is None:
        return "No component in site.yaml watches this name, so we cannot tell whether customers use it."
    if around.environment is None:
        return "Neither the event, the connection nor a listed namespace says which environment this is."
    if not around.public_environment:
        return f"Customers do not use the environment {around.environment}."
    return None


def _no_fault(rollout: Rollout) -> str | None:
    if rollout.superseded:
        return "A newer rollout replaced this one; no fault is known."
    if rollout.evidence is Evidence.NONE:
        if rollout.basis is Basis.INFERRED:
            return "Only our version history says that this is a rollback."
        if rollout.phase is Phase.FAILED:
            return "The deployment failed, but nothing shows that customers were harmed."
        return "It was rolled back, but nothing shows that customers were harmed."
    return None


def _no_reach(rollout: Rollout, around: Circumstances) -> str | None:
    if rollout.peak is None:
        return "The tool did not say how many requests reached the new version."
    if rollout.peak == 0:
        return "No customer traffic reached the new version."
    if rollout.peak < around.public_from:
        return f"At most {rollout.peak:g} % was exposed; customers are told from {around.public_from:g} % on."
    return None


def _held_back(around: Circumstances) -> str | None:
    if around.retold:
        return "The event was told again, by a relist, an import or a replay: the news may be over."
    if around.now - around.happened_at > LATE:
        return "The event arrived more than ten minutes after it happened."
    if around.publishing is Publishing.ASK:
        return "Publishing is set to ask a person first."
    if around.publishing is Publishing.SHADOW:
        return "Publishing is in shadow mode: we show what we would have said."
    return None


def machine_may_move(
    current: State, target: State, *, opened_by: By, closed_by: By | None, again: bool = False
) -> bool:
    """Whether a machine may move an incident: never what a person opened, planned or closed, and never backwards.

    It may call it resolved only after it has been watched: that is what a playbook's quiet window is for. `again` means
    that what was over has begun anew, which takes it back.
    """
    if opened_by is By.PERSON or closed_by is not None or {current, target} & PLANNED:
        return False
    if again:
        return target is not State.RESOLVED
    if target is State.RESOLVED:
        return current is State.MONITORING
    return _ORDER.index(target) > _ORDER.index(current)


def impact_of(peak: float | None) -> Impact:
    """Return the impact to show before a person has judged it: by reach, since failures are not measured yet."""
    half = 50.0
    return Impact.MAJOR if (peak or 0) >= half else Impact.MINOR
