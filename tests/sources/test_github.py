"""GitHub: deployments, their statuses, and who may send them."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from tests.sources.replay import fixtures, folder, headers, inbound, request, sequence, sign_github
from trusthub.domain.events import Evidence, Link, RolloutEvent, Strategy
from trusthub.errors import PayloadError, SignatureError, UnknownEventError
from trusthub.sources.github import SILENT, GitHub

GITHUB = GitHub()
SECRET = "correct horse battery staple"
RUN = "https://github.com/acme/checkout/actions/runs/13511220340"


def event(name: str) -> RolloutEvent:
    (found,) = GITHUB.parse(inbound("github", folder("github") / f"{name}.json"))
    return found


def body(name: str) -> Any:
    return json.loads((folder("github") / f"{name}.json").read_bytes())


def parse(payload: Any, kind: str = "deployment") -> RolloutEvent:
    (found,) = GITHUB.parse(request(payload, {"X-GitHub-Event": kind}))
    return found


@pytest.mark.parametrize(
    ("name", "phase", "exposure"),
    [
        ("deployment", "started", None),
        ("deployment.branch", "started", None),
        ("deployment.component-of-a-monorepo", "started", None),
        ("deployment.payload-of-another-tool", "started", None),
        ("deployment.rollback", "started", None),
        ("deployment_status.waiting", "paused", None),
        ("deployment_status.queued", "started", None),
        ("deployment_status.pending", "started", None),
        ("deployment_status.in_progress", "progressing", None),
        ("deployment_status.in_progress.share-of-users", "progressing", 25.0),
        ("deployment_status.success", "completed", 100.0),
        ("deployment_status.success.share-of-users", "progressing", 25.0),
        ("deployment_status.failure", "failed", None),
        ("deployment_status.error", "failed", None),
        ("deployment_status.inactive", None, None),
    ],
)
def test_phase_and_exposure(name: str, phase: str | None, exposure: float | None) -> None:
    found = event(name)
    assert (found.phase, found.exposure) == (phase, exposure)


def test_the_table_above_is_complete() -> None:
    (marker,) = test_phase_and_exposure.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marker.args[1]} | SILENT == {path.stem for path in fixtures("github")}


def test_a_failed_job_is_no_sign_of_harm() -> None:
    assert {event(path.stem).evidence for path in fixtures("github") if path.stem not in SILENT} == {Evidence.NONE}


def test_the_facts_of_a_deployment() -> None:
    found = event("deployment_status.failure")
    assert found.names == ("acme/checkout", "checkout")
    assert found.attempt == "2290110340"
    assert found.environment == "production"
    assert found.strategy is Strategy.ROLLING
    assert found.to_version == "2.8.0"
    assert found.artifact == "e42c9a7d05b1836f4ad0c7e91b52f8a6dd3e7b19"
    assert found.occurred_at == datetime(2026, 3, 2, 14, 4, 31, tzinfo=UTC)
    assert found.actor == "acme-deploy[bot]"
    assert found.reason == 'The job "rollout" failed: helm upgrade timed out after 10m0s'
    assert found.links == (
        Link(label="Log", url=f"{RUN}/job/37811220990"),
        Link(label="Workflow run", url=RUN),
        Link(label="Environment", url="https://shop.acme.example/checkout"),
    )


def test_a_workflow_may_say_more() -> None:
    found = event("deployment.component-of-a-monorepo")
    assert found.names == ("checkout", "acme/checkout:deploy:checkout", "acme/checkout")
    assert found.to_version == "2.8.0"
    assert found.strategy is Strategy.CANARY
    assert event("deployment_status.in_progress.share-of-users").names == ("checkout", "acme/checkout")  # as a string


def test_the_payload_of_another_tool_is_left_alone() -> None:
    found = event("deployment.payload-of-another-tool")
    assert found.names == ("acme/checkout", "checkout")
    assert found.to_version == "2.8.0"
    assert found.strategy is Strategy.UNKNOWN
    for other in ("just text", "[1]", 7, ["a"], None):
        payload = body("deployment")
        payload["deployment"]["payload"] = other
        assert parse(payload).to_version == "2.8.0"


@pytest.mark.parametrize(
    ("ref", "version"),
    [
        ("v2.8.0", "2.8.0"),
        ("2.8.0", "2.8.0"),
        ("2.8.0-rc.1", "2.8.0-rc.1"),
        ("v2.8.0+build.7", "2.8.0+build.7"),
        ("2.8.0.1", "2.8.0.1"),
        ("refs/tags/v2.8.0", "2.8.0"),
        ("refs/tags/summer", "summer"),
        ("main", "e42c9a7"),
        ("2.8", "e42c9a7"),
        ("2.8.x", "e42c9a7"),
        ("release/2.8.0", "e42c9a7"),
        ("refs/heads/2.8.0", "e42c9a7"),
        ("v2.8.0 for BigCorp", "e42c9a7"),
        ("2.8.0x", "e42c9a7"),
        ("e42c9a7d05b1836f4ad0c7e91b52f8a6dd3e7b19", "e42c9a7"),
    ],
)
def test_a_branch_is_no_version(ref: str, version: str) -> None:
    payload = body("deployment")
    payload["deployment"]["ref"] = ref
    assert parse(payload).to_version == version


@pytest.mark.parametrize(("task", "rollback"), [("rollback", True), ("deploy:rollback", True), ("deploy", False)])
def test_a_rollback_by_name(task: str, rollback: bool) -> None:  # noqa: FBT001
    payload = body("deployment")
    payload["deployment"]["task"] = task
    assert parse(payload).rollback is rollback


def test_a_redelivery_has_the_same_key_and_without_an_id_the_same_body_has() -> None:
    payload = body("deployment")
    one, two = {"X-GitHub-Event": "deployment", "X-GitHub-Delivery": "a"}, {"X-GitHub-Event": "deployment"}
    assert GITHUB.parse(request(payload, one))[0].duplicate_key == "a"
    assert GITHUB.parse(request(payload, two))[0].duplicate_key == parse(payload).duplicate_key
    payload["deployment"]["id"] = 1
    assert GITHUB.parse(request(payload, two))[0].duplicate_key != parse(body("deployment")).duplicate_key


def test_a_state_of_next_year_is_kept() -> None:
    payload = body("deployment_status.success")
    payload["deployment_status"]["state"] = "resting"
    found = parse(payload, "deployment_status")
    assert (found.kind, found.phase) == ("deployment_status.resting", None)


def test_a_form_is_read_like_json() -> None:
    path = folder("github") / "deployment_status.failure.json"
    text = json.dumps(body("deployment_status.failure"), ensure_ascii=False).replace("helm", "hélm + ü%26")
    for encoded in (quote(text), quote_plus(text)):
        form = request(f"payload={encoded}".encode(), headers("github", path))
        (found,) = GITHUB.parse(form)
        assert found.reason == 'The job "rollout" failed: hélm + ü%26 upgrade timed out after 10m0s'


def test_a_broken_form_is_refused() -> None:
    for raw in (b"payload=", b"payload=%7B", b"payload=%FF"):
        with pytest.raises(PayloadError):
            GITHUB.parse(request(raw, {"X-GitHub-Event": "deployment"}))


def test_some_events_mean_nothing_and_others_are_unknown() -> None:
    for name in SILENT:
        assert GITHUB.parse(inbound("github", folder("github") / f"{name}.json")) == []
    with pytest.raises(UnknownEventError, match="team_add"):
        GITHUB.parse(request({"action": "published"}, {"X-GitHub-Event": "team_add"}))


def test_a_request_that_names_no_event_is_refused() -> None:
    with pytest.raises(PayloadError, match="X-GitHub-Event is missing"):
        GITHUB.parse(request(body("deployment")))


def test_what_is_missing_is_named() -> None:
    payload = body("deployment")
    del payload["deployment"]["id"]
    with pytest.raises(PayloadError, match=r"deployment\.id is missing"):
        parse(payload)
    with pytest.raises(PayloadError, match="deployment_status is missing"):
        parse(body("deployment"), "deployment_status")


def test_a_signature_is_over_the_raw_bytes() -> None:
    raw = b'{"zen": "A small test says more than a long promise."}\r\n'
    # openssl dgst -sha256 -hmac "correct horse battery staple"
    signature = "sha256=1d745cde751d9a5063741ce105ef4ddc5270b4ba7e7830dee0d82a1b498864a4"
    assert sign_github(raw, SECRET) == signature
    GITHUB.verify(request(raw, {"X-Hub-Signature-256": signature}), SECRET)
    for other in (raw.strip(), raw.replace(b": ", b":"), b""):
        with pytest.raises(SignatureError):
            GITHUB.verify(request(other, {"X-Hub-Signature-256": signature}), SECRET)


def test_a_wrong_signature_is_not_saved_by_a_token() -> None:
    raw = b"{}"
    good = sign_github(raw, SECRET)
    for wrong in (sign_github(raw, "other"), good[:-1], good.upper(), good.removeprefix("sha256="), "", "sha256=ñ"):
        token = {"X-Hub-Signature-256": wrong, "Authorization": f"Bearer {SECRET}"}
        with pytest.raises(SignatureError):
            GITHUB.verify(request(raw, token, token=SECRET), SECRET)


def test_an_empty_secret_opens_nothing() -> None:
    with pytest.raises(SignatureError):
        GITHUB.verify(request(b"{}", {"X-Hub-Signature-256": sign_github(b"{}", "")}), "")


def phases(name: str) -> list[tuple[str, str | None, str | None]]:
    events = [GITHUB.parse(request(raw, header))[0] for header, raw in sequence("github", name)]
    return [(event.attempt, event.to_version, event.phase) for event in events]


def test_a_healthy_deployment() -> None:
    said = ["started", "paused", "started", "progressing", "completed"]
    assert phases("healthy") == [("2290110340", "2.8.0", phase) for phase in said]


def test_a_failed_deployment() -> None:
    said = ["started", "started", "progressing", "failed"]
    assert phases("failed") == [("2290110340", "2.8.0", phase) for phase in said]


def test_a_rollback_is_a_new_deployment_of_an_older_version() -> None:
    first = [("2289900101", "2.7.4", phase) for phase in ("started", "progressing", "completed")]
    second = [("2290110340", "2.8.0", phase) for phase in ("started", "started", "progressing", "completed")]
    back = [("2290110399", "2.7.4", phase) for phase in ("started", "progressing", "completed")]
    assert phases("first") == first
    assert phases("rolled-back") == [*first, *second, *back]
