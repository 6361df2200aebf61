"""apprise's own services against servers on loopback, and what of an address may never be seen."""

import logging
import sys
from typing import Any

import pytest

from tests.channels.conftest import Compose
from tests.channels.test_secrets import everything
from tests.providers import Call, HttpProvider, answer, broken, drop, hang
from tests.providers.http import Answer
from trusthub.channels.apprise import Apprise
from trusthub.domain.destination import Destination
from trusthub.errors import DeliveryError, PlaybookError

TOKEN = "s3cretT0ken"
PROMISE = "Next update by 14:36 UTC, even if nothing has changed."


class Service(HttpProvider):
    """Takes JSON as the services of apprise send it."""

    def take(self, call: Call) -> tuple[Answer, bool]:
        return Answer(status=200, body={"ok": True}), True

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [call.body for call in self.accepted]


def channel(url: str) -> Apprise:
    place = Destination(apprise=url, name="acme")
    return Apprise({place.lane: place}, timeout=0.6)


@pytest.fixture
def service() -> Any:
    with Service() as running:
        yield running


def at(service: Service, form: str) -> str:
    return form.format(host=service.address.removeprefix("http://"), token=TOKEN)


JSON, MATTERMOST, GOTIFY = "json://{host}/{token}", "mmost://{host}/{token}", "gotify://{host}/{token}"


def test_a_service_that_takes_any_form_gets_markdown(service: Service, to_webhook: Compose) -> None:
    receipt = channel(at(service, JSON)).send(to_webhook())
    (body,) = service.bodies
    assert (body["title"], body["message"]) == (to_webhook().subject, to_webhook().markdown)
    assert (receipt.ref, receipt.note) == (None, "")


@pytest.mark.parametrize(("form", "said"), [("html", "html"), ("markdown", "markdown"), ("text", "text")])
def test_the_words_come_in_the_form_that_the_address_asks_for(
    service: Service, to_webhook: Compose, form: str, said: str
) -> None:
    channel(at(service, JSON) + f"?format={form}").send(to_webhook())
    assert service.bodies[0]["message"] == getattr(to_webhook(), said)


def test_a_service_that_knows_markdown_gets_markdown(service: Service, to_webhook: Compose) -> None:
    channel(at(service, GOTIFY) + "?format=markdown").send(to_webhook())
    assert "**14:36 UTC**" in service.bodies[0]["message"]


@pytest.mark.parametrize("overflow", ["", "?overflow=truncate", "?overflow=upstream"])
def test_a_long_message_is_split_whatever_the_address_says_and_the_promise_comes_first(
    service: Service, to_webhook: Compose, overflow: str
) -> None:
    long = f"{'One word and another. ' * 300}\n\n{PROMISE}\n\n{'More words. ' * 300}THE END"
    receipt = channel(at(service, MATTERMOST) + overflow).send(
        to_webhook(text=long, markdown=long, promise="14:36 UTC")
    )
    texts = [body["text"] for body in service.bodies]
    assert len(texts) == 3
    assert PROMISE in texts[0]
    assert texts[-1].endswith("THE END")
    assert receipt.note == "Sent in 3 parts."


@pytest.mark.parametrize("fault", [broken(), drop(), hang(), broken(401)], ids=str)
def test_a_failure_is_unclear_and_tells_nothing(
    service: Service, to_webhook: Compose, fault: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    service.fail(fault)
    with pytest.raises(DeliveryError) as caught:
        channel(at(service, JSON)).send(to_webhook())
    assert (caught.value.permanent, caught.value.ambiguous) == (False, True)
    assert TOKEN not in everything(caught.value) + caplog.text
    assert "We are sorry" not in everything(caught.value) + caplog.text


def test_success_tells_nothing_either(service: Service, to_webhook: Compose, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    channel(at(service, JSON)).send(to_webhook())
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(Destination(apprise=at(service, JSON)))


def test_a_redirect_is_not_followed(service: Service, to_webhook: Compose) -> None:
    service.fail(answer(307, None, Location="/elsewhere"))
    with pytest.raises(DeliveryError):
        channel(at(service, JSON)).send(to_webhook())
    assert len(service.calls) == 1


def test_an_address_that_apprise_cannot_read_is_told_at_start_and_not_shown() -> None:
    with pytest.raises(PlaybookError, match="apprise:acme: apprise cannot read the address") as caught:
        channel(f"nosuchservice://{TOKEN}")
    assert TOKEN not in everything(caught.value)


def test_without_the_library_the_cure_is_told_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert Apprise({}) is not None
    with pytest.raises(PlaybookError, match=r"pip install 'trusthub\[apprise\]'"):
        channel("json://localhost")


def test_a_destination_that_was_taken_out_of_the_site_is_dead(service: Service, to_webhook: Compose) -> None:
    with pytest.raises(DeliveryError) as caught:
        channel(at(service, JSON)).send(to_webhook(to="other"))
    assert caught.value.permanent
