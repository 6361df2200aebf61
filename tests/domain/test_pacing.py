"""When a delivery is tried again, and when it is not."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trusthub.domain.pacing import JITTER, LONGEST_WAIT, PATIENCE, SCHEDULE, Pace, next_attempt
from trusthub.errors import DeliveryError

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
FAILED = DeliveryError("503 from the provider", status=503)
rngs = st.integers().map(Random)


def wait(error: DeliveryError, attempt: int, rng: Random, since: timedelta = timedelta()) -> float | None:
    """Return the seconds until the next attempt, or None when there is none."""
    due = next_attempt(error, attempt, NOW - since, NOW, rng)
    return None if due is None else (due - NOW).total_seconds()


@given(st.integers(1, 50), rngs)
def test_a_wait_is_the_schedule_within_its_jitter(attempt: int, rng: Random) -> None:
    meant = SCHEDULE[min(attempt, len(SCHEDULE)) - 1]
    assert wait(FAILED, attempt, rng) == pytest.approx(meant, rel=JITTER, abs=1e-6)


@given(st.integers(1, len(SCHEDULE) - 1), rngs)
def test_every_wait_is_longer_than_the_last(attempt: int, rng: Random) -> None:
    shorter, longer = wait(FAILED, attempt, rng), wait(FAILED, attempt + 1, rng)
    assert shorter is not None
    assert longer is not None
    assert shorter < longer


@given(st.integers(1, 50), st.floats(0, 1e9), rngs)
def test_a_provider_is_obeyed_up_to_the_longest_wait(attempt: int, seconds: float, rng: Random) -> None:
    waited = wait(DeliveryError("429", retry_after=seconds), attempt, rng)
    assert waited is not None
    assert waited >= min(seconds, LONGEST_WAIT) - 1e-6
    assert waited <= max(LONGEST_WAIT, SCHEDULE[-1] * (1 + JITTER)) + 1e-6


@given(st.integers(1, 50), st.floats(-1e9, 0), rngs)
def test_no_provider_makes_it_faster(attempt: int, seconds: float, rng: Random) -> None:
    waited = wait(DeliveryError("429", retry_after=seconds), attempt, rng)
    assert waited is not None
    assert waited >= SCHEDULE[min(attempt, len(SCHEDULE)) - 1] * (1 - JITTER) - 1e-6


@given(st.integers(1, 50), rngs, st.none() | st.floats(0, 1e9))
def test_it_gives_up(attempt: int, rng: Random, seconds: float | None) -> None:
    assert wait(DeliveryError("410", permanent=True, retry_after=seconds), attempt, rng) is None
    assert wait(DeliveryError("503", retry_after=seconds), attempt, rng, since=PATIENCE.give_up) is None
    assert wait(DeliveryError("503", retry_after=seconds), attempt, rng, since=PATIENCE.give_up - timedelta(seconds=1))


@given(rngs)
def test_a_dead_provider_is_tried_a_dozen_times_in_its_hour(rng: Random) -> None:
    now, attempts = NOW, 1
    while (due := next_attempt(FAILED, attempts, NOW, now, rng)) is not None:
        assert due > now
        now, attempts = due, attempts + 1
    assert PATIENCE.give_up <= now - NOW < PATIENCE.give_up + timedelta(seconds=SCHEDULE[-1] * (1 + JITTER))
    assert 10 <= attempts <= 15


# ------------------------------------------------------------------------------------------------ pace

PACE = Pace(burst=20, interval=timedelta(seconds=1))


def spend(gaps: list[float]) -> list[float]:
    """Send as soon as one may after each gap, in seconds; return when that was."""
    full, ready, sent = None, NOW, []
    now = NOW
    for gap in gaps:
        now = max(now + timedelta(seconds=gap), ready)
        sent.append((now - NOW).total_seconds())
        full, ready = PACE.spend(full, now)
    return sent


def test_a_burst_leaves_at_once_and_then_one_a_second() -> None:
    assert spend([0] * 23) == [0.0] * 20 + [1.0, 2.0, 3.0]


@given(st.lists(st.floats(0, 30), max_size=80))
def test_no_second_has_more_than_was_saved_for_it(gaps: list[float]) -> None:
    sent = spend(gaps)
    for first in range(len(sent)):
        for last in range(first, len(sent)):
            assert last - first + 1 <= PACE.burst + (sent[last] - sent[first]) + 1e-3


@given(st.lists(st.floats(1, 30), max_size=50))
def test_who_keeps_the_pace_never_waits(gaps: list[float]) -> None:
    sent = spend(gaps)
    for before, after, gap in zip(sent, sent[1:], gaps[1:], strict=False):
        assert after - before == pytest.approx(gap, abs=1e-3)
