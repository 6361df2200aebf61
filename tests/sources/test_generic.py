"""Our own contract: strict, and every refusal says what to do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sources.replay import RECEIVED, folder, inbound, request
from trusthub.domain.events import Evidence, Link, RolloutEvent, Strategy
from trusthub.errors import PayloadError
from trusthub.sources.generic import Generic

GENERIC = Generic()
SMALLEST = {"event": "rollout.started", "component": "checkout"}


def event(name: str) -> RolloutEvent:
    (found,) = GENERIC.parse(inbound("generic", folder("generic") / f"{name}.json"))
    assert isinstance(found, RolloutEvent)
    return found


def parse(**said: Any) -> RolloutEvent:
    (found,) = GENERIC.parse(request({**SMALLEST, **said}))
    assert isinstance(found, RolloutEvent)
    return found


@pytest.mark.parametrize(
    ("name", "phase", "exposure"),
    [
        ("rollout.planned", "planned", None),
        ("rollout.started", "started", 0.0),
        ("rollout.progressed", "progressing", 0.5),
        ("rollout.paused", "paused", 5.0),
        ("rollout.promoting", "promoting", 50.0),
        ("rollout.completed", "completed", 100.0),
        ("rollout.failed", "failed", 5.0),
        ("rollback.started", "rolling_back", None),
        ("rollback.finished", "rolled_back", 0.0),
    ],
)
def test_phase_and_exposure(name: str, phase: str, exposure: float | None) -> None:
    found = event(name)
    assert (found.phase, found.exposure) == (phase, exposure)


def test_every_key_arrives() -> None:
    found = parse(
        environment="production", attempt="deploy-991", from_version="2.7.4", to_version="2.8.0", strategy="canary",
        artifact="shop/checkout:2.8.0", exposure=5, step=2, steps=4, evidence="alert", reason="why", actor="nora",
        metrics=["error-rate"],
        occurred_at="2026-03-02T15:02:00+01:00", id="42", links=[{"label": "Plan", "url": "https://wiki.acme.example/1"}],
        known_risks=["slow"], unknown_risks=["vouchers"], rollback=True,
    )  # fmt: skip
    assert found == RolloutEvent(
        kind="rollout.started",
        names=("checkout",),
        attempt="deploy-991",
        occurred_at=datetime(2026, 3, 2, 14, 2, tzinfo=UTC),
        duplicate_key="42",
        phase=found.phase,
        strategy=Strategy.CANARY,
        environment="production",
        from_version="2.7.4",
        to_version="2.8.0",
        artifact="shop/checkout:2.8.0",
        exposure=5.0,
        step=2,
        steps=4,
        rollback=True,
        evidence=Evidence.ALERT,
        metrics=("error-rate",),
        reason="why",
        actor="nora",
        links=(Link(label="Plan", url="https://wiki.acme.example/1"),),
        known_risks=("slow",),
        unknown_risks=("vouchers",),
    )


def test_two_keys_are_enough() -> None:
    found = parse()
    assert found.attempt == "checkout"
    assert found.occurred_at == RECEIVED
    assert found.strategy is Strategy.UNKNOWN
    assert found.exposure is None


def test_null_is_the_same_as_nothing() -> None:
    assert (
        parse(strategy=None, exposure=None, links=None, rollback=None, evidence=None)
        == GENERIC.parse(
            request({**SMALLEST, "strategy": None, "exposure": None, "links": None, "rollback": None, "evidence": None})
        )[0]
    )


def test_the_version_in_its_place_is_the_attempt_when_none_is_named() -> None:
    assert parse(environment="production", to_version="2.8.0").attempt == "checkout/production/2.8.0"


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"exposer": 5}, "'exposer' is no key of this contract. Did you mean 'exposure'?"),
        ({"toVersion": "2.8.0"}, "'toVersion' is no key of this contract. Did you mean 'to_version'?"),
        ({"zzz": 1}, "'zzz' is no key of this contract. There are: event, component, environment,"),
        (
            {"event": "rollout.finished"},
            "event 'rollout.finished' is unknown. Send one of: rollout.planned, rollout.started",
        ),
        ({"event": ""}, "event '' is unknown."),
        ({"component": ""}, "component is empty."),
        ({"component": 7}, "component must be a string, not a number."),
        ({"exposure": 101}, "exposure must be a percentage from 0 to 100, not 101."),
        ({"exposure": -0.1}, "exposure must be a percentage from 0 to 100, not -0.1."),
        ({"exposure": "5"}, "exposure must be a number, not a string."),
        ({"strategy": "bluegreen"}, "strategy 'bluegreen' is unknown. Send one of: canary, rolling, blue_green,"),
        (
            {"evidence": "person"},
            "evidence 'person' is unknown. Send one of: none, failed_analysis, alert, complaints.",
        ),
        ({"occurred_at": "2026-03-02T14:00:00"}, "occurred_at has no time zone"),
        ({"occurred_at": "14:00"}, "occurred_at is not an ISO 8601 time"),
        ({"step": 0}, "step must be from 1 to 1000, not 0."),
        ({"steps": 2.5}, "steps must be a whole number, not 2.5."),
        ({"links": [{"label": "Plan"}]}, "links[0].url is missing."),
        ({"links": [{"label": "Plan", "url": "javascript:alert(1)"}]}, "Every one of links needs a url of its own"),
        ({"known_risks": "slow"}, "known_risks must be a list, not a string."),
        ({"unknown_risks": ["a", 1]}, "unknown_risks[1] must be a string, not a number."),
        ({"rollback": "yes"}, "rollback must be true or false, not a string."),
    ],
)
def test_a_mistake_is_named_with_the_cure(said: Any, says: str) -> None:
    with pytest.raises(PayloadError) as error:
        parse(**said)
    assert says in str(error.value)


def test_event_and_component_are_needed() -> None:
    for key in SMALLEST:
        with pytest.raises(PayloadError, match=f"{key} is missing"):
            GENERIC.parse(request({other: value for other, value in SMALLEST.items() if other != key}))


def key(said: dict[str, Any], minutes: int = 0) -> str:
    return GENERIC.parse(request(said, at=RECEIVED + timedelta(minutes=minutes)))[0].duplicate_key


def test_a_retry_is_no_second_event() -> None:
    dated = {**SMALLEST, "occurred_at": "2026-03-02T14:00:00Z"}
    assert key({**SMALLEST, "id": "42"}, 0) == key({**SMALLEST, "id": "42", "reason": "x"}, 999) == "42"
    assert key(dated, 0) == key(dated, 999)
    assert key(SMALLEST, 0) == key(SMALLEST, 1)
    assert key(SMALLEST, 0) != key(SMALLEST, 60)
    assert key(SMALLEST) != key({**SMALLEST, "reason": "x"})
