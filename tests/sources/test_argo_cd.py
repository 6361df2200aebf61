"""Argo CD: a sync as an attempt, and a Degraded that is no false alarm."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sources.replay import RECEIVED, fixtures, folder, inbound, request
from trusthub.domain.events import Evidence, Link, RolloutEvent
from trusthub.errors import PayloadError, UnknownEventError
from trusthub.sources.argo_cd import SETTLING, ArgoCD

ARGO = ArgoCD()


def event(name: str) -> RolloutEvent:
    (found,) = ARGO.parse(inbound("argo-cd", folder("argo-cd") / f"{name}.json"))
    return found


def body(name: str) -> Any:
    return json.loads((folder("argo-cd") / f"{name}.json").read_bytes())


@pytest.mark.parametrize(
    ("name", "phase"),
    [
        ("on-created", None),
        ("on-deleted", None),
        ("on-sync-running", "started"),
        ("on-sync-running.by-a-person", "started"),
        ("on-sync-succeeded", "progressing"),
        ("on-deployed", "completed"),
        ("on-deployed.tag", "completed"),
        ("on-sync-failed", "failed"),
        ("on-health-degraded", "failed"),
        ("on-health-degraded.long-after", None),
        ("on-sync-status-unknown", None),
    ],
)
def test_phase(name: str, phase: str | None) -> None:
    assert event(name).phase == phase


def test_the_table_above_is_complete() -> None:
    (marker,) = test_phase.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marker.args[1]} == {path.stem for path in fixtures("argo-cd")}


def test_the_facts_of_a_sync() -> None:
    found = event("on-sync-running")
    assert found.names == ("payments/checkout", "checkout-api", "checkout")
    assert found.attempt == "argocd/checkout/2026-03-02 14:02:00+00:00"
    assert found.occurred_at == datetime(2026, 3, 2, 14, 2, tzinfo=UTC)
    assert (found.from_version, found.to_version) == ("9f1c2d3", "4be0a77")
    assert found.artifact == "4be0a77c19d2e8f3a6b5c4d3e2f1a0b9c8d7e6f5"
    assert (found.environment, found.namespace, found.actor) == ("production", "payments", "automated sync")
    assert found.links == (Link(label="Argo CD", url="https://argocd.acme.example/applications/checkout"),)


def test_a_tag_is_the_version() -> None:
    assert (event("on-deployed.tag").from_version, event("on-deployed.tag").to_version) == ("2.7.4", "2.8.0")


def test_a_sync_is_one_attempt_and_the_next_is_another() -> None:
    same = {event(name).attempt for name in ("on-sync-running", "on-sync-succeeded", "on-deployed")}
    assert len(same) == 1
    assert event("on-sync-running.by-a-person").attempt not in same
    assert event("on-sync-running.by-a-person").actor == "nora"


def test_a_sync_that_failed_says_why_and_is_no_evidence() -> None:
    found = event("on-sync-failed")
    assert found.reason.startswith("one or more objects failed to apply")
    assert found.occurred_at == datetime(2026, 3, 2, 14, 2, 31, tzinfo=UTC)
    assert found.evidence is Evidence.NONE


def test_a_degraded_is_this_syncs_doing_for_ten_minutes_only() -> None:
    payload = body("on-health-degraded")
    payload["app"]["status"]["operationState"]["finishedAt"] = (RECEIVED - SETTLING).isoformat()
    assert ARGO.parse(request(payload))[0].phase == "failed"
    assert ARGO.parse(request(payload, at=RECEIVED + timedelta(seconds=1)))[0].phase is None


def test_a_degraded_that_is_repeated_is_no_news() -> None:
    again = ARGO.parse(request(body("on-health-degraded"), at=RECEIVED + timedelta(minutes=3)))[0]
    assert again.duplicate_key == event("on-health-degraded").duplicate_key


def test_the_catalogs_own_text_is_refused_with_the_cure() -> None:
    with pytest.raises(PayloadError, match="paste the ones from the section Argo CD"):
        ARGO.parse(request(b"Application checkout sync is 'Synced'."))


def test_other_triggers_are_unknown() -> None:
    with pytest.raises(UnknownEventError, match="on-moonrise"):
        ARGO.parse(request({**body("on-deployed"), "trigger": "on-moonrise"}))


def test_an_application_without_a_status_is_read() -> None:
    payload = body("on-created")
    payload["app"]["spec"]["destination"] = {}
    payload["app"]["metadata"]["labels"] = {}
    (found,) = ARGO.parse(request(payload))
    assert (found.names, found.to_version, found.attempt) == (("checkout",), None, "argocd/checkout/-")
