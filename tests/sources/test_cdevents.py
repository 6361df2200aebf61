"""CDEvents: four shapes of one event, three versions, and what a service event means."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sources.replay import fixtures, folder, inbound, request, sequence
from trusthub.domain.events import AlertEvent, Evidence, Link, RolloutEvent, Strategy
from trusthub.errors import PayloadError, UnknownEventError
from trusthub.sources.base import Inbound
from trusthub.sources.cdevents import INCIDENTS, CDEvents

CDEVENTS = CDEvents()
CHAIN = "b8d1f6a2-6d0f-4e7b-9a57-2f0c1d3e4a55"


def event(name: str) -> RolloutEvent:
    (found,) = CDEVENTS.parse(inbound("cdevents", folder("cdevents") / f"{name}.json"))
    assert isinstance(found, RolloutEvent)
    return found


def alert(name: str) -> AlertEvent:
    (found,) = CDEVENTS.parse(inbound("cdevents", folder("cdevents") / f"{name}.json"))
    assert isinstance(found, AlertEvent)
    return found


def rollouts(asked: Inbound) -> list[RolloutEvent]:
    return [found for found in CDEVENTS.parse(asked) if isinstance(found, RolloutEvent)]


def body(name: str) -> Any:
    return json.loads((folder("cdevents") / f"{name}.json").read_bytes())


@pytest.mark.parametrize(
    ("name", "phase", "exposure"),
    [
        ("service.deployed", "completed", 100.0),
        ("service.deployed.v0.3.binary", "completed", 100.0),
        ("service.deployed.v0.4.binary", "completed", 100.0),
        ("service.deployed.v0.4.plain", "completed", 100.0),
        ("service.deployed.v0.5.structured", "completed", 100.0),
        ("service.deployed.digest-only", "completed", 100.0),
        ("service.upgraded", "completed", 100.0),
        ("service.upgraded.npm", "completed", 100.0),
        ("service.upgraded.base64", "completed", 100.0),
        ("service.upgraded.share-of-users", "progressing", 5.0),
        ("service.rolledback", "rolled_back", None),
        ("service.published", None, None),
        ("service.removed", None, None),
        ("pipelinerun.queued", "started", None),
        ("pipelinerun.started", "started", None),
        ("pipelinerun.finished", "completed", None),
        ("pipelinerun.finished.failure", "failed", None),
        ("pipelinerun.finished.error", "failed", None),
        ("pipelinerun.finished.cancel", "failed", None),
    ],
)
def test_phase_and_exposure(name: str, phase: str | None, exposure: float | None) -> None:
    found = event(name)
    assert (found.phase, found.exposure) == (phase, exposure)
    assert found.evidence is Evidence.NONE


def test_the_table_above_is_complete() -> None:
    (marker,) = test_phase_and_exposure.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marker.args[1]} | set(INCIDENTS) == {path.stem for path in fixtures("cdevents")}


@pytest.mark.parametrize(
    "name",
    ["", ".v0.3.binary", ".v0.4.binary", ".v0.4.plain", ".v0.5.structured"],
)
def test_every_shape_and_version_says_the_same(name: str) -> None:
    found = event(f"service.deployed{name}")
    assert found.kind == "service.deployed"
    assert found.names == ("checkout",)
    assert found.environment == "production"
    assert found.to_version == "2.8.0"
    assert found.artifact is not None
    assert found.artifact.startswith("pkg:oci/checkout@sha256%3A9f1c")
    assert found.occurred_at == datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
    assert found.duplicate_key.startswith("/acme/deployer ")


def test_headers_are_percent_decoded() -> None:
    header = {"ce-specversion": "1.0", "ce-type": "dev%2Ecdevents.service.deployed%2e0.3.0"}
    (found,) = rollouts(request(body("service.deployed"), header))
    assert found.kind == "service.deployed"


def test_other_cloudevents_are_unknown() -> None:
    foreign = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "example.acme.order.paid", "data": [1]}
    for unread in (request(foreign), request(b"any bytes", {"ce-type": "example.acme.order.paid"})):
        with pytest.raises(UnknownEventError, match=r"example\.acme\.order\.paid"):
            CDEVENTS.parse(unread)
    for kind in (
        "dev.cdevents.build.finished.0.3.0",
        "dev.cdevents.service.adopted.0.9.0",
        "dev.cdeventsx.acme-thing.x.1.0.0",
    ):
        changed = body("service.deployed")
        changed["context"]["type"] = kind
        with pytest.raises(UnknownEventError, match=re.escape(kind)):
            CDEVENTS.parse(request(changed))


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({}, "context is missing."),
        ({"context": {}}, "context.type is missing."),
        ({"specversion": "1.0", "source": "/a", "type": "dev.cdevents.service.deployed.0.3.0"}, "data is missing."),
        ({"context": {"type": "dev.cdevents.service.deployed.0.3.0"}}, "subject is missing."),
    ],
)
def test_what_is_missing_is_named(payload: Any, says: str) -> None:
    with pytest.raises(PayloadError) as error:
        rollouts(request(payload))
    assert str(error.value) == says


def test_a_batch_is_refused() -> None:
    with pytest.raises(PayloadError, match="Send one JSON object"):
        rollouts(request([body("service.deployed")], {"Content-Type": "application/cloudevents-batch+json"}))


def test_custom_data_may_say_more() -> None:
    found = event("service.upgraded.share-of-users")
    assert found.from_version == "2.7.4"
    assert found.strategy is Strategy.CANARY
    for other in ("AAEC", [5], {"exposure": "5 %", "fromVersion": 274, "strategy": "warp", "reason": {}}, None):
        (found,) = rollouts(request({**body("service.upgraded"), "customData": other}))
        assert (found.exposure, found.from_version, found.strategy) == (100.0, None, Strategy.UNKNOWN)


def test_versions_come_from_the_package_url() -> None:
    assert event("service.deployed.digest-only").to_version == "sha256:9f1c2d3e4b5a"
    assert event("service.upgraded.npm").to_version == "2.8.0"


def test_a_chain_groups_the_steps_of_one_version_in_one_place() -> None:
    assert event("service.upgraded.share-of-users").attempt == f"{CHAIN}/checkout/production/2.8.0"
    assert event("service.deployed.v0.4.binary").attempt == f"{CHAIN}/checkout/production/2.8.0"


def test_without_a_chain_a_version_that_comes_back_is_another_attempt() -> None:
    assert event("service.deployed").attempt != event("service.deployed.v0.4.plain").attempt


def test_a_rollback_names_the_version_that_is_back() -> None:
    found = event("service.rolledback")
    assert found.rollback
    assert found.to_version == "2.7.4"
    chained = body("service.rolledback")
    chained["context"]["chainId"] = CHAIN
    assert not rollouts(request(chained))[0].attempt.startswith(CHAIN)  # it is no step of what it takes back


def test_a_pipeline_run_is_known_by_its_pipeline() -> None:
    found = event("pipelinerun.finished.failure")
    assert found.names == ("checkout-release", "run-418")
    assert found.attempt == event("pipelinerun.started").attempt == "/acme/deployer/run-418"
    assert found.reason == "helm upgrade timed out after 10m0s"
    assert found.links == (Link(label="Pipeline run", url="https://ci.acme.example/checkout-release/418"),)


def test_an_outcome_in_free_text_says_no_phase() -> None:
    payload = body("pipelinerun.finished")
    payload["subject"]["content"]["outcome"] = "it was fine, mostly"
    assert rollouts(request(payload))[0].phase is None


def test_an_incident_is_an_alert_on_its_service() -> None:
    found = alert("incident.reported")
    assert found.names == ("checkout", "alert-77")
    assert found.title == "More than 2 % of the orders could not be paid"
    assert found.environment == "production"
    assert found.links == (Link(label="Ticket", url="https://tickets.acme.example/OPS-771"),)
    kinds = ("incident.detected", "incident.reported", "incident.resolved")
    assert [alert(kind).firing for kind in kinds] == [True, True, False]
    assert len({alert(kind).alert for kind in kinds}) == 1


@pytest.mark.parametrize("name", ["v0.4", "v0.5"])
def test_a_pipeline_with_two_steps_and_a_rollback(name: str) -> None:
    events = [rollouts(request(raw, header))[0] for header, raw in sequence("cdevents", name)]
    service = [event for event in events if event.names == ("checkout",)]
    assert [event.phase for event in events] == [
        "started", "started", "progressing", "completed", "completed", "rolled_back",
    ]  # fmt: skip
    assert [event.exposure for event in service] == [5.0, 100.0, None]
    assert [event.to_version for event in service] == ["2.8.0", "2.8.0", "2.7.4"]
    assert service[0].attempt == service[1].attempt != service[2].attempt
