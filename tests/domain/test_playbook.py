"""Which playbook is for a rollout, and what a plan must say."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from trusthub.domain.events import Strategy
from trusthub.domain.message import Audience, Moment
from trusthub.domain.playbook import Match, Plan, Playbook, Recovery, choose
from trusthub.errors import PlaybookError

RECOVERY = {"from": "2m", "to": "10m", "basis": "traffic returns at once"}
PLAN: dict[str, Any] = {
    "name": "canary",
    "title": "Going back from a canary",
    "summary": "Set the weight to 0.",
    "recovery": RECOVERY,
    "sla": "Up to 10 minutes of errors.",
    "layers": {"toggle": "none", "traffic": "Set the weight to 0.", "schema": "none"},
    "known_risks": ["Payments in flight are retried."],
    "unknown_risks": ["Load above 2,000 requests a second."],
    "document": "## Go back",
}


def playbook(name: str, **keys: Any) -> Playbook:
    return Playbook.model_validate({"name": name, "plan": "canary", "tell": {}, **keys})


def problems(error: pytest.ExceptionInfo[ValidationError]) -> list[tuple[str, str]]:
    """Return where and what is wrong."""
    return [(".".join(map(str, each["loc"])), each["msg"]) for each in error.value.errors()]


# ------------------------------------------------------------------------------------------------ matching

EVERYTHING = playbook("default")
BOOKS = [
    EVERYTHING,
    playbook("canary", match={"strategy": "canary"}),
    playbook("production", match={"environment": "production"}),
    playbook("canary-in-production", match={"strategy": "canary", "environment": "production"}),
    playbook("checkout", match={"component": "checkout"}),
    playbook("checkout-canary", match={"component": "checkout", "strategy": "canary"}),
]


@pytest.mark.parametrize(
    ("strategy", "component", "environment", "name"),
    [
        (Strategy.ROLLING, None, None, "default"),
        (Strategy.ROLLING, "search", "staging", "default"),
        (Strategy.CANARY, "search", "staging", "canary"),
        (Strategy.ROLLING, "search", "production", "production"),
        (Strategy.CANARY, "search", "production", "canary-in-production"),
        (Strategy.ROLLING, "checkout", "production", "checkout"),
        (Strategy.CANARY, "checkout", "production", "checkout-canary"),
    ],
)
def test_the_most_specific_playbook_is_taken(
    strategy: Strategy, component: str | None, environment: str | None, name: str
) -> None:
    for order in (BOOKS, BOOKS[::-1]):
        assert choose(order, strategy=strategy, component=component, environment=environment).name == name


def test_a_component_outweighs_the_other_two_and_an_environment_outweighs_a_strategy() -> None:
    here = {"strategy": Strategy.CANARY, "component": "checkout", "environment": "production"}
    component, environment, strategy = ({key: here[key]} for key in ("component", "environment", "strategy"))
    for closer, farther in [(component, environment | strategy), (environment, strategy), (strategy, {})]:
        books = [playbook("closer", match=closer), playbook("farther", match=farther)]
        found = choose(books, strategy=Strategy.CANARY, component="checkout", environment="production")
        assert found.name == "closer"


def test_no_playbook_and_two_playbooks_are_errors() -> None:
    with pytest.raises(PlaybookError) as none:
        choose(BOOKS[1:2], strategy=Strategy.FLAG, component="search", environment="production")
    assert str(none.value) == "No playbook matches strategy flag, component search, environment production."
    with pytest.raises(PlaybookError) as two:
        choose([EVERYTHING, playbook("other")], strategy=Strategy.FLAG, component=None, environment=None)
    assert str(two.value) == (
        "Playbooks default and other match equally (strategy flag, component None, environment None). Narrow one."
    )


wanted = st.builds(
    Match,
    strategy=st.none() | st.sampled_from([Strategy.CANARY, Strategy.FLAG]),
    component=st.sampled_from([None, "checkout", "search"]),
    environment=st.sampled_from([None, "production", "staging"]),
)


@given(
    st.lists(wanted, max_size=6, unique=True),
    st.sampled_from([Strategy.CANARY, Strategy.FLAG]),
    st.sampled_from([None, "checkout", "search"]),
    st.sampled_from([None, "production", "staging"]),
)
def test_different_matches_never_tie(
    matches: list[Match], strategy: Strategy, component: str | None, environment: str | None
) -> None:
    books = [playbook(str(index), match=match.model_dump()) for index, match in enumerate(matches)] + [EVERYTHING]
    books = list({book.match: book for book in books}.values())
    found = choose(books, strategy=strategy, component=component, environment=environment)
    for asked, here in (("strategy", strategy), ("component", component), ("environment", environment)):
        assert getattr(found.match, asked) in {None, here}


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
    assert (made.public_from, made.next_update, made.quiet) == (1.0, timedelta(minutes=30), timedelta(minutes=30))
    assert made.tell == {Moment.ROLLBACK_STARTED: {Audience.STAKEHOLDERS: "rollback.started"}}
    assert made.match.specificity(strategy=Strategy.UNKNOWN, component=None, environment=None) == 0


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"next_update": "0s"}, "next_update"),  # it would be missed at once, and promised anew, and missed
        ({"next_update": "59s"}, "next_update"),
        ({"public_from": -1}, "public_from"),
        ({"public_from": 101}, "public_from"),
        ({"public_form": 1}, "public_form"),
        ({"match": {"strategy": "big_bang"}}, "match.strategy"),
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


# ------------------------------------------------------------------------------------------------ plans


def test_a_complete_plan() -> None:
    plan = Plan.model_validate(PLAN)
    assert plan.recovery == Recovery.model_validate(RECOVERY)
    assert (plan.recovery.from_, plan.layers.schema_) == (timedelta(minutes=2), "none")


@pytest.mark.parametrize("key", [key for key in PLAN if key != "name"])
def test_a_plan_with_a_gap_is_no_plan(key: str) -> None:
    with pytest.raises(ValidationError) as missing:
        Plan.model_validate({name: value for name, value in PLAN.items() if name != key})
    assert problems(missing) == [(key, "Field required")]
    with pytest.raises(ValidationError) as empty:
        Plan.model_validate({**PLAN, key: type(PLAN[key])()})
    assert all(place.partition(".")[0] == key for place, _ in problems(empty))


@pytest.mark.parametrize("layer", ["toggle", "traffic", "schema"])
def test_every_layer_is_spoken_of(layer: str) -> None:
    layers = {name: words for name, words in PLAN["layers"].items() if name != layer}
    with pytest.raises(ValidationError) as error:
        Plan.model_validate({**PLAN, "layers": layers})
    assert problems(error) == [(f"layers.{layer}", "Field required")]


def test_a_recovery_is_a_range() -> None:
    with pytest.raises(ValidationError) as error:
        Recovery.model_validate({**RECOVERY, "from": "10m", "to": "2m"})
    assert problems(error) == [("", "Value error, `from` is longer than `to`. Write the shorter time first")]
    assert Recovery.model_validate({**RECOVERY, "from": "10m"}).to == timedelta(minutes=10)
