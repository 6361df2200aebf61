"""Who counts, in which step, and when a rollback is proposed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trusthub.domain.complaints import Threshold, by_step, tally
from trusthub.domain.gate import Voice
from trusthub.domain.parts import Tallied
from trusthub.domain.rollout import Exposure

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def voice(person: str, minute: int = 0, **more: Any) -> Voice:
    said: dict[str, Any] = {"network": person, "at": NOON + timedelta(minutes=minute), "real": True, **more}
    return Voice(person=person, **said)


def test_each_customer_counts_once_by_the_worst_they_said() -> None:
    heard = [voice("ana", pain="minor"), voice("ana", 5, pain="blocking", wants_rollback=True), voice("bo")]
    assert tally(heard, 3) == Tallied(complaints=2, blocking=1, requests=1)


def test_who_is_not_known_to_be_real_does_not_count() -> None:
    assert tally([voice("ana", real=False, pain="blocking", wants_rollback=True)], 3) == Tallied()


def test_a_network_counts_for_a_few() -> None:
    crowd = [voice(f"c{number}", network="office", wants_rollback=True, pain="painful") for number in range(9)]
    assert tally(crowd, 3) == Tallied(complaints=3, painful=3, requests=3)


def test_a_customer_belongs_to_the_step_in_which_they_first_spoke() -> None:
    steps = (Exposure(NOON, 1.0), Exposure(NOON + timedelta(minutes=10), 5.0))
    heard = [voice("ana", 3), voice("ana", 12, wants_rollback=True), voice("bo", 11), voice("early", -2)]
    first, second = by_step(heard, steps, NOON, 3)
    assert (first.percent, first.tally) == (1.0, Tallied(complaints=2, requests=1))
    assert (second.percent, second.tally) == (5.0, Tallied(complaints=1))


def test_a_tool_that_names_no_share_has_one_step() -> None:
    (step,) = by_step([voice("ana", 3)], (), NOON, 3)
    assert (step.since, step.percent, step.tally.complaints) == (NOON, None, 1)


@pytest.mark.parametrize(
    ("requests", "complaints", "proposed"),
    [(5, 5, True), (4, 4, False), (5, 10, True), (5, 11, False), (0, 0, False)],
)
def test_so_many_and_so_large_a_share(requests: int, complaints: int, *, proposed: bool) -> None:
    threshold = Threshold(requests=5, share=50)
    assert threshold.passed(Tallied(complaints=complaints, requests=requests)) is proposed
