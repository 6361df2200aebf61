"""Which playbook is for a change, and under which conditions it tells whom."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from trusthub.domain.events import Strategy
from trusthub.domain.incident import Impact
from trusthub.domain.message import Audience, Moment
from trusthub.domain.playbook import Kind, Match, Occasion, Pace, Playbook, Wave, When, choose
from trusthub.errors import PlaybookError


def playbook(name: str, **keys: Any) -> Playbook:
    return Playbook.model_validate({"name": name, "plan": "canary", "tell": {}, **keys})


def problems(error: pytest.ExceptionInfo[ValidationError]) -> list[tuple[str, str]]:
    """Return where and what is wrong."""
    return [(".".join(map(str, each["loc"])), each["msg"]) for each in error.value.errors()]


# ------------------------------------------------------------------------------------------------ matching

EVERYTHING = playbook("default")
HERE: dict[str, Any] = {
    "strategy": Strategy.CANARY,
    "kind": Kind.MANUAL,
    "severity": Impact.MAJOR,
    "environment": "production",
    "component": "checkout",
}
"""An occasion, the least that a match can name first."""
BOOKS = [
    EVERYTHING,
    playbook("canary", match={"strategy": "canary"}),
    playbook("bad", match={"severity": ["major", "critical"]}),
    playbook("bad-canary", match={"strategy": ["canary", "rolling"], "severity": "major"}),
    playbook("production", match={"environment": "production"}),
    playbook("canary-in-production", match={"strategy": "canary", "environment": "production"}),
    playbook("checkout", match={"component": "checkout"}),
    playbook("checkout-canary", match={"component": "checkout", "strategy": "canary"}),
    playbook("unwelcome", match={"kind": "unwelcome"}),
]


@pytest.mark.parametrize(
    ("occasion", "name"),
    [
        ({"strategy": Strategy.ROLLING}, "default"),
        ({"strategy": Strategy.ROLLING, "component": "search", "environment": "staging"}, "default"),
        ({"strategy": Strategy.CANARY, "component": "search", "environment": "staging"}, "canary"),
        ({"strategy": Strategy.ROLLING, "component": "search", "environment": "production"}, "production"),
        ({"strategy": Strategy.CANARY, "component": "search", "environment": "production"}, "canary-in-production"),
        ({"strategy": Strategy.ROLLING, "component": "checkout", "environment": "production"}, "checkout"),
        ({"strategy": Strategy.CANARY, "component": "checkout", "environment": "production"}, "checkout-canary"),
        ({"strategy": Strategy.CANARY, "severity": Impact.MINOR}, "canary"),
        ({"strategy": Strategy.CANARY, "severity": Impact.MAJOR}, "bad-canary"),
        ({"strategy": Strategy.CANARY, "severity": Impact.CRITICAL}, "bad"),
        ({"kind": Kind.UNWELCOME}, "unwelcome"),
        ({"kind": Kind.UNWELCOME, "severity": Impact.MAJOR}, "bad"),
        ({"kind": Kind.MANUAL}, "default"),
    ],
)
def test_the_most_specific_playbook_is_taken(occasion: dict[str, Any], name: str) -> None:
    for order in (BOOKS, BOOKS[::-1]):
        assert choose(order, Occasion(**occasion)).name == name


@pytest.mark.parametrize("place", range(len(HERE)))
def test_one_thing_outweighs_all_that_are_less_specific_together(place: int) -> None:
    names = list(HERE)
    closer, farther = {names[place]: HERE[names[place]]}, {name: HERE[name] for name in names[:place]}
    books = [playbook("closer", match=closer), playbook("farther", match=farther)]
    assert choose(books, Occasion(**HERE)).name == "closer"


def test_no_playbook_and_two_playbooks_are_errors() -> None:
    with pytest.raises(PlaybookError) as none:
        choose(BOOKS[1:2], Occasion(strategy=Strategy.FLAG, component="search", environment="production"))
    assert str(none.value) == "No playbook matches strategy flag, environment production, component search."
    with pytest.raises(PlaybookError) as two:
        choose([EVERYTHING, playbook("other")], Occasion(strategy=Strategy.FLAG))
    assert str(two.value) == (
        "Playbooks default and other match equally (strategy flag, environment unknown, component unknown). Narrow one."
    )


VALUES: dict[str, list[Any]] = {
    "strategy": [Strategy.CANARY, Strategy.FLAG],
    "kind": [Kind.MANUAL, Kind.UNWELCOME],
    "severity": [Impact.MINOR, Impact.MAJOR],
    "environment": ["production", "staging"],
    "component": ["checkout", "search"],
}
some = {name: st.lists(st.sampled_from(values), max_size=2, unique=True) for name, values in VALUES.items()}
wanted = st.fixed_dictionaries(some).map(lambda said: {name: values for name, values in said.items() if values})
OCCASIONS = [Occasion(**dict(zip(VALUES, each, strict=True))) for each in product(*(VALUES[name] for name in VALUES))]


@given(wanted, wanted)
def test_a_tie_is_found_before_it_happens(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = playbook("one", match=one), playbook("other", match=other)
    scores = [(first.match.specificity(each), second.match.specificity(each)) for each in OCCASIONS]
    happens = any(mine is not None and mine == theirs for mine, theirs in scores)
    assert (first.match.ties_with(second.match) is not None) is happens


def test_a_tie_is_named() -> None:
    one = Match.model_validate({"strategy": ["canary", "rolling"], "severity": "major"})
    other = Match.model_validate({"strategy": ["flag", "rolling"], "severity": ["minor", "major"]})
    assert one.ties_with(other) == {"strategy": "rolling", "severity": "major"}


# ------------------------------------------------------------------------------------------------ conditions


@pytest.mark.parametrize(
    ("written", "exposure", "holds"),
    [
        (">= 25", 25.0, True),
        (">= 25", 24.9, False),
        ("25 %", 25.0, True),
        (25, 24.0, False),
        ("> 25", 25.0, False),
        ("<=0.5", 0.5, True),
        ("< 5", 5.0, False),
        (">= 25", None, True),  # nobody is left out because a tool does not say
    ],
)
def test_a_condition_on_exposure(written: object, exposure: float | None, *, holds: bool) -> None:
    for key in ("exposure", "peak"):
        given_ = {"exposure": None, "peak": None, key: exposure}
        assert When.model_validate({key: written}).holds(**given_, impact=None) is holds


@pytest.mark.parametrize("written", ["a lot", "=> 25", ">= -1", "", ">= 25 or so", [25]])
def test_what_is_no_condition(written: object) -> None:
    with pytest.raises(ValidationError) as error:
        When.model_validate({"exposure": written})
    reason = f'Value error, {written!r} is no condition on a percentage. Write ">= 25", with the quotes'
    assert problems(error) == [("exposure", reason)]


@pytest.mark.parametrize(
    ("impact", "holds"), [(Impact.MINOR, False), (Impact.MAJOR, True), (Impact.CRITICAL, True), (None, True)]
)
def test_a_condition_on_impact_means_that_bad_or_worse(impact: Impact | None, *, holds: bool) -> None:
    assert When.model_validate({"impact": "major"}).holds(exposure=5.0, peak=5.0, impact=impact) is holds


def test_all_conditions_must_hold() -> None:
    when = When.model_validate({"exposure": ">= 25", "impact": "major"})
    assert when.holds(exposure=25.0, peak=25.0, impact=Impact.MAJOR)
    assert not when.holds(exposure=5.0, peak=25.0, impact=Impact.MAJOR)
    assert not when.holds(exposure=25.0, peak=25.0, impact=Impact.MINOR)


# ------------------------------------------------------------------------------------------------ reading


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0s", timedelta()),
        ("45s", timedelta(seconds=45)),
        ("30m", timedelta(minutes=30)),
        (" 2 h ", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        (timedelta(minutes=5), timedelta(minutes=5)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: object, meant: timedelta) -> None:
    assert playbook("any", quiet=text).quiet == meant


@pytest.mark.parametrize("text", ["30", 3, 0.5, "", "m", "-1m", "1.5h", "1h30m", "30 minutes", "9999999d", "٣m", None])
def test_anything_else_is_no_duration(text: object) -> None:
    with pytest.raises(ValidationError) as error:
        playbook("any", quiet=text)
    reason = f"Value error, {text!r} is not a duration. Write a number and s, m, h or d, such as 30m"
    assert problems(error) == [("quiet", reason)]


def test_a_playbook_has_sensible_defaults() -> None:
    made = playbook("any", tell={"rollback.started": {"stakeholders": "rollback.started"}})
    assert (made.public_from, made.quiet, made.wave) == (1.0, timedelta(minutes=30), Wave())
    assert made.message(Moment.ROLLBACK_STARTED, Audience.STAKEHOLDERS) == "rollback.started"
    assert made.message(Moment.ROLLBACK_STARTED, Audience.SUPPORT) is None
    assert made.match.specificity(Occasion()) == 0
    assert [made.pace(impact).every for impact in Impact][::-1] == [
        timedelta(minutes=20),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=24),
    ]


def test_a_cadence_is_said_only_where_it_is_another_one() -> None:
    made = playbook("any", cadence={"major": {"every": "15m"}})
    assert made.pace(Impact.MAJOR) == Pace(acknowledge=timedelta(minutes=15), every=timedelta(minutes=15))
    assert made.pace(Impact.MINOR) == playbook("other").pace(Impact.MINOR)


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"cadence": {"minor": {"every": "0s"}}}, "cadence.minor.every"),  # missed at once, and promised anew
        ({"cadence": {"minor": {"every": "59s"}}}, "cadence.minor.every"),
        ({"cadence": {"minr": {"every": "1h"}}}, "cadence.minr.[key]"),
        ({"cadence": {"minor": {"evry": "1h"}}}, "cadence.minor.evry"),
        ({"cadence": {"minor": "1h"}}, "cadence.minor"),
        ({"cadence": "1h"}, "cadence"),
        ({"wave": {"more_than": 0}}, "wave.more_than"),
        ({"stages": [50, 5]}, "stages"),
        ({"stages": [5, 5]}, "stages"),
        ({"stages": []}, "stages"),
        ({"match": {"severity": "bad"}}, "match.severity.0"),
        ({"match": {"kind": []}}, "match.kind"),
        ({"match": {"kind": None}}, "match.kind"),
        ({"public_from": -1}, "public_from"),
        ({"public_from": 101}, "public_from"),
        ({"public_form": 1}, "public_form"),
        ({"match": {"strategy": "big_bang"}}, "match.strategy.0"),
        ({"match": {"strat": "canary"}}, "match.strat"),
        ({"tell": {"rollback.begun": {}}}, "tell.rollback.begun.[key]"),
        ({"tell": {"rollback.started": {"managers": "rollback.started"}}}, "tell.rollback.started.managers.[key]"),
    ],
)
def test_a_playbook_that_cannot_be_meant_is_refused(keys: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError) as error:
        playbook("any", **keys)
    assert [place for place, _ in problems(error)] == [where]


def test_a_playbook_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        EVERYTHING.plan = "other"  # type: ignore[misc] # that is what we test
