"""Times we give in public."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trusthub.domain.events import Strategy
from trusthub.domain.incident import CauseClass
from trusthub.domain.plan import Recovery
from trusthub.domain.promise import (
    FEW,
    Kind,
    Promise,
    Record,
    Standing,
    duration,
    holdings_left,
    may_estimate,
    may_hold,
    next_update,
    recovery,
    remind_at,
    settled,
    until,
)
from trusthub.domain.rollout import Basis, Rollout

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


# ------------------------------------------------------------------------------------------ our own history

PLAN = Recovery.model_validate({"from": "2m", "to": "10m", "basis": BASIS})


def took(*seconds: float) -> list[timedelta]:
    return [timedelta(seconds=each) for each in seconds]


def test_three_comparable_rollbacks_are_a_better_basis_than_the_plan() -> None:
    made = recovery(NOW, PLAN, took(185, 300, 470, 61))
    assert made == Promise(
        kind=Kind.RECOVERY,
        earliest=NOW.replace(minute=8, second=0, microsecond=0),
        due=NOW.replace(minute=15, second=0, microsecond=0),
        comparable=(4, 5, 8, 2),
    )


def test_two_are_not() -> None:
    assert recovery(NOW, PLAN, took(185, 300)) == recovery(NOW, PLAN)


def test_no_rollback_took_no_minute() -> None:
    assert recovery(NOW, PLAN, took(1, 20, 60)).comparable == (1, 1, 1)


@given(times, st.lists(st.timedeltas(timedelta(seconds=1), timedelta(days=2)), min_size=3))
def test_the_range_of_history_holds_all_of_it(started: datetime, spans: list[timedelta]) -> None:
    made = recovery(started, PLAN, spans)
    assert made.earliest is not None
    assert started + max(spans) <= made.due
    assert made.earliest < started + min(spans) + MINUTE
    assert not made.basis


@pytest.mark.parametrize(
    ("known", "minutes"),
    [
        ({"rollback_started_at": NOW, "ended_at": NOW + 8 * MINUTE}, 8),
        ({"rollback_started_at": NOW}, None),
        ({"rollback_started_at": NOW, "ended_at": NOW}, None),
        ({"ended_at": NOW}, None),
        ({"basis": Basis.INFERRED, "started_at": NOW, "ended_at": NOW + 3 * MINUTE}, 3),
    ],
    ids=["whole", "under-way", "told-at-the-end", "no-start", "a-rollback-itself"],
)
def test_a_rollback_took_what_its_tool_saw_from_start_to_end(known: dict[str, Any], minutes: int | None) -> None:
    assert duration(Rollout(strategy=Strategy.CANARY, **known)) == (minutes and minutes * MINUTE)


@pytest.mark.parametrize(
    ("cause", "may"),
    [("our_change", True), ("our_system", True), ("dependency", False), ("attack", False), ("unknown", False)],
)
def test_nothing_is_estimated_that_is_not_ours_to_undo(cause: str, *, may: bool) -> None:
    assert may_estimate(CauseClass(cause)) is may


def test_a_person_gives_a_time_that_is_still_to_come() -> None:
    assert until(NOW, NOW + MINUTE, Kind.RECOVERY).due == NOW.replace(minute=8, second=0, microsecond=0)
    with pytest.raises(ValueError, match="has passed already"):
        until(NOW, NOW, Kind.RECOVERY)


# ------------------------------------------------------------------------------------------ before it is due


@pytest.mark.parametrize(
    ("given", "lead", "before"),
    [(30, None, 10), (60, None, 20), (9, None, 3), (6, None, 3), (3, None, None), (30, 5, 5), (30, 30, None)],
)
def test_people_are_reminded_in_time_to_write(given: int, lead: int | None, before: int | None) -> None:
    due = NOW + given * MINUTE
    assert remind_at(NOW, due, lead * MINUTE if lead else None) == (before and due - before * MINUTE)


@given(times, spans)
def test_a_reminder_comes_after_the_promise_and_three_minutes_before_it_is_due(made: datetime, span: timedelta) -> None:
    at = remind_at(made, made + span)
    assert at is None or made < at <= made + span - 3 * MINUTE


def test_silence_is_bridged_twice_and_only_in_time() -> None:
    assert [holdings_left(count) for count in range(4)] == [2, 1, 0, 0]
    assert may_hold(NOW, NOW, 1)
    assert not may_hold(NOW, NOW, 2)
    assert not may_hold(NOW, NOW + MINUTE, 0)


# ------------------------------------------------------------------------------------------ counted


def test_a_share_needs_ten_that_came_due() -> None:
    assert Record(kept=8, missed=1, withdrawn=5, pending=5).share is None
    assert Record(kept=9, missed=1).share == 90.0
    assert Record(kept=9, missed=1).ended == FEW
    assert Record(kept=1, missed=2, withdrawn=3, pending=4).made == 10
