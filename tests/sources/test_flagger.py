"""Flagger: what its sentences mean."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sources.replay import RECEIVED, fixtures, folder, inbound, request, sequence
from trusthub.domain.events import Evidence, RolloutEvent, Strategy
from trusthub.errors import PayloadError
from trusthub.sources.flagger import Flagger

FLAGGER = Flagger()


def event(name: str) -> RolloutEvent:
    (found,) = FLAGGER.parse(inbound("flagger", folder("flagger") / f"{name}.json"))
    return found


def body(name: str) -> Any:
    return json.loads((folder("flagger") / f"{name}.json").read_bytes())


@pytest.mark.parametrize(
    ("name", "phase", "exposure"),
    [
        ("initialization-done", None, None),
        ("new-revision", "started", 0.0),
        ("analysis-restarted", "started", 0.0),
        ("analysis-started", None, None),
        ("check-passed.pre-rollout", None, None),
        ("check-passed.confirm-traffic-increase", None, None),
        ("check-passed.rollback", None, None),
        ("canary-weight", "progressing", 5.0),
        ("canary-weight.mirrored", "progressing", 0.0),
        ("canary-weight.own-metadata", "progressing", 5.0),
        ("canary-iteration", "progressing", None),
        ("waiting-to-begin", "planned", None),
        ("waiting.traffic", "paused", None),
        ("waiting.promotion", "paused", None),
        ("halt", None, None),
        ("halt.no-values", None, None),
        ("all-to-canary", "progressing", 100.0),
        ("all-to-canary.mirrored", "progressing", 100.0),
        ("template-copied", "promoting", None),
        ("primary-weight", "promoting", 100.0),
        ("all-to-primary", "promoting", 100.0),
        ("promotion-completed", "completed", 100.0),
        ("promotion-completed.skipped", "completed", 100.0),
        ("promotion-failed", "failed", 100.0),
        ("checks-failed", "rolling_back", None),
        ("rolling-back.manual", "rolling_back", None),
        ("rolling-back.deadline", "rolling_back", None),
        ("canary-failed", "rolled_back", 0.0),
        ("event.not-ready", None, None),
        ("event.terminating", None, None),
        ("post-rollout.succeeded", "completed", 100.0),
        ("post-rollout.failed", "failed", None),
        ("alert.new-revision", "started", 0.0),
        ("alert.initialized", None, None),
        ("alert.waiting", "paused", None),
        ("alert.completed", "completed", 100.0),
        ("alert.promotion-failed", "failed", 100.0),
        ("alert.checks-failed", "rolling_back", None),
        ("alert.checks-failed.teams", "rolling_back", None),
        ("alert.deadline", "rolling_back", None),
        ("alert.manual", "rolling_back", None),
    ],
)
def test_phase_and_exposure(name: str, phase: str | None, exposure: float | None) -> None:
    found = event(name)
    assert (found.phase, found.exposure) == (phase, exposure)


def test_the_table_above_is_complete() -> None:
    (marker,) = test_phase_and_exposure.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marker.args[1]} == {path.stem for path in fixtures("flagger")}


def test_the_facts_of_a_canary() -> None:
    found = event("canary-weight")
    assert found.names == ("payments/checkout", "checkout")
    assert found.attempt == "payments/checkout/6d4f9c7b58"
    assert found.namespace == "payments"
    assert found.environment == "production"
    assert found.strategy is Strategy.CANARY
    assert (found.from_version, found.to_version) == ("2.7.4", "2.8.0")
    assert found.occurred_at == datetime(2026, 3, 2, 14, 0, 0, 217000, tzinfo=UTC)


def test_the_metadata_is_the_users_own() -> None:
    found = event("canary-weight.own-metadata")
    assert found.names == ("Checkout", "payments/checkout", "checkout")
    assert found.environment == "eu-1"
    assert found.strategy is Strategy.BLUE_GREEN
    assert found.to_version == "2.8.0"
    assert found.artifact == "registry.acme.example:5000/shop/checkout:2.8.0"


def test_a_new_revision_is_a_new_attempt() -> None:
    assert event("analysis-restarted").attempt != event("new-revision").attempt


def test_iterations_are_blue_green() -> None:
    found = event("canary-iteration")
    assert (found.strategy, found.step, found.steps) == (Strategy.BLUE_GREEN, 3, 10)


def test_only_failed_checks_are_evidence() -> None:
    with_evidence = {path.stem for path in fixtures("flagger") if event(path.stem).evidence is not Evidence.NONE}
    assert with_evidence == {"checks-failed", "alert.checks-failed", "alert.checks-failed.teams"}
    assert event("checks-failed").evidence is Evidence.FAILED_ANALYSIS


def test_a_warning_is_a_reason() -> None:
    assert event("halt").reason == "Halt checkout.payments advancement success rate 91.40% < 99%"
    assert event("rolling-back.manual").reason == "Rolling back checkout.payments manual webhook invoked"
    assert event("event.not-ready").reason.endswith("1 of 2 updated replicas are available")
    assert event("canary-weight").reason == ""
    assert event("canary-failed").reason == ""  # it must not hide why


def test_a_check_that_fails_names_its_metric_as_the_canary_does() -> None:
    assert event("halt").metrics == ("request-success-rate",)
    assert [path.stem for path in fixtures("flagger") if event(path.stem).metrics] == ["halt"]


@pytest.mark.parametrize(
    ("said", "metric"),
    [
        ("request duration 2.5s > 500ms", "request-duration"),
        ("not-found-percentage 7.10 > 5", "not-found-percentage"),
        ("no values found", None),
        ("external check load test failed", None),
    ],
)
def test_each_kind_of_check_has_its_sentence(said: str, metric: str | None) -> None:
    payload = body("halt")
    payload["metadata"]["eventMessage"] = f"Halt checkout.payments advancement {said}"
    assert FLAGGER.parse(request(payload))[0].metrics == ((metric,) if metric else ())


def test_the_sentence_counts_and_not_the_phase_beside_it() -> None:
    payload = body("promotion-completed")
    assert payload["phase"] == "Finalising"
    for phase in ("Failed", "Progressing", "A phase of next year"):
        (found,) = FLAGGER.parse(request({**payload, "phase": phase}))
        assert found.phase == "completed"


def test_the_same_sentence_a_minute_later_is_another_event() -> None:
    keys = [FLAGGER.parse(request(raw))[0].duplicate_key for _, raw in sequence("flagger", "failed")]
    assert len(set(keys)) == len(keys)


def test_a_hook_without_a_time_is_repeated_only_soon() -> None:
    raw = body("post-rollout.failed")
    keys = {FLAGGER.parse(request(raw, at=RECEIVED + timedelta(hours=hour)))[0].duplicate_key for hour in (0, 24)}
    assert len(keys) == 2


@pytest.mark.parametrize("phase", ["Progressing", "Waiting", "WaitingPromotion", ""])
def test_a_gate_that_points_here_is_refused(phase: str) -> None:
    """An answer of 200 would approve the rollout, or roll it back."""
    payload = {"name": "checkout", "namespace": "payments", "phase": phase, "checksum": "6d4f9c7b58", "metadata": {}}
    with pytest.raises(PayloadError, match="A gate must not point here"):
        FLAGGER.parse(request(payload))


@pytest.mark.parametrize("timestamp", ["soon", "-1", "1e9", "99999999999999999"])
def test_a_time_that_is_none_is_named(timestamp: str) -> None:
    payload = body("halt")
    payload["metadata"]["timestamp"] = timestamp
    with pytest.raises(PayloadError, match=r"metadata\.timestamp must be milliseconds"):
        FLAGGER.parse(request(payload))


def test_an_old_flagger_without_a_checksum_and_metadata_is_understood() -> None:
    (found,) = FLAGGER.parse(request({"name": "checkout", "namespace": "payments", "phase": "Succeeded"}))
    assert found.attempt == "payments/checkout/-"


def phases(name: str) -> list[tuple[str | None, float | None]]:
    events = [FLAGGER.parse(request(raw, header))[0] for header, raw in sequence("flagger", name)]
    return [(event.phase, event.exposure) for event in events if event.phase]


def test_a_healthy_canary() -> None:
    weights = [("progressing", weight) for weight in (1.0, 5.0, 25.0, 50.0)]
    ends = [("promoting", None), ("promoting", 100.0), ("completed", 100.0), ("completed", 100.0)]
    assert phases("healthy") == [("started", 0.0), *weights, *ends]


def test_a_failed_canary() -> None:
    weights = [("progressing", weight) for weight in (1.0, 5.0)]
    ends = [("rolling_back", None), ("rolled_back", 0.0), ("failed", None)]
    assert phases("failed") == [("started", 0.0), *weights, *ends]


def test_alerts_in_both_shapes_say_the_same() -> None:
    slack, teams = event("alert.checks-failed"), event("alert.checks-failed.teams")
    assert slack == teams
    assert (slack.names, slack.attempt) == (("payments/checkout", "checkout"), "payments/checkout")
    assert slack.reason == "Failed checks threshold reached 3"


def test_an_alert_that_names_no_canary_is_refused() -> None:
    bodies: list[Any] = [{"attachments": []}, {"attachments": [{}]}, {"@type": "MessageCard", "sections": [{}]}]
    for broken in bodies:
        with pytest.raises(PayloadError, match=r"empty|missing"):
            FLAGGER.parse(request(broken))
    payload = body("alert.manual")
    payload["attachments"][0]["text"] = "Something new."
    (found,) = FLAGGER.parse(request(payload))
    assert (found.kind, found.phase) == ("event", None)
