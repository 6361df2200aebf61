"""What we say in public about how far it went, and what becomes of that when a person knows better."""

from dataclasses import dataclass, fields, replace
from datetime import datetime

from trusthub.domain.incident import Impact

_EVERYTHING = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Each value is None where it is not known, or where nothing is said about it."""

    peak: float | None = None
    """Highest percent (0-100) of requests on the new version; of customers where they stay on one version."""
    failed: int | None = None
    """Requests that failed."""
    customers: int | None = None
    """Customers who were hit, as a person counted them."""
    began: datetime | None = None
    ended: datetime | None = None
    impact: Impact | None = None


NAMES = tuple(field.name for field in fields(Reach))


def differing(said: Reach, right: Reach) -> tuple[str, ...]:
    """Return the names of what `right` says otherwise than `said`; what it does not say is not otherwise."""
    return tuple(
        name for name in NAMES if getattr(right, name) is not None and getattr(right, name) != getattr(said, name)
    )


def corrected(said: Reach, right: Reach, now: datetime) -> Reach:
    """Return what we say from now on. Raises ValueError, in words for the person who corrects."""
    known = replace(said, **{name: getattr(right, name) for name in differing(said, right)})
    if right.peak is not None and not 0 <= right.peak <= _EVERYTHING:
        raise ValueError(f"{right.peak:g} is no share. Write a number from 0 to 100.")
    if any(number is not None and number < 0 for number in (right.failed, right.customers)):
        raise ValueError("Nobody can have counted fewer than none.")
    if any(at is not None and at > now for at in (right.began, right.ended)):
        raise ValueError("That time is still to come. A correction says what has been.")
    if known.began and known.ended and known.ended < known.began:
        raise ValueError("It cannot have ended before it began.")
    return known
