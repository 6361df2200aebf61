"""The vendors' own examples and schemas, which are theirs and not kept here.

Set TRUSTHUB_REFERENCE to a folder with `github/payload-examples` and `github/payload-schemas` of octokit/webhooks, and
`cdevents/v<version>/{conformance,schemas}` of cdevents/spec.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry
from referencing.jsonschema import DRAFT7, DRAFT202012

from tests.sources.replay import fixtures, folder, kind, request, understand
from trusthub.sources import SOURCES

if "TRUSTHUB_REFERENCE" not in os.environ:
    pytest.skip("TRUSTHUB_REFERENCE names no folder with the vendors' examples.", allow_module_level=True)

_GIVEN = Path(os.environ["TRUSTHUB_REFERENCE"])
REFERENCE = _GIVEN / "events" if (_GIVEN / "events").is_dir() else _GIVEN
CHECKED = jsonschema.FormatChecker()


@CHECKED.checks("uri")
def is_address(value: object) -> bool:
    return not isinstance(value, str) or "://" in value


@CHECKED.checks("date-time", raises=ValueError)
def is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def examples(pattern: str) -> list[Any]:
    found = sorted(REFERENCE.glob(pattern))
    return [pytest.param(path, id=str(path.relative_to(REFERENCE))) for path in found]


def load(path: Path) -> Any:
    return json.loads(path.read_bytes())


def test_there_are_examples() -> None:
    for pattern in ("github/payload-examples/*/*.json", "cdevents/v0.4*/conformance/*", "cdevents/v0.5*/conformance/*"):
        assert list(REFERENCE.glob(pattern)), f"{REFERENCE} has no {pattern}."


@pytest.mark.parametrize("path", examples("github/payload-examples/*/*.json"))
def test_githubs_examples(path: Path) -> None:
    events = understand("github", request(path.read_bytes(), {"X-GitHub-Event": path.parent.name}))
    assert bool(events) == (path.parent.name in {"deployment", "deployment_status"})
    for event in events:
        assert event.names[0] == load(path)["repository"]["full_name"]
        assert event.environment == load(path)["deployment"]["environment"]


def test_githubs_signature() -> None:
    vector = load(REFERENCE / "github" / "signature-test-vector.json")
    SOURCES["github"].verify(request(vector["raw_body"].encode(), vector["headers"]), vector["secret"])


def test_gitlabs_signature() -> None:
    vector = load(REFERENCE / "gitlab" / "standard-webhooks-test-vector.json")
    sent_at = datetime.fromtimestamp(int(vector["headers"]["webhook-timestamp"]), UTC)
    signed = request(vector["raw_body"].encode(), vector["headers"], at=sent_at)
    SOURCES["gitlab"].verify(signed, vector["signing_token"])


def test_fluxs_signature() -> None:
    vector = load(REFERENCE / "flux" / "hmac-test-vector.computed.json")
    header = {"X-Signature": vector["X-Signature"]}
    SOURCES["flux"].verify(request(vector["raw_body"].encode(), header), vector["token"])


@pytest.mark.parametrize("path", examples("cdevents/v*/conformance/*.json"))
def test_cdevents_examples(path: Path) -> None:
    payload = load(path)
    bare = understand("cdevents", request(payload))
    subject, predicate = path.stem.split("_")
    assert [event.kind for event in bare] == [f"{subject}.{predicate}"] * bool(
        f"{subject}.{predicate}" in SOURCES["cdevents"].event_types
    )
    context = payload["context"]
    envelope = {"specversion": "1.0", **{key: context[key] for key in ("id", "source", "type")}, "data": payload}
    assert understand("cdevents", request(envelope)) == bare
    header = {f"ce-{key}": context[key] for key in ("id", "source", "type")}
    assert understand("cdevents", request(payload, header)) == bare


@pytest.mark.parametrize(
    ("tool", "pattern"),
    [
        ("alertmanager", "alertmanager/webhook-*.json"),
        ("codedeploy", "aws-codedeploy/*.json"),
        ("flagsmith", "flagsmith/*.json"),
        ("flux", "flux/event-*.json"),
        ("launchdarkly", "launchdarkly/*.json"),
        ("unleash", "unleash/*.json"),
        ("gitlab", "gitlab/deployment-*.json"),
        ("gitlab", "gitlab/feature-flag.json"),
        ("gitlab", "gitlab/release-*.json"),
        ("grafana", "grafana/*.json"),
        ("pagerduty", "pagerduty/v3/*-event-*.json"),
        ("statuspage", "statuspage/*.json"),
    ],
)
def test_samples_of_other_vendors(tool: str, pattern: str) -> None:
    found = sorted(REFERENCE.glob(pattern))
    assert found
    for path in found:
        understand(tool, request(path.read_bytes()))


def draft7(path: Path) -> Any:
    """Return one of octokit's schemas. Their `$id`s are no addresses, and would change what a reference means."""
    return {key: value for key, value in load(path).items() if key not in {"$id", "$schema"}}


OURS = [
    pytest.param(path, id=str(path.relative_to(folder("github"))))
    for path in [*fixtures("github"), *sorted(folder("github").glob("sequences/*/*.json"))]
    if kind("github", path).partition(".")[0] in {"ping", "deployment", "deployment_status"}
]


@pytest.mark.parametrize("path", OURS)
def test_our_github_fixtures_satisfy_octokits_schemas(path: Path) -> None:
    name = kind("github", path).partition(".")[0]
    payload = load(path)
    if isinstance(payload.get("deployment", {}).get("payload"), str):
        payload["deployment"]["payload"] = {}  # GitHub's API documents a string too; octokit's schema lacks it
    if payload.get("deployment_status", {}).get("state") == "inactive":
        payload["deployment_status"]["state"] = "success"  # as does the enumeration of states
    root = REFERENCE / "github" / "payload-schemas"
    schema = draft7(root / name / ("event.schema.json" if name == "ping" else "created.schema.json"))
    common = [(f"common/{one.name}", DRAFT7.create_resource(draft7(one))) for one in (root / "common").glob("*.json")]
    registry: Registry[Any] = Registry().with_resources(common)
    jsonschema.Draft7Validator(schema, registry=registry, format_checker=CHECKED).validate(payload)


@pytest.mark.parametrize("version", ["v0.4", "v0.5"])
def test_our_cdevents_fixtures_satisfy_the_specifications_schemas(version: str) -> None:
    (root,) = REFERENCE.glob(f"cdevents/{version}*/schemas")
    schemas = [load(path) for path in root.rglob("*.json")]
    registry: Registry[Any] = Registry().with_resources(
        (schema["$id"], DRAFT202012.create_resource(schema)) for schema in schemas
    )
    checked = 0
    for path in [*fixtures("cdevents"), *folder("cdevents").glob("sequences/*/*.json")]:
        payload = load(path)
        payload = payload.get("data", payload)
        said = payload["context"].get("version") or payload["context"]["specversion"]
        if said.startswith(version.removeprefix("v")):
            schema = load(root / f"{kind('cdevents', path).replace('.', '')}.json")
            jsonschema.Draft202012Validator(schema, registry=registry, format_checker=CHECKED).validate(payload)
            checked += 1
    assert checked


def test_our_structured_fixtures_are_cloudevents() -> None:
    schema = load(REFERENCE / "cloudevents" / "cloudevents.schema.json")
    for path in folder("cdevents").rglob("*.structured.json"):
        jsonschema.Draft7Validator(schema, format_checker=CHECKED).validate(load(path))
