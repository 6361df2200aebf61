"""A rollback reaches everybody who subscribed to its component, by either way of sending, as one conversation."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import goldens
from tests.e2e.house import House, house
from tests.e2e.test_publicity import canary, rolled_back
from tests.providers import Smtp, sendgrid
from tests.services.test_mailing import fates, join, many
from trusthub.domain.recipient import Fate


@pytest.fixture
def either(database_url: str, tmp_path: Path) -> Iterator[House]:
    with house(database_url, tmp_path) as made:
        yield made


def test_subscribers_read_an_incident_from_the_first_word_to_the_last(either: House) -> None:
    join(either, "ana@customer.example", components=frozenset({"checkout"}))
    join(either, "ben@customer.example", components=frozenset({"search"}))
    canary(either)
    rolled_back(either)
    either.event("rollback.finished")
    either.heard()
    while either.wait():
        pass
    requests = [body for body in either.sendgrid.messages if many(body)]
    mails = [mail for body in requests for mail in sendgrid.read(body)]
    assert {mail["to"] for mail in mails} == {"ana@customer.example"}
    goldens.check("stories/subscriber.txt", either.read(mails))
    assert len({mail["References"] for mail in mails}) == 1
    assert [mail.get("In-Reply-To") for mail in mails] == [None, *[mails[0]["References"]] * (len(mails) - 1)]
    assert len({mail["Message-ID"] for mail in mails}) == len(mails)


def test_what_everybody_reads_is_the_same_but_for_their_own_links(either: House) -> None:
    tokens = join(either, "ana@customer.example", "ben@customer.example")
    canary(either)
    rolled_back(either)
    ana, ben = (mail for body in either.sendgrid.messages if many(body) for mail in sendgrid.read(body))
    for mail, token in zip((ana, ben), tokens, strict=True):
        link = f"http://hub.example/subscriptions/{token}"
        assert mail["List-Unsubscribe"] == f"<{link}>"
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert link in mail["text/plain"]
        assert link in mail["text/html"]
    assert ana["text/plain"].replace(tokens[0], "") == ben["text/plain"].replace(tokens[1], "")
    assert "trusthub-personal" not in ana["text/html"] + ana["text/plain"]


def test_one_press_of_the_mail_readers_button_stops_the_mail(either: House) -> None:
    token, _ = join(either, "ana@customer.example", "ben@customer.example")
    path = f"/subscriptions/{token}"
    assert "Stop mail" in either.web.get(path).text
    canary(either)
    rolled_back(either)
    assert set(fates(either)) == {"ana@customer.example", "ben@customer.example"}  # looking stops nothing
    for _ in range(2):
        assert either.web.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    told = len(either.sendgrid.messages)
    either.event("rollback.finished")
    later = [mail["to"] for body in either.sendgrid.messages[told:] for mail in sendgrid.read(body)]
    assert "ben@customer.example" in later
    assert "ana@customer.example" not in later


def test_a_link_tells_nobody_whether_somebody_subscribed(either: House) -> None:
    hub = either.parts.hub
    (known,) = join(either, "ana@customer.example")
    assert "ana" not in either.web.get(f"/subscriptions/{known}").text
    unknown, forged = hub.tokens.make("subscriber", "s00000000000"), known[:-1] + ("0" if known[-1] != "0" else "1")
    for method in (either.web.post, either.web.get):  # who stopped mail looks like who never had any
        assert method(f"/subscriptions/{known}").text == method(f"/subscriptions/{unknown}").text
        assert method(f"/subscriptions/{forged}").status_code == 404
    assert "ana" not in either.web.get(f"/subscriptions/{known}").text


def test_by_smtp_they_read_the_same(tmp_path: Path) -> None:
    with Smtp() as smtp, house(f"sqlite:///{tmp_path}/hub.db", tmp_path, sendgrid_api_key="", smtp_url=smtp.url) as hub:
        join(hub, "ana@customer.example", "ben@customer.example")
        canary(hub)
        rolled_back(hub)
        customers = [mail for mail in smtp.wait_for(5) if str(mail["To"]).endswith("@customer.example")]
        assert sorted(str(mail["To"]) for mail in customers) == ["ana@customer.example", "ben@customer.example"]
        assert len({mail["References"] for mail in customers}) == 1
        assert set(fates(hub).values()) == {Fate.ACCEPTED}


def test_without_a_provider_it_is_kept_and_said_to_be(tmp_path: Path) -> None:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, sendgrid_api_key="") as hub:
        join(hub, "ana@customer.example")
        canary(hub)
        rolled_back(hub)
        assert fates(hub) == {"ana@customer.example": Fate.KEPT}
