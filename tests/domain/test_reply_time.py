"""When we say how long an answer takes, and when we hold our tongue."""

from datetime import timedelta

import pytest

from trusthub.domain.reply_time import ReplyTime, reply_time


def minutes(*numbers: float) -> list[timedelta]:
    return [timedelta(minutes=each) for each in numbers]


@pytest.mark.parametrize(
    ("took", "waits", "said"),
    [
        ((5, 20, 25, 40, 90), None, 30),
        ((5, 20, 25, 40, 90), 29, 30),
        ((5, 20, 25, 40, 90), 31, None),
        ((5, 20, 25, 40), None, None),
        ((1, 1, 1, 1, 1), None, 5),
        ((2000,) * 9, None, None),
    ],
)
def test_half_of_the_first_answers_say_it_when_there_are_enough(
    took: tuple[float, ...], waits: float | None, said: int | None
) -> None:
    found = reply_time(minutes(*took), timedelta(minutes=waits) if waits else None)
    assert found == (ReplyTime(timedelta(minutes=said), len(took)) if said else None)
