"""A topic of Amazon SNS is subscribed to the hub: what is asked for is fetched, and nothing else."""

import json
from typing import Any
from unittest.mock import Mock

import pytest
from werkzeug.test import TestResponse

from tests.e2e.house import TOKEN, House
from tests.sources import replay
from tests.sources.amazon import certificate, signed
from trusthub.services import fetch

ENVELOPE: dict[str, Any] = json.loads((replay.folder("codedeploy") / "SubscriptionConfirmation.json").read_bytes())


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Stand in for Amazon: a certificate at one address, and a yes at the other."""
    got = Mock(side_effect=lambda url: certificate() if url.endswith(".pem") else b"<ConfirmSubscriptionResponse/>")
    monkeypatch.setattr(fetch, "get", got)
    return got


def send(hub: House, envelope: dict[str, Any], token: str = TOKEN) -> TestResponse:
    return hub.web.post(f"/hooks/codedeploy/{token}", json=envelope, content_type="text/plain; charset=UTF-8")


def test_a_subscription_is_confirmed(hub: House, outside: Mock) -> None:
    answer = send(hub, signed({**ENVELOPE, "SigningCertURL": fresh("confirm")}))
    assert (answer.status_code, answer.json) == (200, {"ok": True, "event": 1, "state": "ignored"})
    assert [url for ((url,), _) in outside.call_args_list] == [fresh("confirm"), ENVELOPE["SubscribeURL"]]


@pytest.mark.parametrize(
    ("change", "token"), [({"Token": "other"}, TOKEN), ({}, "wrong")], ids=["not-signed-so", "without-the-token"]
)
def test_what_is_not_verified_is_not_confirmed(hub: House, outside: Mock, change: dict[str, str], token: str) -> None:
    answer = send(hub, {**signed({**ENVELOPE, "SigningCertURL": fresh("refused")}), **change}, token)
    assert answer.status_code == 401
    assert ENVELOPE["SubscribeURL"] not in [url for ((url,), _) in outside.call_args_list]


def test_a_deployment_is_not_confirmed(hub: House, outside: Mock) -> None:
    envelope = json.loads((replay.folder("codedeploy") / "CREATED.json").read_bytes())
    answer = send(hub, signed({**envelope, "SigningCertURL": fresh("deployment")}))
    assert (answer.status_code, answer.json) == (200, {"ok": True, "event": 1, "state": "done"})
    assert [url for ((url,), _) in outside.call_args_list] == [fresh("deployment")]


@pytest.mark.parametrize("ending", [".pem", ""], ids=["the-certificate", "the-confirmation"])
def test_what_cannot_be_fetched_is_asked_for_again(hub: House, outside: Mock, ending: str) -> None:
    got = outside.side_effect

    def failing(url: str) -> bytes:
        if url.endswith(".pem") == bool(ending):
            raise fetch.FetchError("cannot be fetched")
        return bytes(got(url))

    outside.side_effect = failing
    url = fresh(f"again{ending}")
    assert send(hub, signed({**ENVELOPE, "SigningCertURL": url})).status_code == 503
    outside.side_effect = got
    assert send(hub, signed({**ENVELOPE, "SigningCertURL": url})).status_code == 200


def fresh(name: str) -> str:
    """Return the address of a certificate that no other test has made the source keep."""
    return f"https://sns.eu-west-1.amazonaws.com/{name}.pem"
