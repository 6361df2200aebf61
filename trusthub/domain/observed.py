"""What one incident, promise, conversation or rollout says for the trust report. Each definition is a function here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from trusthub.domain.trust import Observation

_ROUNDED = timedelta(minutes=1)
"""Promises are made for full minutes, so an update may come that much later and is on cadence."""
_QUICK = timedelta(seconds=60)
_SATISFIED = 4
"""Of 1 to 5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An incident that customers were told of; planned work is none."""

    components: tuple[str, ...]
    began: datetime
    told: datetime
    updates: Sequence[datetime]
    """When something was published on it, in order, its end included."""
    every: timedelta
    """The cadence of its playbook for how bad it was."""
    false_alarm: bool = False


def of_incident(it: Told) -> Iterator[Observation]:
    """Say how soon we spoke, how regularly, and whether it was one at all."""
    gaps = [after - before for before, after in pairwise(it.updates)]
    late = sum(max((gap - it.every - _ROUNDED).total_seconds(), 0.0) for gap in gaps)
    yield Observation("acknowledgement", it.told, _minutes(it.told - it.began), it.components)
    for at, gap in zip(it.updates[1:], gaps, strict=True):
        yield Observation("cadence", at, float(gap <= it.every + _ROUNDED), it.components)
    yield Observation("silence", it.told, late / 60, it.components)
    yield Observation("false_alarms", it.told, float(it.false_alarm), it.components)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A time that we gave in public and that came due."""

    components: tuple[str, ...]
    due: datetime
    kept: bool
    earliest: datetime | None = None
    """Where a recovery was promised as a range."""
    settled: datetime | None = None


def of_promise(it: Given) -> Iterator[Observation]:
    """Say whether it was kept, and for a range whether it held at both ends."""
    yield Observation("promises", it.due, float(it.kept), it.components)
    if it.earliest is not None:
        held = it.kept and it.settled is not None and it.settled >= it.earliest
        yield Observation("eta", it.due, float(held), it.components)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One customer's thread."""

    components: tuple[str, ...]
    opened: datetime
    answered: datetime | None
    """When a person first answered."""
    told: datetime | None
    """When customers were first told of what it is about; None where there is no incident."""
    closed: bool
    fixed: bool | None
    rating: int | None


def of_conversation(it: Conversation) -> Iterator[Observation]:
    """Say how soon a person answered, who spoke first, and how it ended for the customer."""
    if it.answered is not None:
        yield Observation("first_reply", it.opened, _minutes(it.answered - it.opened), it.components)
    if it.told is not None:
        yield Observation("heard_first", it.opened, float(it.opened >= it.told), it.components)
    if it.closed:
        yield Observation("fixed", it.opened, float(it.fixed is True), it.components)
    if it.rating is not None:
        yield Observation("csat", it.opened, float(it.rating >= _SATISFIED), it.components)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A rollout to customers that ended."""

    components: tuple[str, ...]
    ended: datetime
    failed: bool
    """It failed, was rolled back, or was withdrawn by a later one."""
    took_back: timedelta | None = None
    """How long going back took."""


def of_change(it: Change) -> Iterator[Observation]:
    """Say whether it failed, and whether it was undone quickly."""
    yield Observation("change_failure", it.ended, float(it.failed), it.components)
    if it.took_back is not None:
        yield Observation("undo", it.ended, float(it.took_back < _QUICK), it.components)


def of_words(at: datetime, components: tuple[str, ...], *, overruled: bool) -> Observation:
    """Say whether a text that a person published overruled the linter."""
    return Observation("overridden", at, float(overruled), components)


def of_approval(asked: datetime, decided: datetime, components: tuple[str, ...]) -> Observation:
    """Say how long words waited for a person."""
    return Observation("approval", asked, _minutes(decided - asked), components)


def _minutes(span: timedelta) -> float:
    return max(span.total_seconds(), 0.0) / 60
