"""What an object of a cluster is taken to mean."""

import json
from typing import Any

import pytest

from tests.sources import objects
from tests.sources.replay import fixtures, folder, inbound, request
from trusthub.domain.events import Evidence, Phase, RolloutEvent, Strategy
from trusthub.errors import UnknownEventError
from trusthub.sources.kubernetes import Kubernetes

SOURCE = Kubernetes()


def event(name: str) -> RolloutEvent:
    (found,) = SOURCE.parse(inbound("kubernetes", folder("kubernetes") / f"{name}.json"))
    return found


def said(thing: dict[str, Any], **more: Any) -> list[RolloutEvent]:
    return SOURCE.parse(request({"type": "MODIFIED", "object": thing, **more}))


@pytest.mark.parametrize(
    ("name", "exposure", "version"),
    [
        ("Rollout.started", 0.0, "2.8.0"),
        ("Rollout.progressing", 5.0, "2.8.0"),
        ("Rollout.paused", 50.0, "2.8.0"),
        ("Rollout.promoting", 100.0, "2.8.0"),
        ("Rollout.completed", 100.0, "2.8.0"),
        ("Rollout.completed.retold", 100.0, "2.7.4"),
        ("Rollout.failed", 5.0, "2.8.0"),
        ("Rollout.rolling_back", 5.0, "2.8.0"),
        ("Rollout.rolled_back", 0.0, "2.8.0"),
        ("Rollout.rolled_back.by-hand", 0.0, "2.8.0"),
        ("Canary.planned", 0.0, "2.8.0"),
        ("Canary.started", 0.0, "2.8.0"),
        ("Canary.progressing", 5.0, "2.8.0"),
        ("Canary.paused", 50.0, "2.8.0"),
        ("Canary.promoting", None, "2.8.0"),
        ("Canary.promoting.finalising", 100.0, "2.7.4"),
        ("Canary.completed", 100.0, "2.8.0"),
        ("Canary.rolling_back", 5.0, "2.8.0"),
        ("Canary.rolled_back", 0.0, "2.8.0"),
        ("Canary.failed", 100.0, "2.8.0"),
        ("Deployment.started", 0.0, "2.8.0"),
        ("Deployment.progressing", 25.0, "2.8.0"),
        ("Deployment.progressing.over-quota", 25.0, "2.8.0"),
        ("Deployment.paused", 25.0, "2.8.0"),
        ("Deployment.completed", 100.0, "2.8.0"),
        ("Deployment.failed", 25.0, "2.8.0"),
    ],
)
def test_exposure_and_version(name: str, exposure: float | None, version: str) -> None:
    found = event(name)
    assert (found.exposure, found.to_version) == (exposure, version)
    assert found.environment == "production"
    assert found.retold == name.endswith("retold")


def test_the_table_above_is_complete() -> None:
    (marker,) = test_exposure_and_version.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marker.args[1]} == {path.stem for path in fixtures("kubernetes")}


def test_only_a_measurement_that_failed_is_evidence() -> None:
    found = {path.stem for path in fixtures("kubernetes") if event(path.stem).evidence is Evidence.FAILED_ANALYSIS}
    assert found == {"Rollout.rolling_back", "Rollout.rolled_back", "Canary.rolling_back"}


def test_the_old_version_of_a_canary_is_its_primarys() -> None:
    assert event("Canary.progressing").from_version == "2.7.4"


def test_why_it_does_not_go_on() -> None:
    assert "exceeded quota" in event("Deployment.progressing.over-quota").reason
    assert event("Deployment.failed").reason.endswith("has timed out progressing.")
    assert "error-rate" in event("Rollout.rolling_back").reason


@pytest.mark.parametrize(
    "thing",
    [
        objects.primary(),
        objects.deployment(objects.NEW, revision=2, seen=1),
        objects.canary("Initialized"),
        objects.canary("Terminating"),
        objects.rollout(phase="Degraded"),
        objects.rollout(observedGeneration="0"),
    ],
)
def test_what_says_nothing(thing: dict[str, Any]) -> None:
    assert said(thing) == []


def test_what_is_deleted_and_what_is_unknown() -> None:
    assert said(objects.deployment(), type="DELETED") == []
    with pytest.raises(UnknownEventError, match="StatefulSet"):
        said({**objects.deployment(), "kind": "StatefulSet"})


def test_scaling_changes_no_key() -> None:
    (before,), (after,) = (
        said(objects.deployment()),
        said(objects.deployment(wanted=9, pods=9, updated=9, generation=7)),
    )
    assert before.duplicate_key == after.duplicate_key


def test_a_second_try_has_keys_of_its_own() -> None:
    later = [objects.progressing("ReplicaSetUpdated", at="2026-03-02T14:20:00Z")]
    (first,), (second,) = said(objects.moving(5, 1)), said(objects.moving(5, 1, conditions=later))
    assert first.attempt == second.attempt
    assert first.duplicate_key != second.duplicate_key


def test_the_clusters_time_counts_when_ours_is_late() -> None:
    (retold,) = said(objects.deployment(), retold=True, seenAt="2026-03-02T14:00:09Z")
    (late,) = said(objects.deployment(), seenAt="2026-03-02T14:20:00Z")
    (prompt,) = said(objects.deployment(), seenAt="2026-03-02T14:00:09Z")
    assert [found.occurred_at.strftime("%M:%S") for found in (retold, late, prompt)] == ["00:00", "00:00", "00:09"]


def before(phase: str, stable: str | None = objects.OLD) -> dict[str, Any]:
    return {"attempt": "payments/checkout/uid-of-deployment-checkout/2", "phase": phase, "stable": stable}


@pytest.mark.parametrize(
    ("image", "was", "told"),
    [
        (objects.OLD, "failed", [("rolling_back", False), ("progressing", False)]),
        (objects.OLD, "progressing", [("rolling_back", False), ("progressing", False)]),
        (objects.NEW, "progressing", [(None, True), ("progressing", False)]),
        (objects.NEW, "failed", [("progressing", False)]),
        (objects.OLD, "completed", [("progressing", False)]),
    ],
)
def test_what_a_new_revision_says_of_the_one_before(image: str, was: str, told: list[Any]) -> None:
    found = said(objects.deployment(image, revision=3, updated=1), before=before(was))
    assert [(one.phase, one.superseded) for one in found] == told
    assert len({one.duplicate_key for one in found}) == len(found)


def test_what_failed_may_get_there_after_all() -> None:
    found = said(objects.deployment(objects.NEW, revision=2), before=before("failed"))
    assert [one.phase for one in found] == [Phase.PROGRESSING, Phase.COMPLETED]


def test_without_a_deadline_the_numbers_count() -> None:
    thing = objects.deployment()
    thing["status"]["conditions"] = []
    (found,) = said(thing)
    assert found.phase is Phase.COMPLETED
    thing["status"]["availableReplicas"] = 1
    assert said(thing) == []


def test_what_is_recreated_does_not_roll() -> None:
    (found,) = said(objects.deployment(strategy={"type": "Recreate"}))
    assert found.strategy is Strategy.UNKNOWN


def test_a_workload_that_a_rollout_refers_to_has_its_version() -> None:
    thing = objects.rollout()
    del thing["spec"]["template"]
    (found,) = said(thing, target=json.loads(json.dumps(objects.deployment(objects.NEW))))
    assert found.to_version == "2.8.0"
