"""Tools that are read by a map: those that come with the hub, and one that nobody ever heard of."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.sources.replay import RECEIVED, fixtures, inbound, request, understand
from trusthub.domain.events import AlertEvent, Evidence, Link, RolloutEvent, SourceEvent
from trusthub.domain.mapping import Map
from trusthub.domain.site import Connection
from trusthub.errors import PayloadError, SignatureError, UnknownEventError
from trusthub.sources import SOURCES, reader_of

OURS = {
    "event": {"from": "status", "table": {"going": "rollout.progressed", "hm": "ignore", "bad": "alert.firing"}},
    "component": ["app.path", "app.name"],
    "environment": {"always": "production"},
    "to_version": "build",
    "exposure": "share",
    "step": "step",
    "rollback": "back",
    "occurred_at": "at",
    "id": "run",
    "links": {"Run": "url", "Log": "log"},
    "known_risks": "risk",
    "metrics": "metric",
    "title": "text",
}
BODY = {"status": "going", "app": {"path": "shop/checkout", "name": "checkout"}, "build": 41, "run": "r-9"}


def parse(more: dict[str, Any] | None = None, **said: Any) -> SourceEvent:
    connection = Connection(source="generic", map=Map(**{**OURS, **said}))
    (found,) = reader_of(connection).parse(request({**BODY, **(more or {})}))
    return found


def rollout(**more: Any) -> RolloutEvent:
    found = parse(more)
    assert isinstance(found, RolloutEvent)
    return found


def test_an_unheard_of_tool_is_understood() -> None:
    found = rollout(
        share="5%", step="2", back="true", risk="slow", metric="error-rate", url="https://ci.acme.example/9", log="x"
    )
    assert (found.kind, found.phase, found.names) == ("going", "progressing", ("shop/checkout", "checkout"))
    assert (found.environment, found.to_version, found.attempt) == ("production", "41", "shop/checkout/production/41")
    assert (found.exposure, found.step, found.rollback, found.known_risks) == (5.0, 2, True, ("slow",))
    assert found.metrics == ("error-rate",)
    assert found.links == (Link(label="Run", url="https://ci.acme.example/9"),)


@pytest.mark.parametrize(
    "at", [1772460120, 1772460120.0, 1772460120000, "1772460120", "1772460120000", "2026-03-02T14:02:00Z"], ids=repr
)
def test_times_are_seconds_milliseconds_or_text(at: object) -> None:
    assert rollout(at=at).occurred_at == datetime(2026, 3, 2, 14, 2, tzinfo=UTC)


@pytest.mark.parametrize("at", [None, "", "0001-01-01T00:00:00+00:00"], ids=repr)
def test_a_time_that_is_not_there_is_the_arrival(at: object) -> None:
    assert rollout(at=at).occurred_at == RECEIVED


def test_two_events_of_one_run_are_two() -> None:
    assert rollout().duplicate_key == "going r-9"


def test_without_an_id_the_same_body_counts_once() -> None:
    again = reader_of(Connection(source="generic", map=Map(**{**OURS, "id": "nowhere"})))
    keys = [again.parse(request(BODY, at=RECEIVED + timedelta(seconds=late)))[0].duplicate_key for late in (0, 9, 3600)]
    assert (keys[0] == keys[1], keys[1] == keys[2]) == (True, False)


def test_a_map_may_make_an_alert() -> None:
    found = parse({"status": "bad", "text": "Many errors"}, alert="run")
    assert isinstance(found, AlertEvent)
    assert (found.alert, found.firing, found.title, found.environment) == ("r-9", True, "Many errors", "production")


def test_what_is_known_to_mean_nothing_and_what_is_unknown() -> None:
    reader = reader_of(Connection(source="generic", map=Map(**OURS)))
    assert reader.parse(request({"status": "hm"})) == []
    for body, word in (({"status": "new"}, "new"), ({}, "an event without a type")):
        with pytest.raises(UnknownEventError, match=word):
            reader.parse(request(body))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"app": {}}, "component is missing where the map of generic looks"),
        ({"app": {"name": {"en": "Checkout"}}}, r"map.names\[0\] must be a string, not an object"),
        ({"share": 101}, "map.exposure must be a percentage from 0 to 100, not 101"),
        ({"share": "much"}, "map.exposure must be a number"),
        ({"build": {"id": 1}}, "map.to_version must be a string, not an object"),
        ({"at": "yesterday"}, "map.occurred_at is not an ISO 8601 time"),
        ({"at": 1e300}, "occurred_at is out of range"),
        ({"back": "perhaps"}, "map.rollback must be true or false"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(more: dict[str, Any], words: str) -> None:
    with pytest.raises(PayloadError, match=words):
        parse(more)


def test_what_base64_or_a_header_hid_can_be_stored() -> None:
    reader = reader_of(
        Connection(source="generic", map=Map(**{**OURS, "component": "decode(x)", "reason": "header('X-Why')"}))
    )
    (found,) = reader.parse(request({**BODY, "x": '"a\\ud800\\u0000b"'}, {"X-Why": "nul \0"}))
    assert isinstance(found, RolloutEvent)
    assert (found.names, found.reason) == (("a\ufffd\ufffdb",), "nul \ufffd")


@pytest.mark.parametrize("depth", [10, 70, 900])
@pytest.mark.parametrize("key", ["event", "component", "reason", "id", "occurred_at", "exposure"])
def test_what_base64_hid_is_not_too_deep(key: str, depth: int) -> None:
    reader = reader_of(Connection(source="generic", map=Map(**{**OURS, key: "decode(x)"})))
    with pytest.raises((PayloadError, UnknownEventError)):
        reader.parse(request({**BODY, "x": '{"a":' * depth + "1" + "}" * depth}))


def test_what_is_deeper_than_can_be_read_is_not_there() -> None:
    reader = reader_of(Connection(source="generic", map=Map(**{**OURS, "reason": "decode(x)"})))
    (found,) = reader.parse(request({**BODY, "x": '{"a":' * 100_000 + "1" + "}" * 100_000}))
    assert isinstance(found, RolloutEvent)
    assert found.reason == ""


def test_a_word_that_is_unknown_can_be_stored_too() -> None:
    reader = reader_of(Connection(source="generic", map=Map(**{**OURS, "event": "decode(x)"})))
    with pytest.raises(UnknownEventError, match="a\ufffd"):
        reader.parse(request({**BODY, "x": '"a\\u0000"'}))


def test_a_status_may_be_a_number_or_a_truth() -> None:
    reader = reader_of(
        Connection(
            source="generic", map=Map(**{**OURS, "event": {"from": "ok", "table": {"true": "rollout.completed"}}})
        )
    )
    assert [event.kind for event in reader.parse(request({**BODY, "ok": True}))] == ["true"]


def test_a_connection_may_take_a_shipped_map_and_change_a_part_of_it() -> None:
    connection = Connection(source="generic", map={"like": "harness", "environment": {"always": "production"}})
    path = next(path for path in fixtures("harness") if path.stem == "PipelineStart")
    (found,) = reader_of(connection).parse(inbound("harness", path))
    assert (found.names[0], found.environment) == ("shop/checkout", "production")
    taught = Connection(source="generic", map={"like": "harness", "reason": "header('X-Why')"})
    assert reader_of(taught).headers == {"x-why"}
    assert reader_of(Connection(source="generic", map="sentry")).headers == SOURCES["sentry"].headers


def test_a_map_may_say_how_the_tool_signs() -> None:
    reader = reader_of(Connection(source="generic", map=Map(**OURS, signature={"header": "X-Sum"})))
    with pytest.raises(SignatureError):
        reader.verify(request(BODY, {"X-Sum": "00", "Authorization": "Bearer s3cret"}), "s3cret")
    reader.verify(request(BODY, {"Authorization": "Bearer s3cret"}), "s3cret")


def test_kargos_failed_verification_belongs_to_its_promotion_and_is_evidence() -> None:
    path = next(path for path in fixtures("kargo") if path.stem == "FreightVerificationFailed")
    (found,) = SOURCES["kargo"].parse(inbound("kargo", path))
    assert isinstance(found, RolloutEvent)
    assert (found.attempt, found.evidence) == ("production.01j9.4f2d8c1", Evidence.FAILED_ANALYSIS)


def reference() -> Path:
    given = Path(os.environ.get("TRUSTHUB_REFERENCE", ""))
    return given / "events" if (given / "events").is_dir() else given


@pytest.mark.skipif("TRUSTHUB_REFERENCE" not in os.environ, reason="TRUSTHUB_REFERENCE names no folder of samples.")
@pytest.mark.parametrize(
    ("tool", "pattern", "header", "kinds"),
    [
        (
            "sentry",
            "sentry/metric_alert-resolved.json",
            {"Sentry-Hook-Resource": "metric_alert"},
            ["metric_alert.resolved"],
        ),
        ("sentry", "sentry/issue-resolved.json", {"Sentry-Hook-Resource": "issue"}, []),
        ("spinnaker", "spinnaker/*.json", {}, []),
        ("kargo", "kargo/*.json", {}, []),  # the sample lacks the type, which our template adds
        ("cloud-deploy", "gcp/clouddeploy-approval-push.json", {}, ["Approval.Required"]),
        ("cloud-deploy", "gcp/examples/*/pubsub/*.json", {}, []),
        ("octopus", "octopus/*.json", {}, []),
        ("harness", "harness/*.json", {}, []),
        ("datadog", "datadog/*.json", {}, []),
    ],
)
def test_the_vendors_samples(tool: str, pattern: str, header: dict[str, str], kinds: list[str]) -> None:
    found = sorted(reference().glob(pattern))
    assert found
    for path in found:
        assert [event.kind for event in understand(tool, request(path.read_bytes(), header))] == kinds


PHASES = {"started": "started", "step_completed": "progressing", "aborted": "failed"}


@pytest.mark.skipif("TRUSTHUB_REFERENCE" not in os.environ, reason="TRUSTHUB_REFERENCE names no folder of samples.")
@pytest.mark.parametrize("tool", ["kargo", "spinnaker"])
def test_the_mapping_agrees_with_the_reference(tool: str) -> None:
    listed = json.loads((reference() / "phase-mapping.derived.json").read_bytes())[tool]["map"]
    seen: dict[str, str] = {}
    for path in fixtures(tool):
        for event in understand(tool, inbound(tool, path)):
            assert isinstance(event, RolloutEvent)
            seen[event.kind] = str(event.phase)
    for word, phase in listed.items():
        kind = word.replace(":", ".").replace("+rollback", ".rollback").removesuffix("+CANCELED")
        assert seen[kind] == PHASES.get(phase, phase), word
