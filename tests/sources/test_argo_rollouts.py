"""Argo Rollouts: what a stale snapshot is taken to mean."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sources.replay import RECEIVED, fixtures, folder, inbound, request, sequence
from trusthub.domain.events import Evidence, Phase, RolloutEvent, Strategy
from trusthub.errors import PayloadError, UnknownEventError
from trusthub.sources.argo_rollouts import ArgoRollouts

ARGO = ArgoRollouts()
FAILED = 'checkout-6f4b8d7c59-2-3: metric "error-rate" assessed Failed due to failed (2) > failureLimit (1)'
UID = "5d0c1c5e-0f0e-4c1b-9a52-7c6f6f1f2a11"


def event(name: str) -> RolloutEvent:
    (found,) = ARGO.parse(inbound("argo-rollouts", folder("argo-rollouts") / f"{name}.json"))
    return found


def body(name: str) -> Any:
    return json.loads((folder("argo-rollouts") / f"{name}.json").read_bytes())


def parse(payload: Any) -> RolloutEvent:
    (found,) = ARGO.parse(request(payload))
    return found


@pytest.mark.parametrize(
    ("name", "phase", "exposure"),
    [
        ("on-rollout-updated", "started", 0.0),
        ("on-rollout-updated.older-version", "started", 0.0),
        ("on-rollout-updated.back-to-stable", None, None),
        ("on-rollout-updated.blue-green", "started", 0.0),
        ("on-rollout-updated.without-steps", "started", None),
        ("on-new-replica-set-created", "started", 0.0),
        ("on-scaling-replica-set", None, None),
        ("on-scaling-replica-set.autoscaler", None, None),
        ("on-scaling-replica-set.superseded", None, None),
        ("on-scaling-replica-set.aborted", "rolled_back", 0.0),
        ("on-scaling-replica-set.aborted-basic-canary", "rolled_back", 0.0),
        ("on-scaling-replica-set.aborted-blue-green", "rolled_back", 0.0),
        ("on-traffic-weight-updated", "progressing", 5.0),
        ("on-traffic-weight-updated.no-pods-yet", "started", 0.0),
        ("on-traffic-weight-updated.aborted", "rolled_back", 0.0),
        ("on-traffic-weight-updated.aborted-gradually", "rolling_back", None),
        ("on-traffic-weight-updated.promoted", None, None),
        ("on-rollout-step-completed", "progressing", 1.0),
        ("on-rollout-step-completed.pause", "progressing", 5.0),
        ("on-rollout-step-completed.tenth-of-a-percent", "progressing", 0.1),
        ("on-rollout-paused", "paused", 1.0),
        ("on-rollout-paused.inconclusive", "paused", 5.0),
        ("on-rollout-paused.blue-green", "paused", None),
        ("on-rollout-resumed", "progressing", None),
        ("on-rollout-resumed.replaced", None, None),
        ("on-switch-service.preview", None, None),
        ("on-switch-service.active", "promoting", 100.0),
        ("on-switch-service.aborted", "rolled_back", 0.0),
        ("on-switch-service.canary", None, None),
        ("on-analysis-run-running", None, None),
        ("on-analysis-run-successful", None, None),
        ("on-analysis-run-failed", "failed", None),
        ("on-analysis-run-error", "failed", None),
        ("on-analysis-run-inconclusive", "paused", None),
        ("on-rollout-aborted.failed-analysis", "rolling_back", None),
        ("on-rollout-aborted.manual", "rolling_back", None),
        ("on-rollout-aborted.analysis-of-another-revision", "rolling_back", None),
        ("on-rollout-aborted.analysis-of-the-first-try", "rolling_back", None),
        ("on-rollout-aborted.progress-deadline", "rolling_back", None),
        ("on-skip-steps.back-to-stable", "rolled_back", 0.0),
        ("on-skip-steps.steps-edited", None, None),
        ("on-rollout-completed", "completed", 100.0),
        ("on-rollout-completed.blue-green", "completed", 100.0),
        ("on-rollout-completed.rolled-back", "completed", 100.0),
    ],
)
def test_phase_and_exposure(name: str, phase: str | None, exposure: float | None) -> None:
    found = event(name)
    assert (found.phase, found.exposure) == (phase, exposure)


def test_the_table_above_is_complete() -> None:
    (marker,) = test_phase_and_exposure.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marker.args[1]} == {path.stem for path in fixtures("argo-rollouts")}


def test_the_facts_of_a_rollout() -> None:
    found = event("on-rollout-step-completed")
    assert found.names == ("payments/checkout", "checkout")
    assert found.attempt == f"payments/checkout/{UID}/2"
    assert found.namespace == "payments"
    assert found.environment == "production"
    assert found.strategy is Strategy.CANARY
    assert (found.step, found.steps) == (1, 6)
    assert found.from_version is None
    assert found.to_version == "2.8.0"
    assert found.artifact == "registry.acme.example:5000/shop/checkout:2.8.0"
    assert found.occurred_at == RECEIVED
    assert found.links == ()


def test_names_come_from_labels_too() -> None:
    payload = body("on-rollout-updated")
    payload["rollout"]["metadata"]["labels"] = {"app.kubernetes.io/name": "checkout-api", "app": "shop-checkout"}
    assert parse(payload).names == ("payments/checkout", "checkout-api", "shop-checkout", "checkout")


def test_the_container_named_like_the_rollout_has_the_version_else_the_first() -> None:
    payload = body("on-rollout-updated")
    containers = payload["rollout"]["spec"]["template"]["spec"]["containers"]
    assert containers[0]["name"] == "log-shipper"
    containers[1]["name"] = "server"
    assert parse(payload).to_version == "1.14.2"
    containers.clear()
    assert parse(payload).to_version is None


def test_an_image_without_a_tag_gives_its_short_digest() -> None:
    assert event("on-rollout-step-completed.tenth-of-a-percent").to_version == "sha256:9f1c2d3e4b5a"


@pytest.mark.parametrize(
    ("name", "evidence"),
    [
        ("on-analysis-run-failed", Evidence.FAILED_ANALYSIS),
        ("on-rollout-aborted.failed-analysis", Evidence.FAILED_ANALYSIS),
        ("on-analysis-run-error", Evidence.NONE),
        ("on-analysis-run-inconclusive", Evidence.NONE),
        ("on-rollout-aborted.manual", Evidence.NONE),
        ("on-rollout-aborted.progress-deadline", Evidence.NONE),
        ("on-rollout-aborted.analysis-of-another-revision", Evidence.NONE),
        ("on-rollout-aborted.analysis-of-the-first-try", Evidence.NONE),
    ],
)
def test_only_a_failed_measurement_of_this_attempt_is_evidence(name: str, evidence: Evidence) -> None:
    assert event(name).evidence is evidence


def test_a_run_that_shows_no_revision_is_no_evidence() -> None:
    payload = body("on-rollout-aborted.failed-analysis")
    del payload["analysisRuns"][0]["metadata"]["annotations"]
    assert parse(payload).evidence is Evidence.FAILED_ANALYSIS  # by the pod hash
    del payload["analysisRuns"][0]["metadata"]["labels"]
    assert parse(payload).evidence is Evidence.NONE


def test_a_run_counts_when_the_status_names_none() -> None:
    payload = body("on-rollout-aborted.failed-analysis")
    payload["rollout"]["status"]["canary"] = {}
    assert parse(payload).evidence is Evidence.FAILED_ANALYSIS


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "on-analysis-run-failed",
            f"{FAILED}; error-rate measured [0.0911]",
        ),
        ("on-rollout-aborted.progress-deadline", 'ReplicaSet "checkout-6f4b8d7c59" has timed out progressing.'),
        ("on-rollout-aborted.manual", ""),
        ("on-rollout-paused.inconclusive", "InconclusiveAnalysisRun"),
        ("on-rollout-step-completed", ""),
    ],
)
def test_the_reason(name: str, reason: str) -> None:
    assert event(name).reason == reason


def test_the_metrics_that_failed_are_named() -> None:
    assert event("on-analysis-run-failed").metrics == ("error-rate",)
    assert event("on-rollout-aborted.failed-analysis").metrics == ("error-rate",)
    assert event("on-rollout-aborted.manual").metrics == ()
    payload = body("on-analysis-run-failed")
    for run in payload["analysisRuns"]:
        for result in run["status"]["metricResults"]:
            result["dryRun"] = True
    assert parse(payload).metrics == ()


def test_a_measurement_that_broke_is_said_to_say_nothing() -> None:
    reason = event("on-analysis-run-error").reason
    assert reason.startswith("The measurement broke, so it says nothing about the product. checkout-6f4b8d7c59-2-3: ")
    assert "no such host" in reason


def test_the_cause_of_an_abort_is_in_the_message_when_no_condition_has_it() -> None:
    payload = body("on-rollout-aborted.progress-deadline")
    payload["rollout"]["status"]["conditions"] = []
    assert parse(payload).reason.startswith("ProgressDeadlineExceeded: ReplicaSet")


def test_a_dry_run_is_no_reason() -> None:
    payload = body("on-analysis-run-failed")
    payload["analysisRuns"][0]["status"]["metricResults"][0]["dryRun"] = True
    assert "measured" not in parse(payload).reason


def test_an_abort_happened_when_the_object_says() -> None:
    payload = body("on-rollout-aborted.manual")
    payload["rollout"]["status"]["abortedAt"] = "2026-03-02T14:06:09Z"
    assert parse(payload).occurred_at == datetime(2026, 3, 2, 14, 6, 9, tzinfo=UTC)
    assert event("on-scaling-replica-set.aborted").occurred_at == RECEIVED


def test_a_return_to_the_stable_version_ends_the_attempt_before() -> None:
    found = event("on-skip-steps.back-to-stable")
    assert found.attempt == f"payments/checkout/{UID}/2"
    assert found.to_version is None  # the spec names the version returned to already
    assert found.artifact is None


def test_a_return_to_the_stable_version_is_seen_in_a_fresh_snapshot_too() -> None:
    payload = body("on-skip-steps.back-to-stable")
    status = payload["rollout"]["status"]
    status.update(observedGeneration="8", currentPodHash=status["stableRS"])
    assert parse(payload).phase is Phase.ROLLED_BACK


def test_a_version_that_exists_already_starts_an_attempt_of_its_own() -> None:
    found = event("on-rollout-updated.older-version")
    assert found.attempt == f"payments/checkout/{UID}/5"
    assert found.to_version == "2.7.4"
    assert found.step is None  # the status still speaks of the version before


def test_a_template_in_another_object_has_a_generation_of_its_own() -> None:
    payload = body("on-skip-steps.steps-edited")
    payload["rollout"]["status"]["observedGeneration"] = "8"
    assert parse(payload).phase is Phase.ROLLED_BACK
    payload["rollout"]["metadata"]["annotations"]["rollout.argoproj.io/workload-generation"] = "31"
    payload["rollout"]["status"]["workloadObservedGeneration"] = "30"
    assert parse(payload).phase is None


def test_without_a_revision_the_pod_hash_groups() -> None:
    payload = body("on-rollout-updated")
    payload["rollout"]["metadata"]["annotations"] = {}
    assert parse(payload).attempt == f"payments/checkout/{UID}/6f4b8d7c59"
    del payload["rollout"]["status"]
    assert parse(payload).attempt == f"payments/checkout/{UID}/-"


def test_what_argo_calls_a_rollback_or_superseded() -> None:
    assert event("on-rollout-completed.rolled-back").rollback
    assert event("on-scaling-replica-set.superseded").superseded
    assert not event("on-rollout-completed").rollback
    assert not event("on-rollout-completed").superseded


def test_a_pause_in_the_middle_of_a_weight_says_no_exposure() -> None:
    payload = body("on-rollout-paused")
    payload["rollout"]["status"]["currentStepIndex"] = 2
    assert parse(payload).exposure is None


def test_before_the_first_weight_nobody_is_exposed() -> None:
    payload = body("on-rollout-paused")
    payload["rollout"]["spec"]["strategy"]["canary"]["steps"] = [{"setCanaryScale": {"replicas": 1}}, {"pause": {}}]
    assert parse(payload).exposure == 0.0


def test_a_retry_after_an_abort_is_another_event() -> None:
    payload = body("on-rollout-step-completed")
    first = parse(payload).duplicate_key
    payload["rollout"]["metadata"]["resourceVersion"] = "919999"
    assert parse(payload).duplicate_key != first


def test_an_aborted_rollout_that_is_scaled_again_is_no_news() -> None:
    payload = body("on-scaling-replica-set.aborted")
    first = parse(payload).duplicate_key
    payload["rollout"]["metadata"]["resourceVersion"] = "999999"
    assert parse(payload).duplicate_key == first
    payload["rollout"]["status"]["abortedAt"] = "2026-03-02T15:00:00Z"
    assert parse(payload).duplicate_key != first
    del payload["rollout"]["status"]["abortedAt"]
    assert parse(payload).duplicate_key != first


def test_without_a_version_of_the_object_the_bytes_count() -> None:
    payload = body("on-rollout-paused")
    del payload["rollout"]["metadata"]["resourceVersion"]
    first = parse(payload).duplicate_key
    payload["rollout"]["status"]["readyReplicas"] = 9
    assert parse(payload).duplicate_key != first


def test_the_environment_is_optional_and_so_are_the_runs() -> None:
    payload = body("on-analysis-run-failed")
    del payload["environment"], payload["analysisRuns"]
    found = parse(payload)
    assert found.environment is None
    assert found.evidence is Evidence.FAILED_ANALYSIS
    assert found.reason == ""


def test_other_triggers_are_unknown() -> None:
    payload = body("on-rollout-updated")
    payload["trigger"] = "on-rollout-not-completed"
    with pytest.raises(UnknownEventError, match="on-rollout-not-completed"):
        ARGO.parse(request(payload))


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({}, "trigger is missing."),
        ({"trigger": "on-rollout-aborted"}, "rollout is missing."),
        ({"trigger": "on-rollout-aborted", "rollout": {}}, "metadata is missing."),
        ({"trigger": "on-rollout-aborted", "rollout": []}, "rollout must be an object, not a list."),
    ],
)
def test_a_template_that_was_pasted_wrongly_is_named(payload: Any, says: str) -> None:
    with pytest.raises(PayloadError, match=says):
        ARGO.parse(request(payload))


def phases(name: str) -> list[tuple[str | None, float | None]]:
    events = [event for header, raw in sequence("argo-rollouts", name) for event in ARGO.parse(request(raw, header))]
    steps = [(event.phase, event.exposure) for event in events if event.phase]
    return [step for index, step in enumerate(steps) if index == 0 or step != steps[index - 1]]


TO_ONE = [("started", 0.0), ("progressing", 1.0), ("paused", 1.0)]
TO_FIVE = [*TO_ONE, ("progressing", 1.0), ("progressing", None), ("progressing", 5.0)]


def test_a_healthy_canary() -> None:
    to_all = [("progressing", 50.0), ("paused", 50.0), ("progressing", 50.0), ("progressing", None)]
    assert phases("canary") == [*TO_FIVE, *to_all, ("progressing", 100.0), ("completed", 100.0)]


def test_a_failed_analysis() -> None:
    assert phases("failed-analysis") == [*TO_FIVE, ("failed", None), ("rolling_back", None), ("rolled_back", 0.0)]


def test_an_abort_by_hand() -> None:
    assert phases("manual-abort") == [*TO_ONE, ("rolling_back", None), ("rolled_back", 0.0)]


def test_a_first_deployment() -> None:
    assert phases("first") == [("started", 0.0), ("completed", 100.0)]


@pytest.mark.parametrize("name", ["canary", "failed-analysis", "manual-abort"])
def test_whatever_says_a_phase_is_about_one_attempt(name: str) -> None:
    events = [event for header, raw in sequence("argo-rollouts", name) for event in ARGO.parse(request(raw, header))]
    assert {event.attempt for event in events if event.phase} == {f"payments/checkout/{UID}/2"}
    assert {event.to_version for event in events if event.phase} <= {"2.8.0", None}
