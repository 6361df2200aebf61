"""Flags: LaunchDarkly, Unleash, Flagsmith and GrowthBook."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sources.replay import fixtures, folder, inbound, request
from trusthub.domain.events import Evidence, RolloutEvent, Strategy
from trusthub.errors import PayloadError, SignatureError, UnknownEventError
from trusthub.sources import SOURCES

TOOLS = ("launchdarkly", "unleash", "flagsmith", "growthbook")
SECRET = "s3cret"


def events(tool: str, name: str) -> list[RolloutEvent]:
    found = SOURCES[tool].parse(inbound(tool, folder(tool) / f"{name}.json"))
    return [event for event in found if isinstance(event, RolloutEvent)]


def event(tool: str, name: str) -> RolloutEvent:
    (found,) = events(tool, name)
    return found


def body(tool: str, name: str) -> Any:
    return json.loads((folder(tool) / f"{name}.json").read_bytes())


@pytest.mark.parametrize(
    ("tool", "name", "phase", "exposure"),
    [
        ("launchdarkly", "flag.on", "completed", 100.0),
        ("launchdarkly", "flag.off", "rolled_back", 0.0),
        ("launchdarkly", "flag.off.by-state", "rolled_back", 0.0),
        ("launchdarkly", "flag.changed", None, None),
        ("unleash", "feature-environment-enabled", "completed", 100.0),
        ("unleash", "feature-environment-disabled", "rolled_back", 0.0),
        ("unleash", "feature-strategy-add", "progressing", 5.0),
        ("unleash", "feature-strategy-update", "progressing", 25.0),
        ("unleash", "feature-strategy-update.everybody", "completed", 100.0),
        ("unleash", "feature-strategy-update.no-share", None, None),
        ("unleash", "release-plan-progressions-paused", "paused", None),
        ("unleash", "release-plan-progressions-resumed", "progressing", None),
        ("unleash", "safeguard-triggered", "paused", None),
        ("flagsmith", "FLAG_UPDATED", "completed", 100.0),
        ("flagsmith", "FLAG_UPDATED.off", "rolled_back", 0.0),
        ("flagsmith", "FLAG_UPDATED.value", None, None),
        ("flagsmith", "FLAG_UPDATED.segment", None, None),
        ("growthbook", "feature.saferollout.ship", "completed", 100.0),
        ("growthbook", "feature.saferollout.rollback", "rolling_back", None),
        ("growthbook", "feature.saferollout.unhealthy", "failed", None),
        ("growthbook", "feature.rampSchedule.actions.started", "started", 0.0),
        ("growthbook", "feature.rampSchedule.actions.step.advanced", "progressing", 25.0),
        ("growthbook", "feature.rampSchedule.actions.step.approvalRequired", "paused", None),
        ("growthbook", "feature.rampSchedule.actions.jumped", "progressing", None),
        ("growthbook", "feature.rampSchedule.actions.completed", "completed", 100.0),
        ("growthbook", "feature.rampSchedule.actions.rolledBack", "rolled_back", 0.0),
    ],
)
def test_phase_and_exposure(tool: str, name: str, phase: str | None, exposure: float | None) -> None:
    found = event(tool, name)
    assert (found.phase, found.exposure, found.strategy) == (phase, exposure, Strategy.FLAG)


@pytest.mark.parametrize("tool", TOOLS)
def test_all_events_of_a_flag_in_an_environment_are_of_one_attempt(tool: str) -> None:
    found = [event for path in fixtures(tool) for event in events(tool, path.stem) if event.environment == "production"]
    assert {event.attempt for event in found} == {"shop/production/one-page-checkout"}
    assert {event.names for event in found} == {("shop/one-page-checkout", "one-page-checkout")}
    assert {event.actor for event in found} == {"nora@acme.example"}
    assert {event.to_version for event in found} == {None}


def test_only_a_guardrail_that_got_worse_is_evidence() -> None:
    with_evidence = {
        (tool, path.stem)
        for tool in TOOLS
        for path in fixtures(tool)
        for event in events(tool, path.stem)
        if event.evidence is not Evidence.NONE
    }
    assert with_evidence == {("growthbook", "feature.saferollout.rollback")}
    assert event("growthbook", "feature.saferollout.rollback").reason == "guardrail checkout_errors: 0.8 % worse"


def test_times_are_the_senders() -> None:
    assert event("launchdarkly", "flag.on").occurred_at == datetime(2026, 3, 2, 14, 2, tzinfo=UTC)
    assert event("unleash", "feature-environment-enabled").occurred_at == datetime(2026, 3, 2, 14, 2, tzinfo=UTC)
    assert event("growthbook", "feature.saferollout.ship").occurred_at == datetime(2026, 3, 2, 14, 2, tzinfo=UTC)


def test_each_environment_has_a_rollout_of_its_own() -> None:
    found = events("growthbook", "feature.revision.reverted")
    assert [(event.environment, event.phase) for event in found] == [
        ("production", "rolled_back"),
        ("staging", "rolled_back"),
    ]
    assert len({event.duplicate_key for event in found}) == 2


def test_both_webhooks_of_flagsmith_tell_of_one_change() -> None:
    payload = body("flagsmith", "FLAG_UPDATED")
    payload["data"]["new_state"]["multivariate_feature_state_values"] = []
    (again,) = SOURCES["flagsmith"].parse(request(payload))
    assert again.duplicate_key == event("flagsmith", "FLAG_UPDATED").duplicate_key
    assert again.duplicate_key != event("flagsmith", "FLAG_UPDATED.off").duplicate_key


@pytest.mark.parametrize(
    ("tool", "name", "change"),
    [
        ("unleash", "feature-created", {"type": "feature-dreamt"}),
        ("flagsmith", "FLAG_UPDATED", {"event_type": "FLAG_DREAMT"}),
        ("growthbook", "other", {"event": "dream.started"}),
    ],
)
def test_what_they_invent_tomorrow_is_unknown(tool: str, name: str, change: dict[str, str]) -> None:
    with pytest.raises(UnknownEventError, match=next(iter(change.values()))):
        SOURCES[tool].parse(request({**body(tool, name), **change}))


def test_a_switch_that_says_neither_way_moves_nobody() -> None:
    payload = {**body("launchdarkly", "flag.on"), "titleVerb": "updated"}
    (found,) = SOURCES["launchdarkly"].parse(request(payload))
    assert isinstance(found, RolloutEvent)
    assert (found.kind, found.phase) == ("flag.changed", None)


@pytest.mark.parametrize(
    ("tool", "name", "key"), [("launchdarkly", "flag.on", "date"), ("growthbook", "other", "created")]
)
def test_a_time_that_does_not_exist_is_refused(tool: str, name: str, key: str) -> None:
    payload = {**body(tool, name), key: 9e15}
    if tool == "growthbook":
        payload["event"] = "feature.saferollout.ship"
    with pytest.raises(PayloadError, match=f"{key} must be milliseconds"):
        SOURCES[tool].parse(request(payload))


@pytest.mark.parametrize(
    ("tool", "header"),
    [
        ("launchdarkly", "X-LD-Signature"),
        ("flagsmith", "X-Flagsmith-Signature"),
        ("growthbook", "X-GrowthBook-Signature"),
    ],
)
def test_a_signature_counts_when_there_is_one(tool: str, header: str) -> None:
    signature = hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest()
    SOURCES[tool].verify(request(b"{}", {header: signature}), SECRET)
    with pytest.raises(SignatureError):
        SOURCES[tool].verify(request(b"{ }", {header: signature, "Authorization": f"Bearer {SECRET}"}), SECRET)
