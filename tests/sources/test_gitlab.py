"""GitLab: deployments with their approvals, feature flags, and three ways to show who sends."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.sources.replay import RECEIVED, fixtures, folder, inbound, request
from trusthub.domain.events import Evidence, Link, RolloutEvent, Strategy
from trusthub.errors import SignatureError, UnknownEventError
from trusthub.sources.gitlab import GitLab

GITLAB = GitLab()
SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def event(name: str) -> RolloutEvent:
    (found,) = GITLAB.parse(inbound("gitlab", folder("gitlab") / f"{name}.json"))
    return found


def body(name: str) -> Any:
    return json.loads((folder("gitlab") / f"{name}.json").read_bytes())


@pytest.mark.parametrize(
    ("name", "phase", "exposure"),
    [
        ("deployment.created", "started", None),
        ("deployment.blocked", "paused", None),
        ("deployment.approved", "progressing", None),
        ("deployment.rejected", "failed", None),
        ("deployment.running", "started", None),
        ("deployment.success", "completed", 100.0),
        ("deployment.success.tag", "completed", 100.0),
        ("deployment.failed", "failed", None),
        ("deployment.canceled", "failed", None),
        ("feature_flag", "completed", 100.0),
        ("feature_flag.off", "rolled_back", 0.0),
    ],
)
def test_phase_and_exposure(name: str, phase: str, exposure: float | None) -> None:
    found = event(name)
    assert (found.phase, found.exposure, found.evidence) == (phase, exposure, Evidence.NONE)


def test_the_table_above_is_complete() -> None:
    (marker,) = test_phase_and_exposure.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marker.args[1]} | {"release"} == {path.stem for path in fixtures("gitlab")}


def test_the_facts_of_a_deployment() -> None:
    found = event("deployment.running")
    assert (found.names, found.attempt) == (("acme/checkout", "checkout"), "30/15")
    assert found.occurred_at == datetime(2026, 3, 2, 14, 1, 30, tzinfo=UTC)
    assert (found.to_version, found.artifact) == ("4be0a77", "4be0a77c19d2e8f3a6b5c4d3e2f1a0b9c8d7e6f5")
    assert found.actor == "nora"
    assert found.links[0] == Link(label="Job", url="https://gitlab.acme.example/acme/checkout/-/jobs/796")
    assert event("deployment.success.tag").to_version == "2.8.0"


def test_all_three_forms_of_time_are_read() -> None:
    assert event("deployment.failed").occurred_at == datetime(2026, 3, 2, 14, 4, tzinfo=UTC)
    assert event("deployment.approved").occurred_at == datetime(2026, 3, 2, 14, 1, tzinfo=UTC)


def test_who_approved_and_why_not() -> None:
    assert event("deployment.approved").actor == "omar"
    assert event("deployment.approved").reason == ""
    assert event("deployment.rejected").reason == "Not before the weekend is over."


def test_a_feature_flag_is_named_three_ways() -> None:
    found = event("feature_flag.off")
    assert found.names == ("acme/checkout/one-page-checkout", "one-page-checkout", "acme/checkout", "checkout")
    assert (found.strategy, found.environment, found.to_version) == (Strategy.FLAG, None, None)
    assert found.attempt == event("feature_flag").attempt


def test_without_its_headers_the_body_tells_a_delivery_apart() -> None:
    first = GITLAB.parse(request(body("feature_flag")))[0].duplicate_key
    assert GITLAB.parse(request(body("feature_flag")))[0].duplicate_key == first
    assert GITLAB.parse(request(body("feature_flag.off")))[0].duplicate_key != first
    assert GITLAB.parse(request(body("feature_flag"), at=RECEIVED + timedelta(hours=1)))[0].duplicate_key != first


@pytest.mark.parametrize("change", [{"object_kind": "pipeline"}, {"status": "dreaming"}])
def test_other_events_are_unknown(change: dict[str, str]) -> None:
    with pytest.raises(UnknownEventError):
        GITLAB.parse(request({**body("deployment.running"), **change}))


# ------------------------------------------------------------------------------------------------ who sends


def signed(data: bytes = b"{}", at: datetime = RECEIVED, secret: str = SIGNING) -> dict[str, str]:
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", at, data.decode()),
    }


def test_a_signature_by_standard_webhooks_is_accepted_for_five_minutes() -> None:
    GITLAB.verify(request(b"{}", signed()), SIGNING)
    GITLAB.verify(request(b"{}", signed(), at=RECEIVED + timedelta(minutes=5)), SIGNING)
    for at in (RECEIVED + timedelta(minutes=5, seconds=1), RECEIVED - timedelta(minutes=5, seconds=1)):
        with pytest.raises(SignatureError, match="too far from now"):
            GITLAB.verify(request(b"{}", signed(), at=at), SIGNING)


def test_one_of_several_signatures_is_enough() -> None:
    both = {**signed(), "webhook-signature": f"v1,{'A' * 43}= {signed()['webhook-signature']}"}
    GITLAB.verify(request(b"{}", both), SIGNING)


@pytest.mark.parametrize(
    "header",
    [
        {**signed(), "webhook-id": "msg_2"},
        {**signed(), "webhook-timestamp": "soon"},
        {**signed(), "webhook-timestamp": "9" * 30},
        {**signed(b"{ }")},
        {**signed(), "webhook-signature": "", "Authorization": f"Bearer {SIGNING}"},
    ],
    ids=["other-id", "no-time", "no-such-time", "other-body", "empty"],
)
def test_other_signatures_are_refused(header: dict[str, str]) -> None:
    with pytest.raises(SignatureError):
        GITLAB.verify(request(b"{}", header), SIGNING)


def test_a_secret_or_body_that_cannot_be_signed_is_refused_in_words() -> None:
    with pytest.raises(SignatureError, match="whsec_"):
        GITLAB.verify(request(b"{}", signed()), "whsec_A")
    with pytest.raises(SignatureError):
        GITLAB.verify(request(b"\xff", signed()), SIGNING)


def test_the_plain_token_counts_when_it_is_sent() -> None:
    GITLAB.verify(request(b"{}", {"X-Gitlab-Token": "s3cret"}), "s3cret")
    for wrong in ("s3cre", "", "S3cret"):
        with pytest.raises(SignatureError):
            GITLAB.verify(request(b"{}", {"X-Gitlab-Token": wrong, "Authorization": "Bearer s3cret"}), "s3cret")
