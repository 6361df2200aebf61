"""CodeDeploy: deployments, from EventBridge and from triggers through SNS; and who may send them."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from tests.sources.amazon import certificate, signed
from tests.sources.replay import RECEIVED, fixtures, folder, inbound, request, sequence
from trusthub.domain.events import Evidence, Link, RolloutEvent, Strategy
from trusthub.errors import PayloadError, SignatureError, UnknownEventError
from trusthub.sources import sns
from trusthub.sources.base import Confirms, Inbound
from trusthub.sources.codedeploy import CodeDeploy

SECRET = "s3cret"
PAGE = "https://eu-west-1.console.aws.amazon.com/codesuite/codedeploy/deployments"
SILENT = {"instance", "instance.event", *sns.CONFIRMATIONS}


def body(name: str) -> Any:
    return json.loads((folder("codedeploy") / f"{name}.json").read_bytes())


def event(name: str) -> RolloutEvent:
    (found,) = CodeDeploy().parse(inbound("codedeploy", folder("codedeploy") / f"{name}.json"))
    return found


def parse(payload: Any, header: dict[str, str] | None = None) -> RolloutEvent:
    (found,) = CodeDeploy().parse(request(payload, header))
    return found


@pytest.mark.parametrize(
    ("name", "phase", "exposure", "rollback"),
    [
        ("START", "started", None, False),
        ("READY", "progressing", None, False),
        ("READY.trigger", "progressing", None, False),
        ("SUCCESS", "completed", 100.0, False),
        ("SUCCESS.through-sns", "completed", 100.0, False),
        ("FAILURE", "failed", None, False),
        ("STOP", "failed", None, False),
        ("CREATED", "started", None, False),
        ("CREATED.rollback", "started", None, True),
        ("IN_PROGRESS", "progressing", None, False),
        ("SUCCEEDED", "completed", 100.0, False),
        ("SUCCEEDED.rollback", "completed", 100.0, True),
        ("FAILED", "failed", None, False),
        ("FAILED.raw-delivery", "failed", None, False),
        ("ABORTED", "failed", None, False),
        ("STOPPED", "failed", None, False),
    ],
)
def test_phase(name: str, phase: str, exposure: float | None, rollback: bool) -> None:  # noqa: FBT001 -- a table
    found = event(name)
    assert (found.phase, found.exposure, found.rollback) == (phase, exposure, rollback)
    assert found.evidence is Evidence.NONE


def test_the_table_above_is_complete() -> None:
    (marker,) = test_phase.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marker.args[1]} | SILENT == {path.stem for path in fixtures("codedeploy")}


def test_the_facts_of_a_state_change() -> None:
    found = event("READY")
    assert found.names == ("checkout/production", "checkout")
    assert (found.attempt, found.namespace, found.environment) == ("d-CHECKOUT1", "production", None)
    assert found.strategy is Strategy.BLUE_GREEN
    assert event("SUCCESS").strategy is Strategy.UNKNOWN
    assert found.occurred_at == datetime(2026, 3, 2, 14, 6, tzinfo=UTC)
    assert found.to_version is None
    assert found.links == (Link(label="CodeDeploy", url=f"{PAGE}/d-CHECKOUT1?region=eu-west-1"),)


def test_the_facts_of_a_trigger() -> None:
    found = event("FAILED")
    assert found.names == ("checkout/production", "checkout")
    assert found.occurred_at == datetime(2026, 3, 2, 14, 9, 40, 412000, tzinfo=UTC)
    assert found.reason.startswith("HEALTH_CONSTRAINTS: The overall deployment failed because too many")
    assert event("FAILED.raw-delivery").reason == found.reason
    assert event("FAILED.raw-delivery").occurred_at == RECEIVED


def test_a_rollback_says_what_it_rolls_back() -> None:
    found = event("CREATED.rollback")
    assert found.attempt == "d-CHECKOUT2"
    assert found.reason == "Deployment d-CHECKOUT2 is triggered to roll back deployment d-CHECKOUT1."
    assert found.links == (
        Link(label="CodeDeploy", url=f"{PAGE}/d-CHECKOUT2?region=eu-west-1"),
        Link(label="What is rolled back", url=f"{PAGE}/d-CHECKOUT1?region=eu-west-1"),
    )


def test_a_deployment_that_names_itself_is_no_rollback() -> None:
    payload = body("FAILED.raw-delivery")
    payload["rollbackInformation"] = {"RollbackTriggeringDeploymentId": "d-CHECKOUT1"}
    assert not parse(payload).rollback


@pytest.mark.parametrize("broken", ["", "{", "[]", 7, ["a"], {"RollbackTriggeringDeploymentId": 1}])
def test_a_broken_part_of_a_trigger_is_left_alone(broken: Any) -> None:
    payload = body("FAILED.raw-delivery")
    payload["rollbackInformation"] = payload["errorInformation"] = broken
    found = parse(payload)
    assert (found.phase, found.rollback, found.reason) == ("failed", False, "")


@pytest.mark.parametrize(
    ("region", "deployment", "url"),
    [
        ("cn-north-1", "d-1", "https://cn-north-1.console.amazonaws.cn/codesuite/codedeploy/deployments/d-1?region=cn-north-1"),
        ("evil.example/", "d-1", None),
        ("eu-west-1", "../../signout", None),
        (None, "d-1", None),
    ],
)  # fmt: skip
def test_a_link_leads_to_amazon_or_nowhere(region: str | None, deployment: str, url: str | None) -> None:
    found = parse({**body("FAILED.raw-delivery"), "region": region, "deploymentId": deployment})
    assert [link.url for link in found.links] == ([url] if url else [])


@pytest.mark.parametrize("name", sorted(SILENT))
def test_a_machine_and_a_subscription_mean_nothing(name: str) -> None:
    assert CodeDeploy().parse(request(body(name))) == []


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"detail": {"state": "START"}, "source": "aws.ec2"}, "aws.ec2"),
        ({"detail": {}}, "detail"),
        ({**body("CREATED"), "Message": "Hello"}, "Notification"),
        ({**body("CREATED"), "Message": "[]"}, "Notification"),
        ({**body("CREATED"), "Message": '{"alarm": 1}'}, "Notification"),
        ({}, "without deploymentId"),
    ],
)
def test_what_is_not_from_codedeploy_is_unknown(payload: Any, kind: str) -> None:
    with pytest.raises(UnknownEventError, match=kind):
        CodeDeploy().parse(request(payload))


def test_a_state_of_next_year_is_kept() -> None:
    payload = body("START")
    payload["detail"]["state"] = "RESTING"
    assert (parse(payload).kind, parse(payload).phase) == ("RESTING", None)


def test_what_is_missing_is_named() -> None:
    payload = body("START")
    del payload["detail"]["application"]
    with pytest.raises(PayloadError, match=r"detail\.application is missing"):
        parse(payload)


def test_a_repeated_message_has_the_senders_id() -> None:
    assert event("START").duplicate_key == body("START")["id"]
    assert event("CREATED").duplicate_key == body("CREATED")["MessageId"]
    raw = body("FAILED.raw-delivery")
    assert parse(raw, {"x-amz-sns-message-id": "one"}).duplicate_key == "one"
    assert parse(raw).duplicate_key == parse({**raw, "completeTime": "later"}).duplicate_key
    assert parse(raw).duplicate_key != parse({**raw, "status": "Succeeded"}).duplicate_key


def story(name: str) -> list[tuple[str, str | None, bool]]:
    events = [CodeDeploy().parse(request(raw, header))[0] for header, raw in sequence("codedeploy", name)]
    return [(event.attempt, event.phase, event.rollback) for event in events]


def test_a_healthy_deployment() -> None:
    assert story("healthy") == [("d-CHECKOUT1", phase, False) for phase in ("started", "progressing", "completed")]


def test_a_rollback_is_a_new_deployment() -> None:
    first = [("d-CHECKOUT1", phase, False) for phase in ("started", "progressing", "failed")]
    back = [("d-CHECKOUT2", phase, True) for phase in ("started", "progressing", "completed")]
    assert story("rolled-back") == [*first, *back]


# ------------------------------------------------------------------------------------------------ who may send


def arriving(envelope: Any, *, token: str = SECRET, pem: bytes | None = None, at: datetime = RECEIVED) -> Inbound:
    found = certificate() if pem is None else pem
    return replace(request(envelope, token=token, at=at), fetch=lambda _: found)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("name", ["CREATED", "SUCCESS.through-sns", *sorted(sns.CONFIRMATIONS)])
def test_what_sns_signed_is_accepted(name: str, version: str) -> None:
    CodeDeploy().verify(arriving(signed(body(name), version)), SECRET)


def test_a_subject_that_is_null_is_not_signed() -> None:
    CodeDeploy().verify(arriving(signed({**body("CREATED"), "Subject": None})), SECRET)


@pytest.mark.parametrize("name", ["CREATED", "SubscriptionConfirmation"])
def test_every_bit_that_is_signed_counts(name: str) -> None:
    source, good = CodeDeploy(), signed(body(name), "2")
    source.verify(arriving(good), SECRET)
    for field in sns.SIGNED[good["Type"]]:
        for place, letter in enumerate(good[field]):
            for bit in range(7):
                other = good[field][:place] + chr(ord(letter) ^ 1 << bit) + good[field][place + 1 :]
                with pytest.raises(SignatureError):
                    source.verify(arriving({**good, field: other}), SECRET)
    signature = base64.b64decode(good["Signature"])
    for place in range(len(signature)):
        wrong = bytearray(signature)
        wrong[place] ^= 1
        with pytest.raises(SignatureError):
            source.verify(arriving({**good, "Signature": base64.b64encode(wrong).decode()}), SECRET)


@pytest.mark.parametrize(
    "change",
    [
        {"Signature": "not base64"},
        {"Signature": ""},
        {"Signature": None},
        {"Signature": 7},
        {"SignatureVersion": "2"},  # it was made with the hash of version 1
        {"SignatureVersion": "3"},
        {"SigningCertURL": None},
        {"Timestamp": None},
        {"Subject": None},
        {"MessageId": None},
        {"Type": "Rumour"},
        {"Type": None},
    ],
)
def test_what_sns_did_not_sign_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SignatureError):
        CodeDeploy().verify(arriving({**signed(body("CREATED")), **change}), SECRET)


def test_a_subject_that_was_added_is_refused() -> None:
    quiet = signed({name: value for name, value in body("CREATED").items() if name != "Subject"})
    CodeDeploy().verify(arriving(quiet), SECRET)
    with pytest.raises(SignatureError):
        CodeDeploy().verify(arriving({**quiet, "Subject": "FAILED"}), SECRET)


@pytest.mark.parametrize("token", ["", "other"])
def test_somebody_elses_topic_is_signed_too_and_has_no_token(token: str) -> None:
    with pytest.raises(SignatureError, match="token of this connection"):
        CodeDeploy().verify(arriving(signed(body("CREATED")), token=token), SECRET)


@pytest.mark.parametrize("field", ["Type", "Message", "Signature"])
def test_an_envelope_cannot_pass_for_a_bare_event(field: str) -> None:
    forged = {**body("START"), "TopicArn": "arn:aws:sns:eu-west-1:210987654321:other", field: "x"}
    with pytest.raises(SignatureError):
        CodeDeploy().verify(arriving(forged), SECRET)


SENT = datetime(2026, 3, 2, 14, 0, 5, 412000, tzinfo=UTC)  # as it stands in CREATED


@pytest.mark.parametrize("late", [timedelta(minutes=-65), timedelta(0), timedelta(minutes=65)])
def test_sns_repeats_for_an_hour(late: timedelta) -> None:
    CodeDeploy().verify(arriving(signed(body("CREATED")), at=SENT + late), SECRET)


@pytest.mark.parametrize("late", [timedelta(minutes=-65, seconds=-1), timedelta(minutes=65, seconds=1)])
def test_what_is_older_is_somebodys_copy(late: timedelta) -> None:
    with pytest.raises(SignatureError, match="too far from now"):
        CodeDeploy().verify(arriving(signed(body("CREATED")), at=SENT + late), SECRET)


ELSEWHERE = [
    "http://sns.eu-west-1.amazonaws.com/a.pem",
    "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
    "https://sns.s3.amazonaws.com/a.pem",
    "https://sns.s3-eu-west-1.amazonaws.com/a.pem",
    "https://sns.eu-west-1.amazonaws.com:444/a.pem",
    "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem",
    "https://evil.example/https://sns.eu-west-1.amazonaws.com/a.pem",
    "https://sns.eu-west-1.amazonaws.com/a.pem?redirect=evil.example",
    "https://sns.eu-west-1.amazonaws.com/a.pem\n",
    "https://sns.eu-west-1.amazonaws.com/../a.pem",
    "https://sns.eu-west-1.amazonaws.com/a.txt",
    "https://snsXeu-west-1.amazonaws.com/a.pem",
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_a_certificate_from_elsewhere_is_not_even_fetched(url: str) -> None:
    fetch = Mock(return_value=certificate())
    envelope = {**signed(body("CREATED")), "SigningCertURL": url}
    with pytest.raises(SignatureError, match="no address of Amazon SNS"):
        CodeDeploy().verify(replace(arriving(envelope), fetch=fetch), SECRET)
    fetch.assert_not_called()


@pytest.mark.parametrize("host", ["sns.us-gov-west-1.amazonaws.com", "sns.cn-north-1.amazonaws.com.cn"])
def test_certificates_of_all_regions_are_fetched(host: str) -> None:
    envelope = {**signed(body("CREATED")), "SigningCertURL": f"https://{host}/SimpleNotificationService-0a.pem"}
    CodeDeploy().verify(arriving(envelope), SECRET)


@pytest.mark.parametrize(
    "pem",
    [
        b"<html>",
        b"",
        certificate(elliptic=True),
        certificate(begins=RECEIVED + timedelta(seconds=1)),
        certificate(begins=RECEIVED - timedelta(days=30, seconds=1)),
    ],
    ids=["a-page", "nothing", "another-kind-of-key", "not-yet", "no-longer"],
)
def test_a_certificate_that_does_not_hold_is_refused(pem: bytes) -> None:
    with pytest.raises(SignatureError):
        CodeDeploy().verify(arriving(signed(body("CREATED")), pem=pem), SECRET)


def test_a_certificate_is_fetched_once_and_not_everything_is_kept() -> None:
    source, fetch = CodeDeploy(), Mock(return_value=certificate())
    for number in (0, 0, *range(1, 9), 8, 0):
        url = f"https://sns.eu-west-1.amazonaws.com/{number}.pem"
        envelope = {**signed(body("CREATED")), "SigningCertURL": url}
        source.verify(replace(arriving(envelope), fetch=fetch), SECRET)
    asked = [url.rpartition("/")[2] for ((url,), _) in fetch.call_args_list]
    assert asked == [f"{number}.pem" for number in (*range(9), 0)]


def test_what_fetching_raises_is_not_taken_for_a_wrong_signature() -> None:
    incoming = replace(arriving(signed(body("CREATED"))), fetch=Mock(side_effect=TimeoutError))
    with pytest.raises(TimeoutError):
        CodeDeploy().verify(incoming, SECRET)


def test_a_body_that_cannot_be_read_passes_with_the_token_and_is_refused_in_words() -> None:
    broken = request(b"{", token=SECRET)
    CodeDeploy().verify(broken, SECRET)
    with pytest.raises(PayloadError, match="is not JSON"):
        CodeDeploy().parse(broken)


def test_eventbridge_and_raw_delivery_need_the_token_alone() -> None:
    for name in ("START", "FAILED.raw-delivery"):
        CodeDeploy().verify(request(body(name), token=SECRET), SECRET)
        with pytest.raises(SignatureError):
            CodeDeploy().verify(request(body(name), token="other"), SECRET)


def test_a_subscription_is_confirmed_at_amazons_address_only() -> None:
    envelope = body("SubscriptionConfirmation")
    assert CodeDeploy().confirmation(request(envelope)) == envelope["SubscribeURL"]
    for url in (*ELSEWHERE, "https://sns.eu-west-1.amazonaws.com/?Action=Publish&Message=x", "", None, 7):
        assert CodeDeploy().confirmation(request({**envelope, "SubscribeURL": url})) is None


@pytest.mark.parametrize("name", ["CREATED", "START", "UnsubscribeConfirmation"])
def test_nothing_else_is_confirmed(name: str) -> None:
    payload = {**body(name), "SubscribeURL": body("SubscriptionConfirmation")["SubscribeURL"]}
    assert CodeDeploy().confirmation(request(payload)) is None
    assert isinstance(CodeDeploy(), Confirms)
