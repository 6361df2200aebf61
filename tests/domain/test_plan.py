"""What a plan must say, and what is found missing."""

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from tests.domain.samples import PLAN
from trusthub.domain.events import Strategy
from trusthub.domain.plan import Layer, Plan, Recovery, gaps, layer_used

RECOVERY = PLAN["recovery"]


def problems(error: pytest.ExceptionInfo[ValidationError]) -> list[tuple[str, str]]:
    """Return where and what is wrong."""
    return [(".".join(map(str, each["loc"])), each["msg"]) for each in error.value.errors()]


def test_a_complete_plan() -> None:
    plan = Plan.model_validate(PLAN)
    assert plan.recovery == Recovery.model_validate(RECOVERY)
    assert plan.layers.schema_ == Layer(how="none", time=timedelta(minutes=2), owner="on call")
    assert plan.last_drilled is None
    assert Plan.model_validate({**PLAN, "last_drilled": date(2026, 11, 27)}).last_drilled == date(2026, 11, 27)
    assert gaps(plan) == ()


@pytest.mark.parametrize("key", [key for key in PLAN if key != "name"])
def test_a_plan_with_a_gap_is_no_plan(key: str) -> None:
    with pytest.raises(ValidationError) as missing:
        Plan.model_validate({name: value for name, value in PLAN.items() if name != key})
    assert problems(missing) == [(key, "Field required")]
    with pytest.raises(ValidationError) as empty:
        Plan.model_validate({**PLAN, key: type(PLAN[key])()})
    assert all(place.partition(".")[0] == key for place, _ in problems(empty))


@pytest.mark.parametrize("layer", ["toggle", "traffic", "schema", "configuration"])
@pytest.mark.parametrize("missing", [(), ("how",), ("time",), ("owner",)])
def test_every_layer_is_spoken_of_with_its_time_and_owner(layer: str, missing: tuple[str, ...]) -> None:
    said = {key: words for key, words in PLAN["layers"][layer].items() if key not in missing}
    layers = {name: words for name, words in PLAN["layers"].items() if name != layer or missing}
    with pytest.raises(ValidationError) as error:
        Plan.model_validate({**PLAN, "layers": layers | ({layer: said} if missing else {})})
    assert problems(error) == [(".".join(("layers", layer, *missing)), "Field required")]


@pytest.mark.parametrize(
    ("what", "moves"),
    [("registry.acme.example/checkout:latest", ":latest"), ("Rebuild the earlier tag", "Rebuild")],
)
def test_what_comes_back_is_what_ran_before(what: str, moves: str) -> None:
    with pytest.raises(ValidationError) as error:
        Plan.model_validate({**PLAN, "artifact": {**PLAN["artifact"], "what": what}})
    reason = f"Value error, {moves!r} is not what ran before. Name what stays as it is, such as a digest"
    assert problems(error) == [("artifact.what", reason)]
    with pytest.raises(ValidationError) as error:
        Plan.model_validate({**PLAN, "artifact": {**PLAN["artifact"], "immutable": False}})
    assert [place for place, _ in problems(error)] == ["artifact.immutable"]


@pytest.mark.parametrize(
    ("changed", "places"),
    [
        ({"sla": " ", "unknown_risks": [" "]}, ("sla", "unknown_risks")),
        ({"layers": {**PLAN["layers"], "schema": {"how": "\t", "time": "0s", "owner": " "}}},
         ("layers.schema.how", "layers.schema.owner")),
        ({"artifact": {**PLAN["artifact"], "versions": " "}}, ("artifact.versions",)),
        ({"known_risks": [" ", "One."]}, ()),
    ],
)  # fmt: skip
def test_spaces_say_nothing(changed: dict[str, Any], places: tuple[str, ...]) -> None:
    assert gaps(Plan.model_validate({**PLAN, **changed})) == places


def test_a_recovery_is_a_range() -> None:
    with pytest.raises(ValidationError) as error:
        Recovery.model_validate({**RECOVERY, "from": "10m", "to": "2m"})
    assert problems(error) == [("", "Value error, `from` is longer than `to`. Write the shorter time first")]
    assert Recovery.model_validate({**RECOVERY, "from": "10m"}).to == timedelta(minutes=10)


def test_the_layer_follows_from_the_strategy() -> None:
    assert {strategy.value: layer_used(strategy) for strategy in Strategy} == {
        "canary": "traffic",
        "rolling": None,
        "blue_green": "traffic",
        "flag": "toggle",
        "traffic": "traffic",
        "migration": "schema",
        "configuration": "configuration",
        "unknown": None,
    }
