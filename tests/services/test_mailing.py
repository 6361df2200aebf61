"""Who hears an update by mail, and what becomes of each mail."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

from tests.e2e.house import House, house
from tests.e2e.test_publicity import canary, rolled_back
from tests.providers import accept_then_fail, answer, broken
from trusthub.channels.base import Outbound, Receipt
from trusthub.channels.reconcile import CannotTell, Doubt, Found, Later
from trusthub.domain.recipient import Fate, MailNews
from trusthub.services import recipients, subscribe
from trusthub.services.cases import the_page
from trusthub.services.mailing import Mailing
from trusthub.services.subscribe import Wish
from trusthub.store.tables import Delivery, Recipient


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[House]:
    with house(database_url, tmp_path) as made:
        yield made


def join(house: House, *addresses: str, confirmed: bool = True, **wish: Any) -> list[str]:
    """Let these subscribe, in this order; return the token of each."""
    hub, tokens = house.parts.hub, []
    for address in addresses:
        with hub.database.transaction() as session:
            added = subscribe.add(session, the_page(session).id, Wish(address=address, **wish), house.clock())
        tokens.append(subscribe.token(hub, added.public_id, added.link_version))
        if confirmed:
            confirm = subscribe.token(hub, added.public_id, added.link_version, kind=subscribe.CONFIRM)
            assert subscribe.confirm(hub, confirm, house.clock())
    return tokens


def fates(house: House) -> dict[str, str]:
    """What became of the mail to each subscriber; the newest, when there were several."""
    found = sa.select(col(Recipient.address), col(Recipient.state)).order_by(col(Recipient.id))
    with house.parts.hub.database.reading() as session:
        rows = session.execute(found.where(col(Recipient.subscriber_id).is_not(None))).all()
    return {str(address): str(state) for address, state in rows}


def batches(house: House) -> list[Delivery]:
    mine = sa.select(Delivery).where(col(Delivery.key).startswith("update:")).order_by(col(Delivery.id))
    with house.parts.hub.database.reading() as session:
        return list(session.execute(mine).scalars())


def many(body: dict[str, Any]) -> bool:
    """Whether a request is for subscribers."""
    return "substitutions" in body["personalizations"][0]


@pytest.fixture
def one_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put everybody into one batch."""
    monkeypatch.setattr(recipients, "SHARDS", 1)


def mailed(house: House) -> list[list[str]]:
    """The addresses of each request to SendGrid that was for subscribers."""
    requests = [body["personalizations"] for body in house.sendgrid.messages if many(body)]
    return [[each["to"][0]["email"] for each in request] for request in requests]


def test_an_update_goes_to_who_confirmed_and_asked_about_what_it_touches(hub: House) -> None:
    join(hub, "all@a.example", "All2@a.example")
    join(hub, "checkout@a.example", components=frozenset({"checkout", "search"}))
    join(hub, "search@a.example", components=frozenset({"search"}))
    join(hub, "silent@a.example", confirmed=False)
    (token,) = join(hub, "stopped@a.example")
    subscribe.stop(hub.parts.hub, token, hub.clock())
    canary(hub)
    rolled_back(hub)
    told = {address for request in mailed(hub) for address in request}
    assert told == {"all@a.example", "all2@a.example", "checkout@a.example"}
    assert fates(hub) == dict.fromkeys(sorted(told), Fate.ACCEPTED)


def test_who_is_in_a_batch_is_decided_with_the_update(hub: House) -> None:
    join(hub, "ana@a.example", "ben@a.example")
    canary(hub)
    hub.sendgrid.only(many, *[broken(503)] * 2)
    rolled_back(hub)
    join(hub, "late@a.example")
    hub.tick(minutes=1)
    assert sorted(address for request in mailed(hub) for address in request) == ["ana@a.example", "ben@a.example"]


def test_an_update_that_is_decided_twice_makes_no_second_batch(hub: House) -> None:
    join(hub, "ana@a.example")
    canary(hub)
    rolled_back(hub)
    (batch,) = batches(hub)
    join(hub, "ben@a.example")
    update = int(batch.key.split("/")[0].partition(":")[2])
    with hub.parts.hub.database.transaction() as session:
        news = recipients.News(id=update, incident_id=batch.incident_id or 0, page_id=1)
        assert recipients.slots(session, news) == []


def test_a_batch_holds_no_more_than_a_request_takes(hub: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipients, "SIZE", 2)
    everybody = [f"customer{number}@a.example" for number in range(40)]
    join(hub, *everybody)
    join(hub, "berlin@a.example", zone="Europe/Berlin")
    canary(hub)
    rolled_back(hub)
    requests = mailed(hub)
    assert max(map(len, requests)) == 2
    assert sorted(address for request in requests for address in request) == sorted([*everybody, "berlin@a.example"])
    assert ["berlin@a.example"] in requests  # other times than the others read, so a batch of their own
    lanes = [batch.lane for batch in batches(hub)]
    assert set(lanes) == {f"email:subscribers/{shard}" for shard in range(recipients.SHARDS)}


def test_one_bad_address_does_not_lose_the_others(hub: House, one_lane: None) -> None:
    join(hub, "ana@a.example", "bad@a.example", "ben@a.example", "cem@a.example")
    canary(hub)
    reason = {"message": "Does not contain a valid address.", "field": "personalizations.1.to.0.email"}
    hub.sendgrid.only(lambda body: len(body["personalizations"]) > 3, answer(400, {"errors": [reason]}))
    rolled_back(hub)
    assert mailed(hub) == [["ana@a.example", "ben@a.example", "cem@a.example"]]
    assert fates(hub)["bad@a.example"] == Fate.REFUSED
    (batch,) = batches(hub)
    assert batch.state == "done"
    assert batch.last_error == "1 refused: Does not contain a valid address."


def test_a_repeat_goes_to_who_is_not_known_to_have_it(hub: House, one_lane: None) -> None:
    """The provider had it, no answer came, and meanwhile its events told of one recipient."""
    join(hub, "ana@a.example", "ben@a.example")
    canary(hub)
    hub.sendgrid.only(many, accept_then_fail())
    rolled_back(hub)
    assert fates(hub) == {"ana@a.example": Fate.PENDING, "ben@a.example": Fate.PENDING}
    learn(hub, "ana@a.example", Fate.DELIVERED)
    hub.tick(minutes=5)
    assert mailed(hub) == [["ana@a.example", "ben@a.example"], ["ben@a.example"]]
    assert fates(hub) == {"ana@a.example": Fate.DELIVERED, "ben@a.example": Fate.ACCEPTED}
    assert batches(hub)[0].ambiguous


def test_the_providers_events_say_whether_it_took_a_request(hub: House, one_lane: None) -> None:
    join(hub, "ana@a.example", "ben@a.example")
    canary(hub)
    hub.sendgrid.only(many, accept_then_fail())
    rolled_back(hub)
    (batch,) = batches(hub)
    now = hub.clock()
    mail = Outbound(key="", to="", subject="", text="", html="", slack="", arguments={"delivery": str(batch.id)})
    doubt = Doubt(since=now, last=now, now=now)
    deaf = hub.parts.worker._sender._channels["email"]
    assert isinstance(deaf, Mailing)
    hears = Mailing(hub.parts.hub, deaf._channel, listens=True)
    assert isinstance(deaf.find(mail, doubt), CannotTell)
    later = hears.find(mail, doubt)
    assert isinstance(later, Later)
    assert later.at == now + timedelta(seconds=30)
    learn(hub, "ben@a.example", Fate.DEFERRED)
    assert hears.find(mail, doubt) == Found(Receipt())
    assert fates(hub) == {"ana@a.example": Fate.ACCEPTED, "ben@a.example": Fate.DEFERRED}
    hub.tick(minutes=5)
    assert len(mailed(hub)) == 1  # everybody has it, so nothing is sent again


@pytest.mark.parametrize(
    ("fate", "lasting", "gets_more"),
    [
        (Fate.BOUNCED, True, False),
        (Fate.BOUNCED, False, True),
        (Fate.SPAM, False, False),
        (Fate.UNSUBSCRIBED, False, False),
        (Fate.DROPPED, True, True),
    ],
)
def test_who_cannot_or_will_not_read_gets_no_more(hub: House, fate: Fate, *, lasting: bool, gets_more: bool) -> None:
    join(hub, "ana@a.example")
    canary(hub)
    rolled_back(hub)
    learn(hub, "ana@a.example", fate, lasting=lasting)
    hub.event("rollback.finished")
    assert len(mailed(hub)) == 1 + gets_more
    if not gets_more:
        assert fates(hub) == {"ana@a.example": Fate.LEFT_OUT}
        assert batches(hub)[-1].last_error == "1 left out."


def test_who_stops_between_decision_and_sending_is_left_out(hub: House) -> None:
    (token,) = join(hub, "ana@a.example")
    canary(hub)
    hub.sendgrid.only(many, broken(503))
    rolled_back(hub)
    subscribe.stop(hub.parts.hub, token, hub.clock())
    hub.tick(minutes=1)
    assert mailed(hub) == []
    assert fates(hub) == {"ana@a.example": Fate.LEFT_OUT}


def test_a_customer_whose_address_bounces_gets_no_more_of_their_thread(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    hub.answer(hub.incident(), words="It fails.", email="Ana@customer.example")
    learn(hub, "Ana@customer.example", Fate.BOUNCED, lasting=True)
    hub.heard()
    hub.answer(hub.incident(), words="Once more.", email="ana@customer.example")
    assert not any(line.startswith("MAIL ana") for line in hub.heard())


def learn(house: House, address: str, fate: Fate, *, lasting: bool = False) -> None:
    """Let the provider tell about the newest mail to an address."""
    hub = house.parts.hub
    with hub.database.transaction() as session:
        found = sa.select(col(Recipient.id)).where(col(Recipient.address) == address)
        who = session.execute(found.order_by(col(Recipient.id).desc())).scalars().first()
        assert who is not None
        news = MailNews(recipient=who, fate=fate, at=house.clock(), lasting=lasting)
        recipients.learn(session, [news], house.clock())
