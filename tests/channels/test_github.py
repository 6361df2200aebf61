"""Answering GitHub, against a server that checks the App's signature."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.providers import Fault, GitHub, answer, broken, drop, hang
from tests.providers.certificate import authority
from tests.providers.github import APP, FIXED, INSTALLATION, PEM
from trusthub.channels.base import Outbound
from trusthub.channels.github import GitHub as Channel
from trusthub.channels.github import is_callback
from trusthub.domain.site import Gate
from trusthub.errors import DeliveryError, PlaybookError

API = "https://api.github.com"
CALLBACK = f"{API}/repos/acme/checkout/actions/runs/7/deployment_protection_rule"


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority(tmp_path)))
    with GitHub() as server:
        yield server


def gate(api: str, **more: Any) -> Gate:
    said = {"kind": "github-protection", "secret": "s", "api": api, **(more or {"app": APP, "private_key": PEM})}
    return Gate.model_validate(said)


def channel(github: GitHub, *, clock: float = 0, **more: Any) -> Channel:
    return Channel({"deploys": gate(github.url, **more)}, timeout=0.5, clock=lambda: clock or time.time())


def outbound(github: GitHub, **more: Any) -> Outbound:
    said = {"gate": "deploys", "state": "approved", "environment": "production", "installation": str(INSTALLATION)}
    to = more.pop("to", github.callback)
    return Outbound(key="1", to=to, subject="Told.", text="Told.", html="", slack="Told.", arguments={**said, **more})


@pytest.mark.parametrize("key", [PEM, PEM.replace("\n", "\\n")], ids=["lines", "one-line"])
def test_an_app_answers_with_a_token_of_its_installation(github: GitHub, key: str) -> None:
    receipt = channel(github, app=int(APP), private_key=key).send(outbound(github))
    assert receipt.status == 204
    assert github.reviews == [{"environment_name": "production", "state": "approved", "comment": "Told."}]
    assert len(github.calls) == 2


def test_a_fixed_token_answers_in_one_call(github: GitHub) -> None:
    channel(github, token=FIXED).send(outbound(github, state="rejected"))
    assert [review["state"] for review in github.reviews] == ["rejected"]
    assert len(github.calls) == 1


@pytest.mark.parametrize(
    ("fault", "permanent", "retry_after", "ambiguous"),
    [
        (broken(502), False, None, False),
        (answer(401, {"message": "Bad credentials"}), True, None, False),
        (
            answer(403, {"message": "Not accessible"}, X_RateLimit_Remaining="7", X_RateLimit_Reset="9"),
            True,
            None,
            False,
        ),
        (answer(403, {"message": "secondary rate limit"}, Retry_After="60"), False, 60, False),
        (answer(403, {}, X_RateLimit_Remaining="0", X_RateLimit_Reset="1"), False, 0, False),
        (answer(429, {}, Retry_After="3"), False, 3, False),
        (answer(404, "<html>"), True, None, False),
        (answer(302, Location="https://evil.example/"), False, None, False),
        (drop(), False, None, True),
        (hang(), False, None, True),
    ],
    ids=lambda value: str(value)[:60],
)
@pytest.mark.parametrize("more", [{}, {"token": FIXED}], ids=["app", "token"])
def test_what_goes_wrong_is_tried_again_or_told(
    github: GitHub, more: dict[str, Any], fault: Fault, retry_after: float | None, *, permanent: bool, ambiguous: bool
) -> None:
    github.fail(fault)
    with pytest.raises(DeliveryError) as caught:
        channel(github, **more).send(outbound(github))
    error = caught.value
    assert (error.permanent, error.retry_after, error.ambiguous) == (permanent, retry_after, ambiguous)
    assert github.reviews == []
    assert len(github.calls) == 1
    assert FIXED not in str(error)


def test_a_wrong_clock_is_told_in_githubs_words(github: GitHub) -> None:
    with pytest.raises(DeliveryError, match=r"Check `app` and `private_key`.*too far in the future") as caught:
        channel(github, clock=time.time() + 7200).send(outbound(github))
    assert caught.value.permanent


def test_a_token_that_is_none(github: GitHub) -> None:
    github.fail(answer(201, {"expires_at": "2026-03-02T15:00:00Z"}))
    with pytest.raises(DeliveryError, match="gave no token"):
        channel(github).send(outbound(github))


@pytest.mark.parametrize(
    "more",
    [{"gate": "gone"}, {"to": CALLBACK}, {"installation": ""}],
    ids=["no-gate", "another-api", "no-installation"],
)
def test_what_cannot_be_answered_is_given_up_at_once(github: GitHub, more: dict[str, str]) -> None:
    with pytest.raises(DeliveryError) as caught:
        channel(github).send(outbound(github, **more))
    assert caught.value.permanent
    assert github.calls == []


def test_a_server_that_nobody_vouches_for_gets_no_token(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(DeliveryError, match="cannot be reached"):
        channel(github, token=FIXED).send(outbound(github))
    assert github.calls == []


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        (CALLBACK, True),
        (CALLBACK.replace("acme/checkout", "acme/.github"), True),
        (CALLBACK.replace("https", "http"), False),
        (CALLBACK.replace("api.github.com", "api.github.com.evil.example"), False),
        (CALLBACK.replace("api.github.com", "api.github.com@evil.example"), False),
        (CALLBACK.replace("acme/checkout", "acme/.."), False),
        (CALLBACK.replace("/7/", "/7/../8/"), False),
        (CALLBACK + "?x=1", False),
        (CALLBACK + "\n", False),
        (f"{API}/repos/acme/checkout/deployments/7/statuses", False),
    ],
)
def test_a_token_goes_to_one_call_only(url: str, *, fits: bool) -> None:
    assert is_callback(API, url) is fits


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (None, "is not set"),
        ("secret", "is no private key"),
        (
            ec.generate_private_key(ec.SECP256R1())
            .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            .decode(),
            "is no RSA key",
        ),
    ],
    ids=["unset", "no-key", "no-rsa"],
)
def test_a_key_that_cannot_sign_is_told_at_start(key: str | None, words: str) -> None:
    with pytest.raises(PlaybookError, match=words):
        Channel({"deploys": gate(API, app=APP, private_key=key)})
