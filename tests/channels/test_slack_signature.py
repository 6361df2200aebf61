"""Whether a request is Slack's: the SDK's own vector, and how old it may be."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from trusthub.channels import slack_signature

REFERENCE = os.environ.get("TRUSTHUB_REFERENCE")


def vector() -> tuple[str, bytes, Mapping[str, str], int]:
    """Return secret, body, headers and time of the vector that slack-sdk tests its verifier with."""
    (file,) = Path(REFERENCE or "").rglob("slack/signature-test-vector.json")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    headers = found["headers"]
    return found["signing_secret"], found["raw_body"].encode(), headers, int(headers["X-Slack-Request-Timestamp"])


@pytest.mark.skipif(not REFERENCE, reason="TRUSTHUB_REFERENCE names the folder of the vector")
def test_the_vector_of_slacks_own_verifier(monkeypatch: pytest.MonkeyPatch) -> None:
    secret, body, headers, at = vector()
    for later, genuine in ((0, True), (300, True), (301, False), (-301, False)):
        monkeypatch.setattr("slack_sdk.signature.Clock.now", lambda _, now=at + later: now)
        assert slack_signature.genuine(secret, body, headers) is genuine, later
    monkeypatch.setattr("slack_sdk.signature.Clock.now", lambda _: at)
    assert not slack_signature.genuine(secret, body + b"\n", headers)
    assert not slack_signature.genuine(secret, body.replace(b"%2F", b"/"), headers)
    assert not slack_signature.genuine(f"{secret}0", body, headers)
    assert not slack_signature.genuine("", body, headers)
    assert slack_signature.genuine(secret, body, {name.lower(): value for name, value in headers.items()})
