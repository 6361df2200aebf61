"""What views work out for themselves: curves, durations, the words of a message."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from markupsafe import Markup

from tests.browser.samples import CHECKOUT, EXPOSURE, THREAD, at
from trusthub.services.curve import ExposureView
from trusthub.services.views import MessageView

NOW = datetime(2026, 11, 22, 14, 12, tzinfo=UTC)


def test_a_curve_has_a_bar_for_each_step_above_nothing() -> None:
    bars = EXPOSURE.curve(NOW).bars
    assert [bar.percent for bar in bars] == [1.0, 5.0, 25.0]
    assert bars[0].x == 8
    assert bars[1].x == pytest.approx(bars[0].x + bars[0].width, abs=0.02)
    assert bars[2].x + bars[2].width == pytest.approx(92)
    assert bars[0].width == pytest.approx(84 * 12 / 29, abs=0.02)


def test_a_curve_that_lasts_reaches_until_now() -> None:
    lasting = replace(EXPOSURE, steps=EXPOSURE.steps[:2], ended=None)
    curve = lasting.curve(NOW)
    assert curve.bars[-1].x + curve.bars[-1].width == pytest.approx(92)
    assert {tick.words for tick in curve.ticks} == {"13:40", "13:52", "14:12"}


def test_a_curve_begins_where_somebody_is_exposed() -> None:
    waiting = replace(EXPOSURE, steps=((at("10:00"), 0.0), *EXPOSURE.steps))
    assert waiting.began == at("13:40")
    assert waiting.curve(NOW) == EXPOSURE.curve(NOW)


def test_times_under_a_curve_stay_apart() -> None:
    quick = tuple((at("13:40") + timedelta(minutes=minute), minute + 1.0) for minute in range(20))
    ticks = sorted(tick.x for tick in ExposureView(steps=quick, peak=20, ended=at("14:02")).curve(NOW).ticks)
    assert ticks[0] == 8
    assert ticks[-1] == 92
    assert min(later - earlier for earlier, later in pairwise(ticks)) >= 18


def test_a_curve_over_days_is_dated() -> None:
    slow = ExposureView(steps=((at("13:40", days_ago=3), 5.0),), peak=5, ended=None)
    assert {tick.words for tick in slow.curve(NOW).ticks} == {"19 Nov", "22 Nov"}


def test_a_curve_of_one_moment_can_be_drawn() -> None:
    instant = ExposureView(steps=((NOW, 100.0),), peak=100, ended=None)
    (bar,) = instant.curve(NOW).bars
    assert (bar.x, bar.width) == (8, 0)


def test_how_long_it_lasted() -> None:
    span = timedelta(hours=1, minutes=5)
    assert replace(CHECKOUT, resolved_at=CHECKOUT.started_at + span).lasted == span


def test_what_lasts_has_no_length() -> None:
    assert CHECKOUT.lasted is None


def test_promises_are_counted() -> None:
    assert (CHECKOUT.count("kept"), CHECKOUT.count("missed"), CHECKOUT.count("pending")) == (1, 1, 2)
    assert CHECKOUT.recovery == CHECKOUT.promises[2]
    assert replace(CHECKOUT, promises=CHECKOUT.promises[:2]).recovery is None


def test_words_are_not_glued_together() -> None:
    html = Markup("<p>Is <strong>1 &lt; 2</strong>?<br>Yes.</p><p>Thank you.</p>")
    assert MessageView(by="customer", author="Ana", html=html, at=NOW).text == "Is 1 < 2? Yes. Thank you."


def test_a_thread_knows_its_incident() -> None:
    assert THREAD.incident_public_id == CHECKOUT.public_id
