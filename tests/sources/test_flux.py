"""Flux: reasons, revisions in all their forms, and Flagger's sentences that come through it."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from tests.sources.replay import fixtures, folder, inbound, request
from trusthub.domain.events import Evidence, RolloutEvent
from trusthub.errors import SignatureError, UnknownEventError
from trusthub.sources.flux import REASONS, Flux

FLUX = Flux()
SECRET = "s3cret"


def event(name: str) -> RolloutEvent:
    (found,) = FLUX.parse(inbound("flux", folder("flux") / f"{name}.json"))
    return found


def body(name: str) -> Any:
    return json.loads((folder("flux") / f"{name}.json").read_bytes())


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_phase(reason: str) -> None:
    assert event(reason).phase == REASONS[reason]
    assert event(reason).evidence is Evidence.NONE


def test_the_facts_of_an_upgrade() -> None:
    found = event("UpgradeFailed")
    assert found.names == ("payments/checkout", "checkout")
    assert found.attempt == "HelmRelease/payments/checkout/2.8.0"
    assert (found.to_version, found.environment, found.exposure) == ("2.8.0", "production", None)
    assert found.reason.endswith("context deadline exceeded")
    assert event("UpgradeSucceeded").reason == ""
    assert event("UpgradeSucceeded").exposure == 100.0


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("UpgradeSucceeded", "2.8.0"),
        ("UpgradeSucceeded.app-version", "2.8.0"),
        ("ReconciliationSucceeded", "4be0a77"),
        ("ReconciliationSucceeded.tag", "2.8.0"),
        ("ReconciliationSucceeded.old-form", "4be0a77"),
        ("canary", None),
    ],
)
def test_versions(name: str, version: str | None) -> None:
    assert event(name).to_version == version


def test_a_rollback_is_an_attempt_of_its_own_that_brings_the_earlier_version_back() -> None:
    found = event("RollbackSucceeded")
    assert (found.rollback, found.to_version) == (True, "2.7.4")
    assert found.attempt not in {event("UpgradeFailed").attempt, event("UpgradeSucceeded").attempt}


def test_flaggers_sentences_are_read() -> None:
    assert (event("canary").phase, event("canary").exposure) == ("progressing", 5.0)
    failed = event("canary.checks-failed")
    assert (failed.phase, failed.evidence) == ("rolling_back", Evidence.FAILED_ANALYSIS)


def test_metadata_that_is_missing_or_strange_is_survived() -> None:
    payload = body("UpgradeSucceeded")
    values: list[Any] = [None, [], {"revision": 5}]
    for metadata in values:
        payload["metadata"] = metadata
        assert FLUX.parse(request(payload))[0].to_version is None


def test_other_reasons_are_unknown() -> None:
    with pytest.raises(UnknownEventError, match="Moonrise"):
        FLUX.parse(request({**body("UpgradeSucceeded"), "reason": "Moonrise"}))


def test_the_signature_counts_when_there_is_one() -> None:
    signature = "sha256=" + hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest()
    FLUX.verify(request(b"{}", {"X-Signature": signature}), SECRET)
    with pytest.raises(SignatureError):
        FLUX.verify(request(b"{} ", {"X-Signature": signature, "Authorization": f"Bearer {SECRET}"}), SECRET)


def test_every_fixture_is_of_a_known_reason() -> None:
    assert {path.stem.partition(".")[0] for path in fixtures("flux")} == {*REASONS, "canary"}
