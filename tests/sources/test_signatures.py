"""Who may speak: the genuine request is accepted, and every change of one bit is refused."""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from sendgrid.helpers.eventwebhook import EventWebhook
from slack_sdk.signature import Clock, SignatureVerifier
from standardwebhooks import Webhook

from tests.sources import amazon
from tests.sources.replay import RECEIVED, request
from trusthub.errors import SignatureError
from trusthub.sources import SOURCES
from trusthub.sources.base import Inbound
from trusthub.sources.mapped import MAPS, Mapped

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ....").decode()
BODY = '{"event": "Checkout 2.8.0 ä"}'.encode()
STAMP = str(int(RECEIVED.timestamp()))


class Signed(NamedTuple):
    """How a tool signs: a function from body and secret to headers, and the header that holds the time."""

    headers: Callable[[bytes, str], dict[str, str]]
    time: str | None = None


def digest(data: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()


def plain(header: str, prefix: str = "") -> Signed:
    return Signed(lambda body, secret: {header: prefix + digest(body, secret)})


def _grafana(body: bytes, secret: str) -> dict[str, str]:
    signature = digest(f"{STAMP}:".encode() + body, secret)
    return {"x-grafana-alerting-timestamp": STAMP, "x-grafana-alerting-signature": signature}


def _gitlab(body: bytes, secret: str) -> dict[str, str]:
    signature = Webhook(secret).sign("msg_1", RECEIVED, body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": STAMP, "webhook-signature": signature}


SIGNING = {
    "github": plain("x-hub-signature-256", "sha256="),
    "gitlab": Signed(_gitlab, "webhook-timestamp"),
    "flux": plain("x-signature", "sha256="),
    "launchdarkly": plain("x-ld-signature"),
    "flagsmith": plain("x-flagsmith-signature"),
    "growthbook": plain("x-growthbook-signature"),
    "grafana": Signed(_grafana, "x-grafana-alerting-timestamp"),
    "sentry": plain("sentry-hook-signature"),
    "pagerduty": plain("x-pagerduty-signature", "v1="),
}
"""Amazon's signature is inside the body; it has tests of its own below."""


def flipped(data: bytes) -> Iterator[bytes]:
    """Yield `data` with each of its bits changed, one at a time."""
    for index in range(len(data)):
        for bit in range(8):
            yield data[:index] + bytes([data[index] ^ 1 << bit]) + data[index + 1 :]


def accepts(tool: str, inbound: Inbound, secret: str = SECRET) -> bool:
    try:
        SOURCES[tool].verify(inbound, secret)
    except SignatureError:
        return False
    return True


def test_every_source_that_signs_is_in_the_table() -> None:
    """A source that is not in the table takes a token and nothing else, so a body cannot change what it says."""
    token_only = set(SOURCES) - set(SIGNING) - {"codedeploy"}
    noise = {f"x-{word}-signature": "00" for word in ("hub", "ld", "unleash", "argo")}
    for tool in token_only:
        assert accepts(tool, request(BODY, {**noise, "Authorization": f"Bearer {SECRET}"}))
        if isinstance(SOURCES[tool], Mapped):
            assert MAPS[tool].signature is None
            continue
        source = Path(str(__import__(SOURCES[tool].__module__, fromlist=["x"]).__file__)).read_text(encoding="utf-8")
        assert "hmac" not in source, tool


@pytest.mark.parametrize("tool", SIGNING)
def test_the_genuine_request_is_accepted(tool: str) -> None:
    assert accepts(tool, request(BODY, SIGNING[tool].headers(BODY, SECRET)))


@pytest.mark.parametrize("tool", SIGNING)
def test_every_bit_of_the_body_counts(tool: str) -> None:
    header = SIGNING[tool].headers(BODY, SECRET)
    assert [changed for changed in flipped(BODY) if accepts(tool, request(changed, header))] == []
    assert not accepts(tool, request(BODY + b"\n", header))
    assert not accepts(tool, request(BODY[:-1], header))


@pytest.mark.parametrize("tool", SIGNING)
def test_every_bit_of_what_is_signed_in_headers_counts(tool: str) -> None:
    header = SIGNING[tool].headers(BODY, SECRET)
    for name, value in header.items():
        for changed in flipped(value.encode()):
            other = changed.decode("latin-1")
            if other.strip() != value:
                assert not accepts(tool, request(BODY, {**header, name: other})), (name, other)


@pytest.mark.parametrize("tool", SIGNING)
def test_another_secret_or_none_is_refused(tool: str) -> None:
    other = "whsec_" + base64.b64encode(b"another one, also of thirty-two ..").decode()
    assert not accepts(tool, request(BODY, SIGNING[tool].headers(BODY, other)))
    assert not accepts(tool, request(BODY, SIGNING[tool].headers(BODY, SECRET)), secret="")
    assert not accepts(tool, request(BODY))


@pytest.mark.parametrize("tool", SIGNING)
def test_a_token_does_not_make_a_wrong_signature_right(tool: str) -> None:
    wrong = SIGNING[tool].headers(BODY + b" ", SECRET)
    assert not accepts(tool, request(BODY, {**wrong, "Authorization": f"Bearer {SECRET}"}, token=SECRET))


# ------------------------------------------------------------------------------------------------ Amazon


CERTIFICATE = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem"
NOTE = {
    "Type": "Notification",
    "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
    "TopicArn": "arn:aws:sns:eu-central-1:123456789012:deployments",
    "Message": '{"deploymentId": "d-1"}',
    "Timestamp": RECEIVED.isoformat().replace("+00:00", "Z"),
    "SigningCertURL": CERTIFICATE,
}


def from_amazon(envelope: dict[str, str], *, token: str = "t0ken") -> Inbound:
    sent = request(envelope, token=token)
    return replace(sent, fetch=lambda _: amazon.certificate())


@pytest.mark.parametrize("version", ["1", "2"])
def test_amazons_signature_is_over_every_field(version: str) -> None:
    genuine = amazon.signed(NOTE, version)
    assert accepts("codedeploy", from_amazon(genuine), "t0ken")
    assert not accepts("codedeploy", from_amazon(genuine, token="t0kem"), "t0ken")
    for name in ("Message", "MessageId", "TopicArn", "Timestamp", "Signature"):
        for changed in flipped(genuine[name].encode()):
            other = changed.decode("latin-1")
            assert not accepts("codedeploy", from_amazon({**genuine, name: other}), "t0ken"), (name, other)


# ------------------------------------------------------------------------------------------------ vendors' own vectors

VECTORS = pytest.mark.skipif(
    "TRUSTHUB_REFERENCE" not in os.environ, reason="TRUSTHUB_REFERENCE names no folder with the vendors' vectors."
)


def vector(name: str) -> dict[str, object]:
    given = Path(os.environ["TRUSTHUB_REFERENCE"])
    folder = given / "events" if (given / "events").is_dir() else given
    found: dict[str, object] = json.loads((folder / name).read_text(encoding="utf-8"))
    return found


@VECTORS
@pytest.mark.parametrize(
    ("tool", "file", "secret"),
    [
        ("github", "github/signature-test-vector.json", "secret"),
        ("gitlab", "gitlab/standard-webhooks-test-vector.json", "signing_token"),
        ("flux", "flux/hmac-test-vector.computed.json", "token"),
    ],
)
def test_official_vectors(tool: str, file: str, secret: str) -> None:
    found = vector(file)
    header = dict(found.get("headers") or {"X-Signature": found["X-Signature"]})  # type: ignore[call-overload]
    body, key = str(found["raw_body"]).encode(), str(found[secret])
    at = datetime.fromtimestamp(int(header.get("webhook-timestamp", STAMP)), UTC)
    assert accepts(tool, request(body, header, at=at), key)
    assert [changed for changed in flipped(body) if accepts(tool, request(changed, header, at=at), key)] == []
    for name, value in header.items():
        if "signature" in name.lower():
            for changed in flipped(str(value).encode()):
                assert not accepts(tool, request(body, {**header, name: changed.decode("latin-1")}, at=at), key)


@VECTORS
def test_slacks_vector() -> None:
    found = vector("slack/signature-test-vector.json")
    header = {key.lower(): str(value) for key, value in dict(found["headers"]).items()}  # type: ignore[call-overload]
    body, stamp = str(found["raw_body"]), header["x-slack-request-timestamp"]

    def fits(body: str, stamp: str, signature: str) -> bool:
        clock = Clock()
        clock.now = lambda: float(header["x-slack-request-timestamp"])  # type: ignore[method-assign]
        verifier = SignatureVerifier(str(found["signing_secret"]), clock)
        return signature.isascii() and verifier.is_valid(body, stamp, signature)  # as our own check does first

    signature = header["x-slack-signature"]
    assert fits(body, stamp, signature)
    for changed in flipped(body.encode()):
        assert not fits(changed.decode("latin-1"), stamp, signature)
    for changed in flipped(signature.encode()):
        assert not fits(body, stamp, changed.decode("latin-1"))
    assert not fits(body, str(int(stamp) + 1), signature)


@VECTORS
def test_sendgrids_vector() -> None:
    found = vector("sendgrid/event-webhook/signature-test-vector.json")
    header = {key.lower(): str(value) for key, value in dict(found["headers"]).items()}  # type: ignore[call-overload]
    signature = header["x-twilio-email-event-webhook-signature"]
    stamp = header["x-twilio-email-event-webhook-timestamp"]
    key = EventWebhook(str(found["public_key_base64_der"]))
    body = str(found["raw_body"])
    assert key.verify_signature(body, signature, stamp, key.public_key)
    for changed in list(flipped(body.encode()))[:400]:
        assert not key.verify_signature(changed.decode("latin-1"), signature, stamp, key.public_key)
    assert not key.verify_signature(body, signature, str(int(stamp) + 1), key.public_key)
    assert not key.verify_signature(body.rstrip(), signature, stamp, key.public_key)
