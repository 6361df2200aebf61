"""Times we give in public."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trusthub.domain.plan import Recovery
from trusthub.domain.promise import Kind, Promise, Standing, next_update, recovery, settled

NOW = datetime(2026, 3, 2, 14, 6, 12, 345_678, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BASIS = "traffic returns at once"
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
spans = st.timedeltas(MINUTE, timedelta(days=2))


def full(moment: datetime) -> bool:
    return moment.second == moment.microsecond == 0


def test_the_next_update_is_promised_for_a_full_minute() -> None:
    due = datetime(2026, 3, 2, 14, 37, tzinfo=UTC)
    assert next_update(NOW, timedelta(minutes=30)) == Promise(kind=Kind.NEXT_UPDATE, due=due)
    assert next_update(due - timedelta(minutes=30), timedelta(minutes=30)).due == due


def test_recovery_is_promised_as_a_range_with_its_reason() -> None:
    made = recovery(NOW, Recovery.model_validate({"from": "2m", "to": "10m", "basis": BASIS}))
    assert made == Promise(
        kind=Kind.RECOVERY,
        earliest=datetime(2026, 3, 2, 14, 8, tzinfo=UTC),
        due=datetime(2026, 3, 2, 14, 17, tzinfo=UTC),
        basis=BASIS,
    )


@given(times, spans)
def test_a_promise_is_never_earlier_than_meant_and_never_a_minute_later(now: datetime, cadence: timedelta) -> None:
    due = next_update(now, cadence).due
    assert full(due)
    assert now + cadence <= due < now + cadence + MINUTE


@given(times, spans, spans)
def test_a_range_holds_what_the_plan_says(started: datetime, one: timedelta, other: timedelta) -> None:
    shorter, longer = sorted((one, other))
    made = recovery(started, Recovery.model_validate({"from": shorter, "to": longer, "basis": BASIS}))
    assert made.earliest is not None
    assert full(made.earliest)
    assert full(made.due)
    assert made.earliest <= started + shorter <= started + longer <= made.due


@pytest.mark.parametrize(
    ("late", "standing"),
    [(-60, Standing.KEPT), (0, Standing.KEPT), (59, Standing.KEPT), (60, Standing.MISSED), (3600, Standing.MISSED)],
)
def test_within_the_minute_is_kept_because_people_read_minutes(late: int, standing: Standing) -> None:
    due = next_update(NOW, timedelta(minutes=30)).due
    assert settled(due, due + timedelta(seconds=late)) is standing


@given(times, spans)
def test_what_is_done_in_time_is_kept(now: datetime, cadence: timedelta) -> None:
    assert settled(next_update(now, cadence).due, now + cadence) is Standing.KEPT
