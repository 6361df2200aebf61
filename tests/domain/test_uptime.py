"""What of an incident counts against a component's uptime, and on which day."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trusthub.domain.incident import ComponentStatus
from trusthub.domain.uptime import Trouble, days, troubles, uptime

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=400)
OK, MINOR, PARTIAL, MAJOR = (
    ComponentStatus.OPERATIONAL,
    ComponentStatus.DEGRADED,
    ComponentStatus.PARTIAL_OUTAGE,
    ComponentStatus.MAJOR_OUTAGE,
)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


@pytest.mark.parametrize(
    ("status", "counts"),
    [(MAJOR, 100.0), (PARTIAL, 30.0), (MINOR, 0.0), (ComponentStatus.MAINTENANCE, 0.0)],
)
def test_each_status_counts_as_the_page_says(status: ComponentStatus, counts: float) -> None:
    known = days([Trouble(NOON - hours(6), NOON, status)], since=LONG_AGO, now=NOON, count=1)
    assert uptime(known) == pytest.approx(100 - counts / 2)  # six of the twelve hours of today
    assert known[0].worst is status


def test_of_several_at_once_the_worst_counts_and_only_once() -> None:
    both = [Trouble(NOON - hours(4), NOON - hours(1), PARTIAL), Trouble(NOON - hours(3), NOON - hours(2), MAJOR)]
    (today,) = days(both, since=LONG_AGO, now=NOON, count=1)
    assert today.spent == {PARTIAL: hours(2), MAJOR: hours(1)}
    assert today.worst is MAJOR
    assert uptime([today]) == pytest.approx(100 * (1 - (0.3 * 2 + 1) / 12))


def test_midnight_divides_it() -> None:
    night = Trouble(NOON - hours(14), NOON - hours(11), MAJOR)
    yesterday, today = days([night], since=LONG_AGO, now=NOON, count=2)
    assert (yesterday.spent, today.spent) == ({MAJOR: hours(2)}, {MAJOR: hours(1)})


def test_what_lasts_counts_until_now() -> None:
    (today,) = days([Trouble(NOON - hours(1), None, MAJOR)], since=LONG_AGO, now=NOON, count=1)
    assert today.spent == {MAJOR: hours(1)}


def test_nothing_is_known_of_before() -> None:
    known = days([], since=NOON - hours(18), now=NOON, count=3)
    assert [day.known for day in known] == [hours(0), hours(6), hours(12)]
    assert uptime(known) == 100.0
    assert uptime(known[:1]) is None


def test_it_began_before_people_were_told() -> None:
    told = NOON + hours(1)
    shown = [(told, MAJOR), (told + hours(1), PARTIAL), (told + hours(2), OK)]
    assert troubles(NOON, shown, None) == (
        Trouble(NOON, told + hours(1), MAJOR),
        Trouble(told + hours(1), told + hours(2), PARTIAL),
    )


def test_what_is_written_down_afterwards_counts_when_it_was() -> None:
    written = NOON + timedelta(days=3)
    shown = [(written, PARTIAL), (written, OK)]
    assert troubles(NOON, shown, NOON + hours(2)) == (Trouble(NOON, NOON + hours(2), PARTIAL),)


def test_what_comes_back_counts_again_without_the_time_between() -> None:
    shown = [(NOON, MAJOR), (NOON + hours(1), OK), (NOON + hours(3), MAJOR)]
    assert troubles(NOON, shown, NOON + hours(4)) == (
        Trouble(NOON, NOON + hours(1), MAJOR),
        Trouble(NOON + hours(3), NOON + hours(4), MAJOR),
    )


@given(
    st.lists(
        st.tuples(
            st.floats(-200, 12),
            st.floats(0.1, 60),
            st.sampled_from([MINOR, PARTIAL, MAJOR, ComponentStatus.MAINTENANCE]),
        ),
        max_size=6,
    )
)
def test_no_day_is_longer_than_itself_and_uptime_stays_a_share(
    seen: list[tuple[float, float, ComponentStatus]],
) -> None:
    known = [Trouble(NOON + hours(start), NOON + hours(start + span), status) for start, span, status in seen]
    counted = days(known, since=LONG_AGO, now=NOON, count=7)
    for day in counted:
        assert sum(day.spent.values(), hours(0)) <= day.known
        assert all(spent > hours(0) for spent in day.spent.values())
    share = uptime(counted)
    assert share is not None
    assert 0 <= share <= 100
