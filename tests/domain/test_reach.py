"""What a person corrects, and what stays as it was said."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trusthub.domain.incident import Impact
from trusthub.domain.reach import Reach, corrected, differing

NOW = datetime(2026, 3, 2, 14, 40, tzinfo=UTC)
BEGAN, ENDED = NOW.replace(minute=2), NOW.replace(minute=9)
SAID = Reach(peak=5.0, failed=None, began=BEGAN, ended=ENDED, impact=Impact.MINOR)


def test_only_what_is_said_otherwise_is_corrected() -> None:
    right = Reach(peak=3.2, failed=0, began=BEGAN)
    assert differing(SAID, right) == ("peak", "failed")
    assert corrected(SAID, right, NOW) == Reach(peak=3.2, failed=0, began=BEGAN, ended=ENDED, impact=Impact.MINOR)


def test_to_say_the_same_or_nothing_is_no_correction() -> None:
    assert differing(SAID, Reach()) == differing(SAID, SAID) == ()


@pytest.mark.parametrize(
    ("right", "why"),
    [
        ({"peak": 100.1}, "100.1 is no share"),
        ({"failed": -1}, "fewer than none"),
        ({"customers": -1}, "fewer than none"),
        ({"ended": NOW + timedelta(minutes=1)}, "still to come"),
        ({"began": ENDED + timedelta(minutes=1)}, "ended before it began"),
    ],
)
def test_what_cannot_be_is_refused(right: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        corrected(SAID, Reach(**right), NOW)
