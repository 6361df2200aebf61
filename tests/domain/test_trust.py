"""Each figure of the trust report, by its definition."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trusthub.domain.observed import (
    Change,
    Conversation,
    Given,
    Told,
    of_approval,
    of_change,
    of_conversation,
    of_incident,
    of_promise,
    of_words,
)
from trusthub.domain.trust import METRICS, Figure, Observation, Shape, figure, lines, months

NOON = datetime(2026, 10, 22, 12, tzinfo=UTC)
WHERE = ("checkout",)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def found(observations: Iterable[Observation], metric: str) -> list[float]:
    return [each.value for each in observations if each.metric == metric]


def incident(*updates: float, **more: object) -> list[Observation]:
    said: dict[str, Any] = {"every": timedelta(minutes=30), "updates": [at(each) for each in updates], **more}
    return list(of_incident(Told(components=WHERE, began=NOON, told=at(6), **said)))


def talk(**more: object) -> list[Observation]:
    said: dict[str, Any] = {
        "opened": at(10),
        "answered": None,
        "told": None,
        "closed": False,
        "fixed": None,
        "rating": None,
        **more,
    }
    return list(of_conversation(Conversation(components=WHERE, **said)))


def test_the_first_word_counts_from_the_beginning() -> None:
    assert found(incident(6), "acknowledgement") == [6.0]


def test_an_update_within_its_cadence_and_one_too_late() -> None:
    assert found(incident(6, 36, 37, 68.5), "cadence") == [1.0, 1.0, 0.0]
    assert found(incident(6), "cadence") == []


def test_silence_is_what_goes_beyond_the_cadence() -> None:
    assert found(incident(6, 36, 77), "silence") == [10.0]
    assert found(incident(6, 36), "silence") == [0.0]


def test_a_false_alarm_is_one_of_what_was_told() -> None:
    assert found(incident(6, false_alarm=True), "false_alarms") == [1.0]
    assert found(incident(6), "false_alarms") == [0.0]


@pytest.mark.parametrize("kept", [True, False])
def test_a_promise_is_kept_or_not(*, kept: bool) -> None:
    made = list(of_promise(Given(components=WHERE, due=at(30), kept=kept)))
    assert found(made, "promises") == [float(kept)]
    assert found(made, "eta") == []


@pytest.mark.parametrize(("settled", "held"), [(7, 0.0), (8, 1.0), (16, 1.0)])
def test_a_range_holds_at_both_ends(settled: float, held: float) -> None:
    made = of_promise(Given(components=WHERE, due=at(16), kept=True, earliest=at(8), settled=at(settled)))
    assert found(made, "eta") == [held]


def test_a_range_that_is_missed_does_not_hold() -> None:
    made = of_promise(Given(components=WHERE, due=at(16), kept=False, earliest=at(8), settled=at(20)))
    assert found(made, "eta") == [0.0]


def test_the_first_answer_is_that_of_a_person() -> None:
    assert found(talk(answered=at(25)), "first_reply") == [15.0]
    assert found(talk(), "first_reply") == []


def test_who_wrote_after_our_first_word_heard_it_from_us() -> None:
    assert found(talk(told=at(6)), "heard_first") == [1.0]
    assert found(talk(told=at(12)), "heard_first") == [0.0]
    assert found(talk(), "heard_first") == []


def test_closed_and_fixed_is_what_the_customer_says() -> None:
    assert [found(talk(closed=True, fixed=said), "fixed") for said in (True, False, None)] == [[1.0], [0.0], [0.0]]
    assert found(talk(fixed=True), "fixed") == []


def test_four_and_five_are_satisfied() -> None:
    assert [found(talk(rating=rating), "csat") for rating in (3, 4, 5, None)] == [[0.0], [1.0], [1.0], []]


def test_words_are_overridden_or_not() -> None:
    assert of_words(NOON, WHERE, overruled=True) == Observation("overridden", NOON, 1.0, WHERE)
    assert of_words(NOON, WHERE, overruled=False).value == 0.0


@pytest.mark.parametrize(("seconds", "quick"), [(59, 1.0), (60, 0.0)])
def test_undone_in_under_sixty_seconds(seconds: int, quick: float) -> None:
    change = Change(components=WHERE, ended=NOON, failed=True, took_back=timedelta(seconds=seconds))
    assert found(of_change(change), "undo") == [quick]
    assert found(of_change(Change(components=WHERE, ended=NOON, failed=False)), "undo") == []


@pytest.mark.parametrize("failed", [True, False])
def test_a_change_failed_or_not(*, failed: bool) -> None:
    assert found(of_change(Change(components=WHERE, ended=NOON, failed=failed)), "change_failure") == [float(failed)]


def test_a_wait_for_approval_ends_with_a_person() -> None:
    assert of_approval(NOON, at(4), WHERE) == Observation("approval", NOON, 4.0, WHERE)


def test_there_is_no_percentage_of_fewer_than_ten() -> None:
    assert figure(Shape.SHARE, [1.0] * 9) == Figure(9, None)
    assert figure(Shape.SHARE, [1.0] * 9 + [0.0]) == Figure(10, 90.0)


def test_minutes_have_a_median_or_add_up_and_nothing_is_nothing() -> None:
    assert figure(Shape.MEDIAN, [1.0, 2.0, 9.0]) == Figure(3, 2.0)
    assert figure(Shape.TOTAL, [1.0, 2.0, 9.0]) == Figure(3, 12.0)
    assert figure(Shape.TOTAL, []) == Figure(0, None)


def test_months_go_back_over_the_new_year() -> None:
    assert months("2026-02", 4) == ("2025-11", "2025-12", "2026-01", "2026-02")


def test_a_month_stands_beside_the_twelve_before_it_and_a_component_alone() -> None:
    seen = [
        *(Observation("promises", NOON, 1.0, WHERE) for _ in range(10)),
        *(Observation("promises", NOON - timedelta(days=40), 0.0, ("search",)) for _ in range(10)),
        Observation("promises", NOON - timedelta(days=500), 0.0, WHERE),
        Observation("silence", NOON - timedelta(days=40), 20.0, WHERE),
        Observation("silence", NOON - timedelta(days=70), 10.0, WHERE),
    ]
    by_id = {line.metric.id: line for line in lines(seen, "2026-10")}
    assert list(by_id) == list(METRICS)
    assert (by_id["promises"].now, by_id["promises"].baseline) == (Figure(10, 100.0), Figure(10, 0.0))
    assert len(by_id["promises"].past) == 13
    assert by_id["silence"].baseline == Figure(2, 15.0)
    alone = {line.metric.id: line for line in lines(seen, "2026-10", "checkout")}
    assert alone["promises"].baseline == Figure(0, None)
