"""Visitors ask for mail, confirm, change and end it; nobody learns who has it or fills a stranger's mailbox."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

from tests.e2e.house import House, house
from tests.e2e.test_process import until
from tests.e2e.test_publicity import canary, rolled_back
from tests.providers import sendgrid
from tests.services.test_mailing import join
from trusthub.services.asking import MOST
from trusthub.services.cases import the_page
from trusthub.store import outbox
from trusthub.store.tables import Delivery, Subscriber, Suppression

ANA = "ana@customer.example"


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[House]:
    with house(database_url, tmp_path) as made:
        yield made


def mails(hub: House, address: str = ANA) -> list[dict[str, str]]:
    hub.parts.worker.drain()
    return [mail for body in hub.sendgrid.messages for mail in sendgrid.read(body) if mail["to"] == address]


def ask(hub: House, address: str = ANA, network: str = "192.0.2.1", **fields: Any) -> bytes:
    wish = {"email": address, "incidents": "yes", "maintenance": "yes", "zone": "Europe/Berlin", **fields}
    answer = hub.web.post("/subscribe", data=wish, environ_base={"REMOTE_ADDR": network})
    assert answer.status_code == 200, answer.text
    return bytes(answer.data)


def link(mail: dict[str, str]) -> str:
    found = re.search(r"http://hub\.example(/subscriptions/[\w.]+)", mail["text/plain"])
    assert found
    return found[1]


def begin(hub: House, **fields: Any) -> str:
    """Ask and confirm; return where it is changed."""
    ask(hub, **fields)
    answer = hub.web.post(link(mails(hub)[-1]) + "/confirm")
    assert answer.status_code == 303
    return str(answer.headers["Location"]).removeprefix("http://hub.example").removesuffix("?done=1")


def test_mail_begins_when_a_person_says_yes(hub: House) -> None:
    ask(hub, components=["checkout"])
    (mail,) = mails(hub)
    assert "List-Unsubscribe" not in mail
    for _ in range(2):  # a scanner that opens it begins nothing
        assert "Yes, write to me" in hub.web.get(link(mail)).text
    assert hub.web.post(link(mail)).status_code == 404  # nor one that presses the mail reader's button
    with hub.parts.hub.database.reading() as session:
        assert session.execute(sa.select(col(Subscriber.confirmed_at))).scalar() is None
    assert hub.web.post(link(mail) + "/confirm").status_code == 303
    canary(hub)
    rolled_back(hub)
    assert len(mails(hub)) > 1
    assert "CET" in mails(hub)[-1]["text/plain"]  # 14:02 UTC is 15:02 in Berlin


def test_every_address_gets_the_same_answer(hub: House) -> None:
    join(hub, "known@customer.example")
    join(hub, "waits@customer.example", confirmed=False)
    with hub.parts.hub.database.transaction() as session:
        session.add(Suppression(address="spam@customer.example", reason="bounced", at=hub.clock()))
    names = ("known", "waits", "spam", "new")
    assert len({ask(hub, f"{name}@customer.example") for name in names} | {ask(hub, website="x")}) == 1
    assert ["already" in mail["subject"] for mail in mails(hub, "known@customer.example")] == [True]
    assert [len(mails(hub, f"{name}@customer.example")) for name in names] == [1, 1, 0, 1]
    assert mails(hub, ANA) == []


def test_nobody_fills_a_strangers_mailbox(hub: House) -> None:
    for number in range(9):
        ask(hub, "Ana@customer.example" if number % 2 else ANA, network=f"198.51.{number}.1")
        hub.clock.forward(minutes=1)
    assert len(mails(hub)) == 3
    hub.clock.forward(days=1)
    ask(hub)
    assert len(mails(hub)) == 4


def test_one_network_cannot_ask_without_end(hub: House) -> None:
    wish = {"email": ANA, "incidents": "yes"}
    codes = [
        hub.web.post("/subscribe", data=wish, environ_base={"REMOTE_ADDR": f"192.0.2.{host}"}).status_code
        for host in range(1, 13)
    ]
    assert codes == [200] * 10 + [429] * 2
    assert hub.web.post("/subscribe", data=wish, headers={"Origin": "https://evil.example"}).status_code == 403


def test_a_link_lives_a_day_and_an_address_a_week(hub: House) -> None:
    ask(hub)
    (mail,) = mails(hub)
    hub.clock.forward(hours=23, minutes=59)
    assert hub.web.get(link(mail)).status_code == 200
    hub.clock.forward(minutes=1)
    assert hub.web.get(link(mail)).status_code == 404
    assert hub.web.post(link(mail) + "/confirm").status_code == 404
    for days, left in ((5, 1), (2, 0)):
        hub.clock.forward(days=days)
        hub.keep_house()
        with hub.parts.hub.database.reading() as session:
            assert session.execute(sa.select(sa.func.count()).select_from(Subscriber)).scalar() == left
            kept = sa.select(sa.func.count()).select_from(Delivery).where(col(Delivery.lane) == f"email:{ANA}")
            assert session.execute(kept).scalar() == left


def test_what_is_heard_can_be_changed_and_ended(hub: House) -> None:
    path = begin(hub)
    fields = {"maintenance": "yes", "zone": "Europe/Berlin", "components": "checkout"}
    assert hub.web.post(f"{path}/settings", data=fields).status_code == 303
    assert hub.web.post(f"{path}/settings", data={**fields, "zone": "Mars/Base"}).status_code == 400
    shown = hub.web.get(path).text
    assert 'value="Europe/Berlin"' in shown
    assert ANA not in shown
    before = len(mails(hub))
    canary(hub)
    rolled_back(hub)
    assert len(mails(hub)) == before  # planned work only
    assert hub.web.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert hub.web.post(f"{path}/settings", data=fields).status_code == 404


def test_who_stopped_can_begin_anew_but_not_with_an_old_link(hub: House) -> None:
    ask(hub)
    old = link(mails(hub)[-1])
    hub.web.post(old + "/confirm")
    path = begin_again = ""
    with hub.parts.hub.database.reading() as session:
        row = session.execute(sa.select(Subscriber)).scalar_one()
        path = f"/subscriptions/{hub.parts.hub.tokens.make('subscriber', row.public_id)}"
    hub.web.post(path)
    assert hub.web.post(old + "/confirm").status_code == 404
    hub.clock.forward(minutes=1)
    begin_again = begin(hub)
    assert begin_again != path
    assert "What you hear from us" in hub.web.get(begin_again).text


def test_who_follows_one_incident_hears_it_to_its_end_and_nothing_else(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    incident = hub.incident()
    assert f"/subscribe?incident={incident}" in hub.page(f"/incidents/{incident}")
    begin(hub, incident=incident)
    join(hub, "both@customer.example")
    join(hub, "both@customer.example", about=incident)
    begun = len(mails(hub))
    hub.event("rollback.finished")
    while hub.wait():
        pass
    ended = mails(hub)[begun:]
    assert ended
    assert "We rolled back from 2.8.0" in ended[-1]["text/plain"]
    both = [mail["subject"] for mail in mails(hub, "both@customer.example")]
    assert len(both) == len(ended)  # nobody hears anything twice
    assert hub.web.get(f"/subscribe?incident={incident}").status_code == 404
    told = len(mails(hub))
    hub.event("rollout.started", to_version="2.9.0")
    hub.event("rollback.started", to_version="2.9.0", exposure=5)
    assert len(mails(hub)) == told
    hub.clock.forward(days=8)
    hub.keep_house()
    with hub.parts.hub.database.reading() as session:
        assert session.execute(sa.select(col(Subscriber.about)).distinct()).scalars().all() == [""]


def test_who_asks_and_who_tells_do_not_wait_for_each_other(tmp_path: Path, postgres_url: str) -> None:
    """A soak found it: one held the page and waited for the turn, the other had the turn and wrote of the page."""
    waits = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with house(postgres_url, tmp_path) as hub, ThreadPoolExecutor(1) as pool:
        database = hub.parts.hub.database
        with database.transaction() as session:
            outbox.take_turn(session)
            asked = pool.submit(ask, hub)
            until(lambda: bool(session.execute(waits).scalar()))
            the_page(session, lock=True)
        assert asked.result(10)
        assert len(mails(hub)) == 1


def test_two_presses_at_once_are_one_wish(tmp_path: Path, postgres_url: str) -> None:
    with house(postgres_url, tmp_path) as hub, ThreadPoolExecutor(4) as pool:
        asked = list(pool.map(lambda _: ask(hub), range(4)))
        assert len(set(asked)) == 1
        assert len(mails(hub)) == MOST
        with hub.parts.hub.database.reading() as session:
            assert session.execute(sa.select(sa.func.count()).select_from(Subscriber)).scalar() == 1
