"""A promise is a time we gave in public. It ends kept or missed, and that is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from trusthub.domain.incident import CauseClass
from trusthub.domain.plan import Recovery
from trusthub.domain.rollout import Rollout

ENOUGH = 3
"""Comparable rollbacks from which our own history is a better basis than a plan's estimate."""
HOLDINGS = 2
"""Updates in a row that the hub writes by itself before silence counts as a broken promise."""
FEW = 10
"""Promises below which a share of them says nothing."""
_FORESEEABLE = frozenset({CauseClass.OUR_CHANGE, CauseClass.OUR_SYSTEM})
"""Causes that are ours to undo. Nobody can tell by a plan when others, or what is unknown, will be repaired."""
_LEAST_LEAD = timedelta(minutes=3)
_MINUTE = timedelta(minutes=1)


class Kind(StrEnum):
    """What was promised."""

    NEXT_UPDATE = "next_update"
    RECOVERY = "recovery"


class Standing(StrEnum):
    """How it stands."""

    PENDING = "pending"
    KEPT = "kept"
    MISSED = "missed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """`kind` by `due` (UTC-aware); a recovery also says from when on it is expected, and why."""

    kind: Kind
    due: datetime
    earliest: datetime | None = None
    basis: str = ""
    comparable: tuple[int, ...] = ()
    """What a recovery rests on instead of `basis`: how long rollbacks like this one took, in minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """How many promises ended in which way."""

    kept: int = 0
    missed: int = 0
    withdrawn: int = 0
    pending: int = 0

    @property
    def made(self) -> int:
        """How many there are."""
        return self.kept + self.missed + self.withdrawn + self.pending

    @property
    def ended(self) -> int:
        """How many were kept or missed."""
        return self.kept + self.missed

    @property
    def share(self) -> float | None:
        """Percent kept of those that were kept or missed; None while they are too few to say."""
        return 100 * self.kept / self.ended if self.ended >= FEW else None


def next_update(now: datetime, cadence: timedelta) -> Promise:
    """Promise the next update one cadence from now, at a full minute, because a minute is what people read."""
    return Promise(kind=Kind.NEXT_UPDATE, due=_up(now + cadence))


def recovery(started: datetime, expected: Recovery, took: Sequence[timedelta] = ()) -> Promise:
    """Promise recovery as a range from the start of the rollback.

    `took` is how long comparable rollbacks took. With enough of them their range is promised, else the plan's.
    """
    minutes = tuple(-(-span // _MINUTE) for span in took)  # begun minutes count: none took 0
    shortest, longest, basis = expected.from_, expected.to, expected.basis
    if len(minutes) >= ENOUGH:
        shortest, longest, basis = min(minutes) * _MINUTE, max(minutes) * _MINUTE, ""
    return Promise(
        kind=Kind.RECOVERY,
        due=_up(started + longest),
        earliest=(started + shortest).replace(second=0, microsecond=0),
        basis=basis,
        comparable=() if basis else minutes,
    )


def until(now: datetime, due: datetime, kind: Kind, basis: str = "") -> Promise:
    """Promise a time that a person gives. Raises ValueError when it is not in the future."""
    if due <= now:
        raise ValueError("has passed already. Give a time that is still to come")
    return Promise(kind=kind, due=_up(due), basis=basis)


def may_estimate(cause: CauseClass) -> bool:
    """Whether the hub may promise recovery by itself, given whose fault it is."""
    return cause in _FORESEEABLE


def duration(rollout: Rollout) -> timedelta | None:
    """Return how long going back took; None when it is not over, or when its tool told of the end only."""
    started = rollout.started_at if rollout.basis else rollout.rollback_started_at
    if started is None or rollout.ended_at is None or rollout.ended_at <= started:
        return None
    return rollout.ended_at - started


def remind_at(made_at: datetime, due: datetime, lead: timedelta | None = None) -> datetime | None:
    """Return when people are reminded: `lead` before it is due, else a third of the time given, and 3 minutes at least.

    None when that would be at once: who has just written needs no reminder.
    """
    at = due - (lead or max((due - made_at) / 3, _LEAST_LEAD))
    return at if at > made_at else None


def settled(due: datetime, done_at: datetime) -> Standing:
    """Return how a promise ended that was fulfilled at `done_at`; people read minutes, so within the minute is kept."""
    return Standing.KEPT if done_at.replace(second=0, microsecond=0) <= due else Standing.MISSED


def holdings_left(unattended: int) -> int:
    """Return how many holding updates may still go out after so many updates in a row that no person wrote."""
    return max(HOLDINGS - unattended, 0)


def may_hold(due: datetime, now: datetime, unattended: int) -> bool:
    """Whether a holding update keeps a promise that comes due now. One that is late keeps nothing."""
    return settled(due, now) is Standing.KEPT and holdings_left(unattended) > 0


def _up(at: datetime) -> datetime:
    floor = at.replace(second=0, microsecond=0)
    return floor if floor == at else floor + _MINUTE
