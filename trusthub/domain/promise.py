"""A promise is a time we gave in public. It ends kept or missed, and that is shown."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from trusthub.domain.plan import Recovery

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


def next_update(now: datetime, cadence: timedelta) -> Promise:
    """Promise the next update one cadence from now, at a full minute, because a minute is what people read."""
    return Promise(kind=Kind.NEXT_UPDATE, due=_up(now + cadence))


def recovery(started: datetime, expected: Recovery) -> Promise:
    """Promise recovery as the range the plan gives, from the start of the rollback."""
    earliest = (started + expected.from_).replace(second=0, microsecond=0)
    return Promise(kind=Kind.RECOVERY, due=_up(started + expected.to), earliest=earliest, basis=expected.basis)


def settled(due: datetime, done_at: datetime) -> Standing:
    """Return how a promise ended that was fulfilled at `done_at`; people read minutes, so within the minute is kept."""
    return Standing.KEPT if done_at.replace(second=0, microsecond=0) <= due else Standing.MISSED


def _up(at: datetime) -> datetime:
    floor = at.replace(second=0, microsecond=0)
    return floor if floor == at else floor + _MINUTE
