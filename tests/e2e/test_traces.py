"""One trace from a tool's request to the provider's answer, across the outbox, which says who and what to nobody."""

import gzip
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.e2e.house import TOKEN, House, house
from tests.processes import CHECKOUT
from tests.providers import HttpProvider, broken
from tests.providers.http import Answer
from trusthub.errors import PlaybookError

TOOLS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
"""What a tool that is traced itself sends (https://www.w3.org/TR/trace-context/#examples-of-http-traceparent-headers)."""
PLANNED = {"event": "rollout.planned", "component": "checkout", "environment": "production", "to_version": "2.8.0"}


class Collector(HttpProvider):
    """Takes OTLP over HTTP, and keeps each span with its facts."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[dict[str, Any]] = []

    def _serve(self, path: str, headers: Mapping[str, str], raw: bytes) -> Answer | None:
        assert path == "/v1/traces"
        body = gzip.decompress(raw) if headers.get("content-encoding") == "gzip" else raw
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for span in (each for scope in resource.scope_spans for each in scope.spans):
                facts = {fact.key: fact.value.string_value or fact.value.int_value for fact in span.attributes}
                ids = {"trace": span.trace_id.hex(), "id": span.span_id.hex(), "above": span.parent_span_id.hex()}
                self.spans.append({"name": span.name, "words": str(span), **ids, **facts})
        return Answer(status=200)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made


@pytest.fixture
def hub(collector: Collector, database_url: str, tmp_path: Path) -> Iterator[House]:
    with house(database_url, tmp_path, otel_url=f"{collector.address}/v1/traces") as made:
        yield made


def spans(hub: House, collector: Collector, name: str) -> list[dict[str, Any]]:
    hub.parts.hub.traces.flush()
    return [span for span in collector.spans if span["name"] == name]


def test_a_trace_goes_from_the_tool_to_the_provider(hub: House, collector: Collector) -> None:
    hub.slack.fail(broken())
    hub.hook("generic", PLANNED, {"traceparent": TOOLS})
    hub.tick(minutes=5)
    (hook,), (decide,) = (spans(hub, collector, name) for name in ("hook", "decide"))
    delivers, providers = (spans(hub, collector, name) for name in ("deliver", "provider"))
    everything = [hook, decide, *delivers, *providers]
    assert {span["trace"] for span in everything} == {TOOLS.split("-")[1]}
    assert (hook["above"], decide["above"]) == (TOOLS.split("-")[2], hook["id"])
    assert {span["above"] for span in delivers} == {decide["id"]}
    assert {span["above"] for span in providers} == {span["id"] for span in delivers}
    tries = [(d["trusthub.attempt"], d["trusthub.outcome"]) for d in delivers if d["trusthub.channel"] == "slack"]
    assert sorted(tries) == [(1, "failed"), (2, "sent")]
    said = " ".join(span["words"] for span in everything)
    for secret in (TOKEN, "xoxb-test", "SG.test", "releases", "@acme.example", "2.8.0"):
        assert secret not in said


def test_incident_and_delivery_are_named(hub: House, collector: Collector) -> None:
    hub.event("rollout.progressed", exposure=5)
    hub.event("rollback.started", evidence="failed_analysis")
    told = [span for span in spans(hub, collector, "deliver") if "trusthub.incident_id" in span]
    assert told
    assert all(span["trusthub.delivery_id"] for span in told)
    assert len({span["trace"] for span in told}) == 1


def test_off_costs_no_import() -> None:
    code = "import sys, trusthub.app; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "trusthub.services.otel", None)
    with (
        pytest.raises(PlaybookError, match=r"trusthub\[otel\]"),
        house(f"sqlite:///{tmp_path}/hub.db", tmp_path, otel_url="http://127.0.0.1:4318"),
    ):
        pass
