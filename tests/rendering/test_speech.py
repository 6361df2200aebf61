"""How languages say times, numbers and lists."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from jinja2.exceptions import FilterArgumentError

from tests.rendering.cases import CHECKOUT, TEMPLATES

ENGLISH, GERMAN = (TEMPLATES.locale(code).speech for code in ("en", "de"))
NOON = datetime(2026, 11, 2, 12, 5, 59, tzinfo=UTC)
LATER = NOON + timedelta(minutes=7)
TOMORROW = NOON + timedelta(days=1)


def test_times_are_said_in_utc() -> None:
    berlin = NOON.astimezone(timezone(timedelta(hours=1)))
    assert ENGLISH.clock(berlin) == "12:05 UTC"
    assert ENGLISH.date(berlin) == "2 November 2026"
    assert ENGLISH.moment(berlin) == "12:05 UTC on 2 November 2026"


def test_a_clock_time_is_dated_unless_its_day_has_been_said() -> None:
    assert ENGLISH.clock(NOON, LATER) == "12:05 UTC"
    assert ENGLISH.clock(TOMORROW, NOON) == "12:05 UTC on 3 November 2026"
    assert ENGLISH.clock(NOON, None) == "12:05 UTC on 2 November 2026"


def test_a_period_says_its_zone_once_and_its_date_when_it_must() -> None:
    assert ENGLISH.period(NOON, LATER) == "from 12:05 to 12:12 UTC on 2 November 2026"
    assert ENGLISH.period(NOON, LATER, NOON) == "from 12:05 to 12:12 UTC"
    assert ENGLISH.period(NOON, TOMORROW, NOON) == "from 12:05 UTC on 2 November 2026 to 12:05 UTC on 3 November 2026"
    assert ENGLISH.period(NOON, NOON, NOON) == "at 12:05 UTC"
    assert ENGLISH.between(NOON, LATER, NOON) == "between 12:05 and 12:12 UTC"
    assert ENGLISH.between(NOON, NOON) == "by 12:05 UTC on 2 November 2026"


@pytest.mark.parametrize(
    ("value", "said"),
    [(5.0, "5 %"), (0.1, "0.1 %"), (33.333, "33.3 %"), (100, "100 %"), (0, "0 %"), (0.0001, "0.01 %"), (10, "10 %")],
)
def test_percent(value: float, said: str) -> None:
    assert ENGLISH.percent(value) == said


def test_numbers() -> None:
    assert ENGLISH.number(48200) == "48,200"
    assert ENGLISH.number(1234.5) == "1,234.5"
    assert ENGLISH.share(5.0, 48200) == "2,410"
    assert ENGLISH.share(0.1, 48200) == "49"  # at most: rounded up


@pytest.mark.parametrize("wrong", [None, "14:02", datetime(2026, 11, 22, 14, 2)])  # noqa: DTZ001 - the naive time is the test
def test_a_time_without_a_zone_is_refused(wrong: object) -> None:
    with pytest.raises(FilterArgumentError, match="needs a time with its zone"):
        ENGLISH.clock(wrong)


@pytest.mark.parametrize("wrong", [None, "5", True])
def test_what_is_no_number_is_refused(wrong: object) -> None:
    with pytest.raises(FilterArgumentError, match="needs a number"):
        ENGLISH.percent(wrong)


@pytest.mark.parametrize("wrong", [None, "Checkout"])
def test_what_is_no_list_is_refused(wrong: object) -> None:
    with pytest.raises(FilterArgumentError, match="needs a list"):
        ENGLISH.listed(wrong)


def test_german_says_times_in_its_own_order() -> None:
    assert GERMAN.clock(NOON) == "12:05 Uhr UTC"
    assert GERMAN.moment(NOON) == "2. November 2026, 12:05 Uhr UTC"
    assert GERMAN.at(NOON, LATER) == "um 12:05 Uhr UTC"
    assert GERMAN.at(NOON, None) == "am 2. November 2026 um 12:05 Uhr UTC"
    assert GERMAN.by(TOMORROW, NOON) == "bis zum 3. November 2026, 12:05 Uhr UTC"
    assert GERMAN.since(NOON, None) == "seit dem 2. November 2026, 12:05 Uhr UTC"
    assert GERMAN.period(NOON, LATER, NOON) == "von 12:05 bis 12:12 Uhr UTC"
    assert GERMAN.period(NOON, LATER) == "am 2. November 2026 von 12:05 bis 12:12 Uhr UTC"
    assert GERMAN.between(NOON, TOMORROW) == (
        "zwischen dem 2. November 2026, 12:05 Uhr UTC, und dem 3. November 2026, 12:05 Uhr UTC"
    )
    assert GERMAN.between(NOON, NOON, NOON) == "bis 12:05 Uhr UTC"


def test_german_writes_numbers_with_its_own_signs() -> None:
    assert GERMAN.number(48200) == "48.200"
    assert GERMAN.percent(0.1) == "0,1 %"
    assert GERMAN.percent(5.0) == "5 %"
    assert GERMAN.share(5.0, 48200) == "2.410"
    assert GERMAN.listed(("Checkout", "Search", "Sign-in")) == "Checkout, Search und Sign-in"


@pytest.mark.parametrize(
    ("zone", "english", "german"),
    [
        ("Europe/Berlin", "13:05 CET", "13:05 Uhr MEZ"),
        ("Asia/Kolkata", "17:35 UTC+05:30", "17:35 Uhr UTC+05:30"),
        ("America/Sao_Paulo", "09:05 UTC-03:00", "09:05 Uhr UTC-03:00"),
    ],
)
def test_times_are_said_in_the_zone_of_the_reader(zone: str, english: str, german: str) -> None:
    assert ENGLISH.elsewhere(zone).clock(NOON) == english
    assert GERMAN.elsewhere(zone).clock(NOON) == german


def test_the_day_is_that_of_the_readers_zone() -> None:
    late = NOON.replace(hour=23, minute=30)
    assert ENGLISH.elsewhere("Europe/Berlin").moment(late) == "00:30 CET on 3 November 2026"
    assert ENGLISH.elsewhere("Europe/Berlin").clock(late, NOON) == "00:30 CET on 3 November 2026"


def test_a_month_has_its_year() -> None:
    march = datetime(2026, 3, 1, tzinfo=UTC)
    assert ENGLISH.month(march) == "March 2026"
    assert GERMAN.month(march) == "März 2026"


def test_how_long_it_lasted_has_two_units() -> None:
    assert ENGLISH.lasted(timedelta(minutes=65)) == "1 hour 5 minutes"
    assert ENGLISH.lasted(timedelta(seconds=20)) == "1 minute"
    assert ENGLISH.lasted(timedelta(days=1, hours=2, minutes=5)) == "1 day 2 hours"
    assert GERMAN.lasted(timedelta(days=1, hours=2)) == "1 Tag 2 Stunden"


@pytest.mark.parametrize(
    ("seconds", "english", "german"),
    [
        (86400, "24 hours", "24 Stunden"),
        (172800, "2 days", "2 Tage"),
        (5400, "90 minutes", "90 Minuten"),
        (60, "60 seconds", "60 Sekunden"),
        (1, "1 second", "1 Sekunde"),
    ],
)
def test_a_duration_is_a_whole_number_of_one_unit(seconds: int, english: str, german: str) -> None:
    assert ENGLISH.duration(seconds) == english
    assert GERMAN.duration(seconds) == german


def test_a_span_names_its_unit_once() -> None:
    assert ENGLISH.span(120, 600) == "2 to 10 minutes"
    assert GERMAN.span(90, 600) == "1,5 bis 10 Minuten"


@pytest.mark.parametrize("locale", [code for code in TEMPLATES.locales if code != "en"])
def test_a_language_says_everything_that_public_pages_say(locale: str) -> None:
    pages, said = CHECKOUT / "templates" / "pages", TEMPLATES.locale(locale).pages
    names: tuple[str, ...] = (
        "_layout.html",
        "_parts.html",
        "_ledger.html",
        "status.html",
        "incident.html",
        "promises.html",
    )
    names += ("_ask.html", "component.html", "counted.html", "answered.html", "thread.html", "error.html")
    text = "".join((pages / name).read_text(encoding="utf-8") for name in names)
    calls = re.findall(r"_\((\"[^)]*?\"(?: if .*? else \"[^\"]*\")?)(?:, \w+=|\))", text)
    spoken = {
        sentence
        for call in calls
        for sentence in re.findall(r"\"([^\"]*)\"", re.sub(r"\(\"\w+\"\)|== \"\w+\"", "", call))
    }
    assert len(spoken) > 90
    assert spoken - set(said) == set()
