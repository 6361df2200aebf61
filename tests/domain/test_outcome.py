"""What a rollback really was: layer, time, and exposure over time."""

from datetime import timedelta

from tests.domain.samples import event, follow
from trusthub.domain.events import Phase, Strategy
from trusthub.domain.outcome import Outcome, minutes, outcome
from trusthub.domain.parts import Share


def test_exposure_and_time_make_the_effect() -> None:
    known, _ = follow(
        [
            event(Phase.STARTED, 0, strategy=Strategy.CANARY),
            event(Phase.PROGRESSING, 2, 5.0),
            event(Phase.PROGRESSING, 5, 25.0),
            event(Phase.ROLLING_BACK, 8),
            event(Phase.PROGRESSING, 9, 5.0),
            event(Phase.ROLLED_BACK, 12),
        ]
    )
    assert outcome(known) == Outcome(layer="traffic", took=timedelta(minutes=4), shares=(Share(25.0, 7), Share(5.0, 3)))


def test_what_no_tool_says_is_not_known() -> None:
    known, _ = follow([event(Phase.PROGRESSING, 2), event(Phase.ROLLING_BACK, 8), event(Phase.ROLLED_BACK, 12)])
    found = outcome(known)
    assert found is not None
    assert (found.layer, found.shares) == (None, None)


def test_nobody_reached_is_no_effect() -> None:
    known, _ = follow(
        [
            event(Phase.STARTED, 0, 0.0, strategy=Strategy.FLAG),
            event(Phase.ROLLING_BACK, 8),
            event(Phase.ROLLED_BACK, 8.2),
        ]
    )
    assert outcome(known) == Outcome(layer="toggle", took=timedelta(seconds=12), shares=())


def test_there_is_none_before_the_end() -> None:
    known, _ = follow([event(Phase.PROGRESSING, 2, 5.0), event(Phase.ROLLING_BACK, 8)])
    assert outcome(known) is None
    assert outcome(follow([event(Phase.COMPLETED, 2)])[0]) is None


def test_people_read_whole_minutes() -> None:
    assert [minutes(timedelta(seconds=seconds)) for seconds in (0, 20, 89, 150, 3600)] == [1, 1, 1, 2, 60]
