"""Every payload we know of, posted to a real hub: none ends in an exception, and none is refused."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.e2e.house import TOKEN, House, house
from tests.sources.replay import fixtures, folder, headers
from trusthub.sources import SOURCES
from trusthub.store.tables import Event

UNDERSTOOD = {"done", "ignored", "unknown", "repeated"}
OURS = [pytest.param(tool, path, id=f"{tool}/{path.stem}") for tool in SOURCES for path in fixtures(tool)]
SAMPLES = {
    "cloud-deploy": ["gcp/clouddeploy-approval-push.json", "gcp/examples/*/pubsub/*.json"],
    "cloudevents": ["gcp/examples/structured/pubsub/*.json"],
    "datadog": ["datadog/*.json"],
    "harness": ["harness/*.json"],
    "kargo": ["kargo/*.json"],
    "octopus": ["octopus/*.json"],
    "sentry": ["sentry/*.json"],
    "spinnaker": ["spinnaker/*.json"],
    "alertmanager": ["alertmanager/webhook-*.json"],
    "codedeploy": ["aws-codedeploy/*.json"],
    "flagger": ["flagger/webhook-payload.example.json"],
    "flagsmith": ["flagsmith/*.json"],
    "flux": ["flux/event-*.json"],
    "gitlab": ["gitlab/deployment-*.json", "gitlab/feature-flag.json", "gitlab/release-*.json"],
    "grafana": ["grafana/*.json"],
    "launchdarkly": ["launchdarkly/*.json"],
    "pagerduty": ["pagerduty/v3/*-event-*.json"],
    "statuspage": ["statuspage/*.json"],
    "unleash": ["unleash/*.json"],
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    where = tmp_path_factory.mktemp("conformance")
    with house(f"sqlite:///{where}/hub.db", where) as made:
        yield made


def post(hub: House, tool: str, body: bytes, header: dict[str, str]) -> str:
    """Post a body and return what became of it."""
    answer = hub.web.post(f"/hooks/{tool}/{TOKEN}", data=body, headers=header)
    assert answer.status_code == 200, answer.text
    assert isinstance(answer.json, dict)
    return str(answer.json["state"])


@pytest.mark.parametrize(("tool", "path"), OURS)
def test_our_own_fixtures(hub: House, tool: str, path: Path) -> None:
    body = path.read_bytes()
    if b"SigningCertURL" in body:
        pytest.skip("Needs Amazon's signature, see test_sns.py.")
    assert post(hub, tool, body, headers(tool, path)) in UNDERSTOOD - {"unknown"}


def test_what_is_unknown_is_kept(hub: House) -> None:
    assert post(hub, "pagerduty", b'{"event": {"id": "1", "event_type": "incident.dreamt_of"}}', {}) == "unknown"
    with hub.parts.hub.database.reading() as session:
        newest = session.execute(select(Event).order_by(Event.id.desc()).limit(1)).scalar_one()  # type: ignore[attr-defined]
    assert (newest.state, newest.summary) == ("unknown", "incident.dreamt_of")


def reference() -> Path | None:
    given = Path(os.environ.get("TRUSTHUB_REFERENCE", ""))
    if "TRUSTHUB_REFERENCE" not in os.environ:
        return None
    return given / "events" if (given / "events").is_dir() else given


def theirs(*patterns: str) -> list[Any]:
    root = reference()
    found = [path for pattern in patterns for path in sorted(root.glob(pattern))] if root else []
    assert found or root is None, patterns
    return [pytest.param(path, id=str(path.relative_to(root or "/"))) for path in found]


@pytest.mark.parametrize("path", theirs("cdevents/v*/conformance/*.json"))
@pytest.mark.parametrize("shape", ["bare", "binary", "structured"])
def test_cdevents_conformance_files(hub: House, path: Path, shape: str) -> None:
    payload = json.loads(path.read_bytes())
    context = payload["context"]
    envelope = {key: context[key] for key in ("id", "source", "type")}
    if shape == "structured":
        body, header = {"specversion": "1.0", **envelope, "data": payload}, {}
    else:
        body, header = payload, {f"ce-{key}": value for key, value in envelope.items()} if shape == "binary" else {}
    assert post(hub, "cdevents", json.dumps(body).encode(), header) in UNDERSTOOD


@pytest.mark.parametrize("path", theirs("github/payload-examples/*/*.json"))
def test_octokits_examples(hub: House, path: Path) -> None:
    header = {"X-GitHub-Event": path.parent.name, "X-GitHub-Delivery": f"{path.parent.name}/{path.stem}"}
    state = post(hub, "github", path.read_bytes(), header)
    known = path.parent.name in {"deployment", "deployment_status"}
    assert state in ({"done", "repeated"} if known else {"ignored", "unknown"})


@pytest.mark.parametrize(("tool", "patterns"), SAMPLES.items())
def test_samples_of_the_others(hub: House, tool: str, patterns: list[str]) -> None:
    if reference() is None:
        pytest.skip("TRUSTHUB_REFERENCE names no folder with the vendors' samples.")
    for parameter in theirs(*patterns):
        (path,) = parameter.values
        if tool == "flagger" and json.loads(path.read_bytes()).get("phase") not in {"Succeeded", "Failed"}:
            continue  # a gate's call, which must be refused here
        assert post(hub, tool, path.read_bytes(), {}) in UNDERSTOOD, path


def test_a_connection_without_fixtures_is_no_source() -> None:
    assert [tool for tool in SOURCES if not list(folder(tool).glob("*.json"))] == []
