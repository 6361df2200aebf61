"""Planned work: which windows can be planned, and which reminders are sent."""

from datetime import UTC, datetime, timedelta

import pytest

from trusthub.domain import maintenance
from trusthub.domain.incident import ComponentStatus, Impact, State, status_of, worst_status

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LEADS = (DAY, HOUR)


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        (NOW, NOW + HOUR, "begin in the future"),
        (NOW + HOUR, NOW + HOUR, "end after it begins"),
        (NOW + 2 * HOUR, NOW + HOUR, "end after it begins"),
        (NOW + HOUR, NOW + 16 * DAY, "more than 14 days"),
    ],
)
def test_a_window_that_cannot_be_is_refused(start: datetime, end: datetime, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        maintenance.check(start, end, NOW)


def test_work_that_has_begun_ends_in_the_future() -> None:
    maintenance.check_end(NOW - HOUR, NOW + HOUR, NOW)
    with pytest.raises(ValueError, match="in the future"):
        maintenance.check_end(NOW - HOUR, NOW, NOW)


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (3 * DAY, [DAY, HOUR]),
        (30 * HOUR, [DAY, HOUR]),
        (29 * HOUR, [HOUR]),  # who has just read of it needs no reminder five hours later
        (75 * timedelta(minutes=1), [HOUR]),
        (74 * timedelta(minutes=1), []),
        (timedelta(minutes=10), []),
    ],
)
def test_who_has_just_read_of_it_is_not_reminded(ahead: timedelta, expected: list[timedelta]) -> None:
    start = NOW + ahead
    assert maintenance.reminders(NOW, start, (HOUR, DAY, DAY)) == tuple(start - lead for lead in expected)


def test_a_late_reminder_gives_way_to_a_later_one_and_to_the_work() -> None:
    start = NOW + 2 * DAY
    assert maintenance.is_due(start - DAY, start - DAY, start, LEADS)
    assert maintenance.is_due(start - DAY, start - 2 * HOUR, start, LEADS)
    assert not maintenance.is_due(start - DAY, start - HOUR, start, LEADS)
    assert not maintenance.is_due(start - HOUR, start, start, LEADS)


def test_the_reminder_of_another_plan_is_not_due() -> None:
    start = NOW + 2 * DAY
    assert not maintenance.is_due(start - DAY, start - DAY, start + HOUR, LEADS)


@pytest.mark.parametrize(
    ("state", "impact", "status"),
    [
        (State.SCHEDULED, Impact.NONE, ComponentStatus.OPERATIONAL),
        (State.IN_PROGRESS, Impact.NONE, ComponentStatus.MAINTENANCE),
        (State.VERIFYING, Impact.NONE, ComponentStatus.MAINTENANCE),
        (State.COMPLETED, Impact.NONE, ComponentStatus.OPERATIONAL),
        (State.IDENTIFIED, Impact.MINOR, ComponentStatus.DEGRADED),
        (State.MONITORING, Impact.CRITICAL, ComponentStatus.OPERATIONAL),
        (State.RESOLVED, Impact.CRITICAL, ComponentStatus.OPERATIONAL),
    ],
)
def test_what_a_state_makes_of_a_component(state: State, impact: Impact, status: ComponentStatus) -> None:
    assert status_of(state, impact) is status


def test_an_incident_wins_over_planned_work() -> None:
    assert worst_status(["under_maintenance", "degraded_performance"]) is ComponentStatus.DEGRADED
    assert worst_status(["under_maintenance", "operational"]) is ComponentStatus.MAINTENANCE
    assert worst_status([]) is ComponentStatus.OPERATIONAL
