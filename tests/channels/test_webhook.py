"""Webhooks, signed and sent to a receiver on loopback that verifies them as the contract says."""

import base64
import json
from pathlib import Path

import pytest

from tests import goldens
from tests.channels.conftest import Compose
from tests.providers import Fault, Webhook, accept_then_drop, accept_then_hang, answer, drop, rate_limited
from tests.providers.webhook import SECRET
from trusthub.channels import webhook
from trusthub.channels.http import Door
from trusthub.domain.destination import Destination
from trusthub.errors import DeliveryError

OTHER = "whsec_" + base64.b64encode(b"another-secret-of-the-webhook-32").decode()


def channel(provider: Webhook, *secrets: str, door: Door = Door(private=True, timeout=0.4)) -> webhook.Webhook:  # noqa: B008 -- frozen
    place = Destination.model_validate({"webhook": provider.url, "secret": list(secrets or (SECRET,)), "name": "acme"})
    return webhook.Webhook({place.lane: place}, door)


def refusal_of(provider: Webhook, to_webhook: Compose, **changes: object) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        channel(provider).send(to_webhook(**changes))
    return caught.value


def test_a_message_is_the_contract_and_is_verified(webhook_provider: Webhook, to_webhook: Compose) -> None:
    receipt = channel(webhook_provider).send(to_webhook())
    (call,) = webhook_provider.accepted
    assert (receipt.ref, receipt.status) == (call.headers["webhook-id"], 204)
    assert call.headers["idempotency-key"] == call.headers["webhook-id"]
    assert call.headers["content-type"] == "application/json"
    goldens.check_json("channels/webhook.json", call.body)


def test_the_example_of_the_readme_is_what_is_sent(webhook_provider: Webhook, to_webhook: Compose) -> None:
    channel(webhook_provider).send(to_webhook())
    text = (Path(webhook.__file__).parent / "README.md").read_text(encoding="utf-8")
    example = json.loads(text.split("```json\n")[1].split("```")[0])
    assert example == webhook_provider.calls[0].body


def test_a_repeat_has_the_same_id_and_the_receiver_has_it_once(webhook_provider: Webhook, to_webhook: Compose) -> None:
    webhook_provider.fail(accept_then_drop())
    assert refusal_of(webhook_provider, to_webhook).ambiguous
    channel(webhook_provider).send(to_webhook())
    first, second = webhook_provider.accepted
    assert first.raw == second.raw
    assert len(webhook_provider.messages) == 1


def test_while_a_secret_is_changed_the_old_and_the_new_one_both_verify(to_webhook: Compose) -> None:
    for known in (SECRET, OTHER):
        with Webhook(known) as provider:
            assert channel(provider, OTHER, SECRET).send(to_webhook()).status == 204


def test_without_a_secret_nothing_is_signed(to_webhook: Compose) -> None:
    with Webhook(None) as provider:
        place = Destination(webhook=provider.url, name="acme")
        webhook.Webhook({place.lane: place}, Door(private=True)).send(to_webhook())
        assert "webhook-signature" not in provider.calls[0].headers


@pytest.mark.parametrize("status", sorted(webhook.CURES))
def test_what_no_retry_can_help_names_its_cure(webhook_provider: Webhook, to_webhook: Compose, status: int) -> None:
    webhook_provider.fail(answer(status, "no"))
    error = refusal_of(webhook_provider, to_webhook)
    assert (error.permanent, error.status, error.ambiguous) == (True, status, False)
    assert webhook.CURES[status] in str(error)


@pytest.mark.parametrize(
    ("fault", "status", "wait", "ambiguous"),
    [
        (rate_limited(7), 429, 7, False),
        (answer(503, None, Retry_After="9"), 503, 9, False),
        (answer(500), 500, None, True),
        (answer(409), 409, None, False),
        (answer(302, None, Location="https://elsewhere.example/"), 302, None, False),
        (answer(307), 307, None, False),
        (drop(), None, None, True),
        (accept_then_hang(), None, None, True),
    ],
    ids=str,
)
def test_the_rest_is_tried_again(
    webhook_provider: Webhook,
    to_webhook: Compose,
    fault: Fault,
    status: int | None,
    wait: int | None,
    *,
    ambiguous: bool,
) -> None:
    webhook_provider.fail(fault)
    error = refusal_of(webhook_provider, to_webhook)
    found = (error.permanent, error.status, error.retry_after, error.ambiguous)
    assert found == (False, status, wait, ambiguous)


def test_a_receiver_that_is_gone_has_certainly_not_got_it(to_webhook: Compose) -> None:
    with Webhook() as provider:
        pass
    assert not refusal_of(provider, to_webhook).ambiguous


def test_a_private_address_is_not_asked(webhook_provider: Webhook, to_webhook: Compose) -> None:
    with pytest.raises(DeliveryError, match="was not asked") as caught:
        channel(webhook_provider, door=Door()).send(to_webhook())
    assert caught.value.permanent
    assert webhook_provider.calls == []


def test_a_webhook_that_was_taken_out_of_the_site_is_dead(webhook_provider: Webhook, to_webhook: Compose) -> None:
    assert refusal_of(webhook_provider, to_webhook, to="other").permanent
